import { EMPTY, ETH_P, IP_DF, IPPROTO, Packet, TCP } from '../../../net/packet.ts'
import { PACKET_ORIGINS } from '../../../trace/step.ts'
import type { SendResult } from '../../types.ts'
import { ATO_MIN, PINGPONG_THRESHOLD, WINDOW_SCALE } from './constants.ts'
import { dataOptions, synOptions } from './options.ts'
import type { Segment } from './segment.ts'
import type { TcpSock } from './sock.ts'
import { selectWindow } from './window.ts'

const FROM_SOCKET = PACKET_ORIGINS.indexOf('socket')

/** tcp_transmit_skb(): builds the header of a segment of this socket and sends it. ACK is set once there is something to acknowledge. */
export function transmit(sk: TcpSock, s: Pick<Segment, 'seq' | 'bytes' | 'flags'>, cause: number): SendResult {
  const syn = (s.flags & TCP.SYN) !== 0
  const active = sk.state === 'SYN_SENT'
  const flags = active ? s.flags : s.flags | TCP.ACK
  const p = new Packet()
  p.etherType = ETH_P.IP
  p.protocol = IPPROTO.TCP
  p.src = sk.localAddress
  p.dst = sk.remoteAddress
  p.sport = sk.localPort
  p.dport = sk.remotePort
  p.ipFlags = IP_DF
  p.seq = s.seq
  p.ack = active ? 0 : sk.rcvNxt
  p.tcpFlags = flags
  p.window = selectWindow(sk, syn)
  p.options = syn ? optionsOfSyn(sk, active) : dataOptions(timestamps(sk), sackBlocks(sk))
  p.payload = s.bytes
  if ((flags & TCP.ACK) !== 0) eventAckSent(sk)
  if (s.bytes.length > 0) eventDataSent(sk)
  sk.lastCause = cause
  const confirm = sk.dstConfirm
  sk.dstConfirm = false
  const { path, ns } = sk.host
  return path.localOut(ns, p, {
    how: FROM_SOCKET,
    cause,
    socket: sk,
    confirm,
    hash: sk.txHash,
    ...(sk.owner === undefined ? {} : { process: sk.owner.ref }),
    ...(sk.device === undefined ? {} : { oif: sk.device }),
  })
}

/** tcp_send_ack(): an acknowledgement with no data. */
export function sendAck(sk: TcpSock, cause: number): void {
  transmit(sk, { seq: sk.sndNxt, bytes: EMPTY, flags: 0 }, cause)
}

/** A SYN offers everything; a SYN ACK answers what was offered. */
function optionsOfSyn(sk: TcpSock, active: boolean): Uint8Array {
  return synOptions({
    mss: sk.advmss,
    sackPermitted: active || sk.sackOk,
    timestamps: active ? { value: sk.timestamp(), echo: 0 } : timestamps(sk),
    windowScale: active ? WINDOW_SCALE : sk.rcvWscale,
  })
}

const timestamps = (sk: TcpSock) => (sk.tsOk ? { value: sk.timestamp(), echo: sk.tsRecent } : undefined)

/** What came twice stands first and is told once; then what is beyond the hole. */
function sackBlocks(sk: TcpSock): readonly { readonly left: number; readonly right: number }[] {
  if (!sk.sackOk) return []
  const beyond = sk.outOfOrder.map((o) => ({ left: o.seq, right: o.end }))
  const { dsack } = sk
  sk.dsack = undefined
  return dsack === undefined ? beyond : [dsack, ...beyond]
}

/** tcp_event_ack_sent(): whatever was waiting to be acknowledged now is. */
function eventAckSent(sk: TcpSock): void {
  if (sk.quick > 0) {
    sk.quick--
    if (sk.quick === 0) sk.ato = ATO_MIN
  }
  sk.ackScheduled = false
  sk.ackPushed = 0
  sk.delackTimer?.cancel()
  sk.delackTimer = undefined
}

/** tcp_event_data_sent(): an answer soon after data came in marks the connection as interactive, and its ACKs may wait. */
function eventDataSent(sk: TcpSock): void {
  sk.lsndTime = sk.host.now
  if (sk.host.now - sk.lrcvTime < sk.ato) sk.pingpong++
}

/** inet_csk_in_pingpong_mode() */
export const inPingpong = (sk: TcpSock): boolean => sk.pingpong >= PINGPONG_THRESHOLD
