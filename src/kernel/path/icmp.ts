import { isGroupMac, isMulticast } from '../../net/address.ts'
import { EMPTY, ETH_P, ICMP, IPPROTO, Packet, TCP } from '../../net/packet.ts'
import { quoteDatagram } from '../../net/quote.ts'
import { parseQuoted } from '../../net/quoted.ts'
import { PACKET_ORIGINS } from '../../trace/step.ts'
import type { NetworkNamespace } from '../namespace.ts'
import { SkBuff } from '../skb.ts'
import { type Namespace, PACKET_HOST, type QuotedHeader, type Skb } from '../types.ts'
import { deliver, depart, drop, TO_ICMP } from './hop.ts'
import { redirectAllow, xrlimAllow } from './inet-peer.ts'
import { begin, ipLocalOut } from './local-out.ts'
import { ipDoRedirect } from './redirect.ts'
import { lookupOutput, type OutputRoute } from './route.ts'
import { devQueueXmit } from './xmit.ts'

const BY_ICMP = PACKET_ORIGINS.indexOf('icmp')
const BY_RESET = PACKET_ORIGINS.indexOf('reset')

/** INADDR_DUMMY, 192.0.0.8 (RFC 7600 section 4.8): what a host that has no address calls itself in an error. */
const INADDR_DUMMY = 0xc0000008

/** Internet control precedence, what errors are sent with: RT_TOS | IPTOS_PREC_INTERNETCONTROL. */
const TOS_ERROR = 0xc0

const isError = (type: number): boolean =>
  type === ICMP.UNREACHABLE || type === 4 || type === ICMP.REDIRECT || type === ICMP.TIME_EXCEEDED || type === 12

/** __icmp_send(): refuses where RFC 1122 section 3.2.2 says an error must not be sent. */
export function icmpSend(namespace: Namespace, offending: Skb, type: number, code: number, info = 0): void {
  const ns = namespace as NetworkNamespace
  const old = offending as SkBuff
  const { pkt } = old
  if (pkt.etherType !== ETH_P.IP || old.packetType !== PACKET_HOST) return
  if (isGroupMac(pkt.ethDst) || isMulticast(pkt.dst) || pkt.dst === 0xffffffff || pkt.fragmentOffset !== 0) return
  if (isMulticast(pkt.src)) return
  if (pkt.protocol === IPPROTO.ICMP && isError(pkt.icmpType)) return
  const type4 = ns.fib.addressType(pkt.dst)
  if (type4 === 'BROADCAST' || ns.icmpSending) return

  const error = new Packet()
  error.etherType = ETH_P.IP
  error.protocol = IPPROTO.ICMP
  error.tos = (pkt.tos & 0x1e) | TOS_ERROR
  error.dst = pkt.src
  // The address the packet was for, if that is ours; else the one the route prefers.
  error.src = type4 === 'LOCAL' ? pkt.dst : 0
  error.icmpType = type
  error.icmpCode = code
  error.icmpRest = info >>> 0
  sendError(ns, old, error)
}

/** ip_rt_send_redirect(): a packet that leaves through the device it came in by had a shorter way. */
export function icmpRedirect(ns: NetworkNamespace, skb: SkBuff, gateway: number): void {
  if (!redirectAllow(ns, skb.pkt.src)) return
  icmpSend(ns, skb, ICMP.REDIRECT, 1, gateway)
}

function sendError(ns: NetworkNamespace, old: SkBuff, error: Packet): void {
  const mark = replyMark(ns, old)
  const route = lookupOutput(ns, { dst: error.dst, src: error.src, mark, tos: error.tos, oif: undefined })
  if (route.error !== undefined) return
  if (route.found.device !== ns.loopback && !rateAllows(ns, error)) return
  error.src = route.source === 0 ? INADDR_DUMMY : route.source
  // A sender that had no address yet is this host itself: ip_route_output_key_hash_rcu().
  if (error.dst === 0) error.dst = route.source
  error.payload = quoteDatagram(old.pkt)
  const skb = new SkBuff(error, ns)
  skb.cause = ns.kernel.rec.last
  skb.mark = mark
  // icmp_glue_bits() calls nf_ct_attach() for every error.
  ns.netfilter.attach(skb, old)
  push(skb, route, old)
}

/** IP4_REPLY_MARK() */
const replyMark = (ns: NetworkNamespace, skb: SkBuff): number => (ns.sysctl('net.ipv4.fwmark_reflect') !== 0 ? skb.mark : 0)

/** icmp_push_reply(): what the message itself gives cause for before it has left the stack goes unsaid. */
function push(skb: SkBuff, route: OutputRoute, cause: SkBuff): void {
  const { ns } = skb
  begin(skb, route, { how: BY_ICMP, parent: cause.packet })
  ns.icmpSending = true
  ipLocalOut(skb)
  ns.icmpSending = false
}

/** icmpv4_xrlim_allow() */
function rateAllows(ns: NetworkNamespace, error: Packet): boolean {
  if ((ns.sysctl('net.ipv4.icmp_ratemask') & (1 << error.icmpType)) === 0) return true
  const limit = ns.sysctl('net.ipv4.icmp_ratelimit') * 1_000_000
  if (limit === 0) return true
  return xrlimAllow(ns, error.dst, limit)
}

