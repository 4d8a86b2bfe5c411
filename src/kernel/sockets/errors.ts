import { get8, get16, get32 } from '../../base/bytes.ts'
import { ipv4 } from '../../net/address.ts'

import type { ErrorSocket, QuotedHeader, Skb } from '../types.ts'
import { FRAG_NEEDED, icmpErrno } from './errno.ts'
import type { SocketHost } from './host.ts'
import type { PingSocket } from './ping.ts'
import { between } from './sequence.ts'
import { RTO_MAX } from './tcp/constants.ts'
import { tcpDone, tcpFail } from './tcp/done.ts'
import { syncMss } from './tcp/handshake.ts'
import { resegment } from './tcp/output.ts'
import { currentRto } from './tcp/rtt.ts'
import type { TcpSock } from './tcp/sock.ts'
import type { TcpTable } from './tcp/table.ts'
import { retransmitTimer } from './tcp/timeout.ts'
import { armRetransmit } from './tcp/timers.ts'
import type { UdpSocket } from './udp.ts'
import type { UdpTable } from './udp-table.ts'

/** An ICMP error about a packet that this namespace sent. */
export interface IcmpReport {
  readonly skb: Skb
  readonly quoted: QuotedHeader
  readonly type: number
  readonly code: number
  /** Next-hop MTU when fragmentation was needed, bytes. */
  readonly info: number
}

const UNREACHABLE = 3
const NET_UNREACHABLE = 0
const HOST_UNREACHABLE = 1
const REDIRECT = 5
const TIME_EXCEEDED = 11
const PARAMETER_PROBLEM = 12
const isNoWay = (r: IcmpReport): boolean => r.type === UNREACHABLE && (r.code === NET_UNREACHABLE || r.code === HOST_UNREACHABLE)
const isFragNeeded = (r: IcmpReport): boolean => r.type === UNREACHABLE && r.code === FRAG_NEEDED

/** tcp_v4_err() */
export function tcpError(host: SocketHost, table: TcpTable<TcpSock>, r: IcmpReport): ErrorSocket | undefined {
  const { quoted, skb } = r
  const sk = table.connection(quoted.src, quoted.sport, quoted.dst, quoted.dport)
  const found = icmpErrno(r.type, r.code)
  if (sk === undefined || sk.state === 'TIME_WAIT' || sk.state === 'LISTEN') return undefined
  const sequence = quotedWord(skb, 4)
  if (sequence !== undefined && !between(sequence, sk.sndUna, sk.sndNxt)) return undefined
  if (sk.state === 'SYN_RECV' && sk.listener !== undefined) {
    requestError(sk, r, sequence)
    return undefined
  }
  if (r.type === REDIRECT) return { device: sk.device }
  if (found === undefined) return undefined
  if (isFragNeeded(r)) {
    host.pmtu.update(quoted.dst, r.info)
    syncMss(sk, Math.min(host.pmtu.lookup(quoted.dst, r.info), sk.advmss + 40))
    resegment(sk, skb.cause)
    return undefined
  }
  if (isNoWay(r) && sequence === sk.sndUna) revertBackoff(sk, skb.cause)
  const error = { errno: found.errno, decidedBy: skb.cause }
  // Still connecting: any error ends it. Once connected, TCP keeps trying until it times out.
  if (sk.state === 'SYN_SENT' || sk.state === 'SYN_RECV') tcpFail(sk, found.errno, skb.cause)
  else sk.softError = error
  return undefined
}

/**
 * tcp_ld_RTO_revert(), RFC 6069: a retransmission that came to a router without a way was lost to that, not to congestion. The wait
 * for the next one is not doubled.
 */
function revertBackoff(sk: TcpSock, cause: number): void {
  const head = sk.rtxQueue[0]
  if (head === undefined || sk.retransmits === 0 || sk.backoff === 0) return
  sk.backoff--
  sk.rto = Math.min(currentRto(sk) * 2 ** sk.backoff, RTO_MAX)
  const remaining = sk.rto - (sk.host.now - head.sentAt)
  if (remaining > 0) armRetransmit(sk, 'retransmit', remaining)
  else retransmitTimer(sk, cause)
}

/** tcp_req_err(): a SYN ACK that met one of these ends the request; the client's next SYN makes a new one. */
function requestError(sk: TcpSock, r: IcmpReport, sequence: number | undefined): void {
  if (sequence !== undefined && sequence !== sk.sndUna) return
  if (isNoWay(r) || r.type === TIME_EXCEEDED || r.type === PARAMETER_PROBLEM) tcpDone(sk, r.skb.cause)
}

/** __udp4_lib_err() */
export function udpError(host: SocketHost, table: UdpTable<UdpSocket>, r: IcmpReport): ErrorSocket | undefined {
  const { quoted, skb } = r
  if (isFragNeeded(r)) host.pmtu.update(quoted.dst, r.info)
  const found = icmpErrno(r.type, r.code)
  if (found === undefined && r.type !== REDIRECT) return undefined
  const local = { address: ipv4(quoted.src), port: quoted.sport }
  const sk = table.lookup(local, { address: ipv4(quoted.dst), port: quoted.dport }, undefined)
  if (r.type === REDIRECT) return sk && { device: sk.device }
  if (found !== undefined) sk?.report({ errno: found.errno, decidedBy: skb.cause }, found.fatal || isFragNeeded(r), skb.cause)
  return undefined
}

/** ping_err() */
export function pingError(host: SocketHost, sockets: ReadonlyMap<number, PingSocket>, r: IcmpReport): ErrorSocket | undefined {
  const { skb, quoted } = r
  if (isFragNeeded(r)) host.pmtu.update(quoted.dst, r.info)
  // Of all sockets only these report a redirect.
  const found = r.type === REDIRECT ? ({ errno: 'EREMOTEIO' } as const) : icmpErrno(r.type, r.code)
  const rest = quotedWord(skb, 4)
  if (found === undefined || rest === undefined) return undefined
  const sk = sockets.get(rest >>> 16)
  sk?.report(
    {
      kind: 'error',
      from: ipv4(skb.pkt.src),
      sequence: rest & 0xffff,
      type: r.type,
      code: r.code,
      info: r.info,
      errno: found.errno,
      decidedBy: skb.cause,
    },
    skb.cause,
  )
  return r.type === REDIRECT ? sk && { device: sk.device } : undefined
}

/** A 32-bit word of the quoted datagram's own layer 4 header, undefined when the quote is too short or not a first fragment. */
function quotedWord(skb: Skb, offset: number): number | undefined {
  const bytes = skb.pkt.payload
  const header = (get8(bytes, 0) & 15) * 4
  if (header < 20 || bytes.length < header + offset + 4) return undefined
  if ((get16(bytes, 6) & 0x1fff) !== 0) return undefined
  return get32(bytes, header + offset)
}
