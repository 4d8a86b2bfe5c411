import { EMPTY, ETH_P, IP_DF, IPPROTO, Packet, TCP } from '../../../net/packet.ts'
import { PACKET_ORIGINS } from '../../../trace/step.ts'
import type { Skb } from '../../types.ts'
import type { SocketHost } from '../host.ts'
import { seqAdd } from '../sequence.ts'
import { segmentLength } from './segment.ts'
import type { TcpSock } from './sock.ts'
import { transmit } from './transmit.ts'

const FROM_RESET = PACKET_ORIGINS.indexOf('reset')

/**
 * tcp_v4_send_reset(): refuses a segment that no connection wants. RFC 9293 section 3.10.7.1: with an ACK the reset takes its
 * sequence number from it; without one it has number zero and acknowledges everything. A reset is never answered.
 */
export function sendReset(host: SocketHost, skb: Skb, cause: number): void {
  const { pkt } = skb
  if ((pkt.tcpFlags & TCP.RST) !== 0) return
  const p = new Packet()
  p.etherType = ETH_P.IP
  p.protocol = IPPROTO.TCP
  p.src = pkt.dst
  p.dst = pkt.src
  p.sport = pkt.dport
  p.dport = pkt.sport
  p.ipFlags = IP_DF
  if ((pkt.tcpFlags & TCP.ACK) !== 0) {
    p.seq = pkt.ack
    p.tcpFlags = TCP.RST
  } else {
    p.ack = seqAdd(pkt.seq, segmentLength(pkt.tcpFlags, pkt.payload.length))
    p.tcpFlags = TCP.RST | TCP.ACK
  }
  host.path.localOut(host.ns, p, { how: FROM_RESET, cause, parent: skb.packet })
}

/** tcp_send_active_reset(): this end gives the connection up. */
export function sendActiveReset(sk: TcpSock, cause: number): void {
  transmit(sk, { seq: sk.sndNxt, bytes: EMPTY, flags: TCP.RST }, cause)
}