/** icmp_rcv(): answers echoes, hands errors to the socket that caused them. */
export function icmpRcv(skb: SkBuff): void {
  const { ns, pkt } = skb
  if (pkt.icmpType === ICMP.ECHO) {
    const cause = deliver(skb, TO_ICMP)
    if (ns.sysctl('net.ipv4.icmp_echo_ignore_all') === 0) icmpReply(ns, skb, cause)
    return
  }
  if (pkt.icmpType === ICMP.ECHO_REPLY) {
    if (!ns.sockets.icmpReceive(skb)) drop(skb, 'SKB_DROP_REASON_NO_SOCKET')
    return
  }
  if (!isError(pkt.icmpType)) {
    deliver(skb, TO_ICMP)
    return
  }
  deliver(skb, TO_ICMP)
  const quoted = readQuote(pkt.payload)
  if (quoted === undefined) return
  // icmp_redirect() hands the sockets the new gateway, icmp_unreach() the MTU.
  const info = pkt.icmpType === ICMP.REDIRECT ? pkt.icmpRest : pkt.icmpRest & 0xffff
  const socket = ns.sockets.icmpError(skb, quoted, pkt.icmpType, pkt.icmpCode, info)
  // icmp_err(): an echo reply is of the kernel's own making, and ipv4_redirect() needs no socket.
  const from = socket ?? (quoted.icmpType === ICMP.ECHO_REPLY ? { device: undefined } : undefined)
  if (pkt.icmpType === ICMP.REDIRECT && from !== undefined) ipDoRedirect(ns, skb, quoted, from)
}

/** icmp_echo(), icmp_reply(): the answer goes out from the address that was asked. */
function icmpReply(ns: NetworkNamespace, skb: SkBuff, cause: number): void {
  const { pkt } = skb
  if (ns.icmpSending) return
  const broadcast = ns.fib.addressType(pkt.dst) === 'BROADCAST' || isMulticast(pkt.dst)
  if (broadcast && ns.sysctl('net.ipv4.icmp_echo_ignore_broadcasts') !== 0) return
  const reply = new Packet()
  reply.etherType = ETH_P.IP
  reply.protocol = IPPROTO.ICMP
  reply.tos = pkt.tos
  reply.src = broadcast ? 0 : pkt.dst
  reply.dst = pkt.src
  reply.icmpType = ICMP.ECHO_REPLY
  reply.icmpRest = pkt.icmpRest
  reply.payload = pkt.payload
  const mark = replyMark(ns, skb)
  const route = lookupOutput(ns, { dst: reply.dst, src: reply.src, mark, tos: reply.tos, oif: undefined })
  if (route.error !== undefined) return
  reply.src = route.source
  const out = new SkBuff(reply, ns)
  out.cause = cause
  out.mark = mark
  out.pathMtu = ns.sockets.pathMtu(reply.dst)
  push(out, route, skb)
}

/** What a socket is looked up by. For echo the id stands where sockets expect a local port. */
function readQuote(payload: Uint8Array): QuotedHeader | undefined {
  const quoted = parseQuoted(payload)
  if (!quoted.ok) return undefined
  const q = quoted.value
  const echo = q.protocol === IPPROTO.ICMP
  const header = { protocol: q.protocol, src: q.src, dst: q.dst, sport: echo ? q.icmpRest >>> 16 : q.sport, dport: q.dport }
  return echo ? { ...header, icmpType: q.icmpType } : header
}

/** nf_send_reset(): answers a TCP segment in its receiver's name. */
export function sendReset(namespace: Namespace, offending: Skb, _hook: number): void {
  const ns = namespace as NetworkNamespace
  const old = offending as SkBuff
  const { pkt } = old
  if (pkt.protocol !== IPPROTO.TCP || pkt.fragmentOffset !== 0 || (pkt.tcpFlags & TCP.RST) !== 0) return
  if (old.packetType !== PACKET_HOST) return
  const reset = new Packet()
  reset.etherType = ETH_P.IP
  reset.protocol = IPPROTO.TCP
  reset.src = pkt.dst
  reset.dst = pkt.src
  reset.sport = pkt.dport
  reset.dport = pkt.sport
  reset.options = EMPTY
  const flags = pkt.tcpFlags
  const length = pkt.payload.length + ((flags & TCP.SYN) !== 0 ? 1 : 0) + ((flags & TCP.FIN) !== 0 ? 1 : 0)
  if ((flags & TCP.ACK) !== 0) {
    reset.tcpFlags = TCP.RST
    reset.seq = pkt.ack
  } else {
    reset.tcpFlags = TCP.RST | TCP.ACK
    reset.ack = (pkt.seq + length) >>> 0
  }
  // DF with identification 0, as nf_reject_iphdr_put() makes it.
  reset.ipFlags = 2
  const route = lookupOutput(ns, { dst: reset.dst, src: reset.src, mark: 0, tos: 0, oif: undefined })
  if (route.error !== undefined) return
  const skb = new SkBuff(reset, ns)
  skb.cause = ns.kernel.rec.last
  ns.netfilter.setClosing(old)
  ns.netfilter.attach(skb, old)
  const port = old.nfBridge?.physIn
  if (port === undefined) {
    begin(skb, route, { how: BY_RESET, parent: old.packet })
    ipLocalOut(skb)
    return
  }
  // What br_netfilter has seen came in through a bridge: the reset goes straight back out of that port, past all hooks, in the
  // name of the machine that the packet was for.
  reset.ethSrc = pkt.ethDst
  reset.ethDst = pkt.ethSrc
  begin(skb, route, { how: BY_RESET, parent: old.packet })
  skb.outDev = port
  depart(skb, port.ref)
  devQueueXmit(skb, port)
}
