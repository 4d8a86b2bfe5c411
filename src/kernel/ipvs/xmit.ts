import { isLoopback } from '../../net/address.ts'
import { FIELD, ICMP, IP_DF, IPPROTO, ipLength, type Packet } from '../../net/packet.ts'
import { STEP } from '../../trace/columns.ts'
import type { Conntrack } from '../conntrack/conntrack.ts'
import { CT, directionOf, IPS } from '../conntrack/entry.ts'
import type { NetDevice } from '../device.ts'
import { setDestination, setDestinationPort, setSource, setSourcePort } from '../netfilter/rewrite.ts'
import { drop, noteRewrite, undetermined } from '../path/hop.ts'
import { icmpSend } from '../path/icmp.ts'
import { ipLocalOut } from '../path/local-out.ts'
import { lookupOutput, noteRoute, type OutputRoute, PURPOSE_OUTPUT, ROUTE_LOCAL } from '../path/route.ts'
import type { SkBuff } from '../skb.ts'
import { NF_ACCEPT, NF_STOLEN } from '../types.ts'
import type { Connection } from './connection.ts'

// ip_vs_xmit.c: on to the real server.

const FRAG_NEEDED = 1

/** Where a packet goes: out, up this stack, or nowhere (its end is written). */
type Way = { readonly kind: 'out'; readonly route: OutputRoute } | { readonly kind: 'local' } | { readonly kind: 'gone' }

/** __ip_vs_get_out_rt(): routes to the real server, spends a hop, looks at the MTU. `local` allows a real server on this host. */
function getOutRoute(skb: SkBuff, address: number, local: boolean): Way {
  const { ns, pkt } = skb
  const gone = (): Way => {
    drop(skb, 'SKB_DROP_REASON_NOT_SPECIFIED')
    return { kind: 'gone' }
  }
  const route = lookupOutput(ns, { dst: address, src: 0, mark: 0, tos: 0, oif: undefined })
  noteRoute(skb, PURPOSE_OUTPUT, address, route.found)
  if (route.error !== undefined) {
    // dst_link_failure()
    icmpSend(ns, skb, ICMP.UNREACHABLE, 1)
    return gone()
  }
  if (route.found.result === ROUTE_LOCAL) return local ? { kind: 'local' } : gone()
  // crosses_local_route_boundary()
  if (isLoopback(pkt.src)) return gone()
  if (pkt.ttl <= 1) {
    icmpSend(ns, skb, ICMP.TIME_EXCEEDED, 0)
    return gone()
  }
  noteRewrite(skb, FIELD.TTL, pkt.ttl, pkt.ttl - 1)
  pkt.ttl--
  const { mtu } = route.found.device as NetDevice
  if (ipLength(pkt) > mtu && (pkt.ipFlags & IP_DF) !== 0) {
    ns.kernel.rec.step(STEP.mtu, skb, mtu, ipLength(pkt), FRAG_NEEDED)
    icmpSend(ns, skb, ICMP.UNREACHABLE, 4, mtu)
    return gone()
  }
  return { kind: 'out', route }
}

/** NF_HOOK(NF_INET_LOCAL_OUT …, dst_output): the packet leaves as if this host had made it. */
function send(skb: SkBuff, { found }: OutputRoute, gateway: number): number {
  skb.dst = found
  skb.gateway = gateway
  skb.outDev = found.device as NetDevice
  skb.pathMtu = 0
  // skb_orphan(): a socket that sent it hears no errors of this way.
  ipLocalOut(skb)
  return NF_STOLEN
}

/** ip_vs_notrack() */
function notrack(skb: SkBuff, conntrack: Conntrack): void {
  if (skb.ct === undefined) return
  conntrack.release(skb)
  skb.ct = undefined
  skb.ctInfo = CT.UNTRACKED
}

/**
 * ip_vs_update_conntrack(): the entry of a first packet is told what its replies will look like, `server` with the real server
 * as their source (`towards`) or with the virtual address as their destination. Without it, the connection is not tracked.
 */
export function followConntrack(skb: SkBuff, c: Connection, conntrack: Conntrack, towards: 'server' | 'client'): void {
  if (!c.nfct) {
    notrack(skb, conntrack)
    return
  }
  const entry = skb.ct
  if (entry === undefined || entry.confirmed || (entry.status & IPS.DYING) !== 0) return
  if (c.server.record.forwarding !== 'masq' || directionOf(skb.ctInfo) !== 0) return
  const { reply } = entry
  const ports = entry.protocol !== IPPROTO.ICMP
  if (towards === 'server') {
    reply.src = c.daddr
    if (ports) reply.sport = c.dport
  } else {
    reply.dst = c.vaddr
    if (ports) reply.dport = c.vport
  }
  conntrack.changed(entry, skb)
}

/** ip_vs_nat_xmit(): NF_ACCEPT when the real server is this host. */
export function natXmit(skb: SkBuff, c: Connection, conntrack: Conntrack): number {
  // rt_is_input_route()
  const wasInput = skb.inDev !== undefined
  const way = getOutRoute(skb, c.daddr, true)
  if (way.kind === 'gone') return NF_STOLEN
  if (way.kind === 'local' && isLoopback(c.daddr) && wasInput) {
    drop(skb, 'SKB_DROP_REASON_NOT_SPECIFIED')
    return NF_STOLEN
  }
  const { rec } = skb.ns.kernel
  setDestinationPort(rec, skb, c.dport)
  setDestination(rec, skb, c.daddr)
  return sendOrContinue(skb, c, conntrack, way)
}

/** ip_vs_nat_send_or_cont() */
export function sendOrContinue(skb: SkBuff, c: Connection, conntrack: Conntrack, way: Way): number {
  skb.ipvsProperty = true
  followConntrack(skb, c, conntrack, 'server')
  return way.kind === 'out' ? send(skb, way.route, way.route.found.gateway) : NF_ACCEPT
}

/** ip_vs_dr_xmit(): the packet as it is, to the real server's own link address. */
function drXmit(skb: SkBuff, c: Connection, conntrack: Conntrack): number {
  const way = getOutRoute(skb, c.daddr, true)
  if (way.kind === 'gone') return NF_STOLEN
  skb.ipvsProperty = true
  if (!c.nfct) notrack(skb, conntrack)
  if (way.kind === 'local') return NF_ACCEPT
  const { gateway } = way.route.found
  // FLOWI_FLAG_KNOWN_NH
  return send(skb, way.route, gateway !== 0 ? gateway : c.daddr)
}

/** cp->packet_xmit */
export function xmit(skb: SkBuff, c: Connection, conntrack: Conntrack): number {
  switch (c.server.record.forwarding) {
    case 'masq':
      return natXmit(skb, c, conntrack)
    case 'droute':
      return drXmit(skb, c, conntrack)
    case 'local':
      skb.ipvsProperty = true
      if (!c.nfct) notrack(skb, conntrack)
      return NF_ACCEPT
    case 'tunnel':
      undetermined(skb, 'ipvs', 'IPVS tunnel forwarding', c.server.ref)
      return NF_STOLEN
  }
}

/** Where an ICMP error about a connection goes: not to a real server of this host when it is met in FORWARD. */
export const routeError = (skb: SkBuff, c: Connection, inForward: boolean): Way => getOutRoute(skb, c.daddr, !inForward)

/** snat_handler and the new source: a reply comes from the virtual address again. */
export function rewriteReply(skb: SkBuff, c: Connection): void {
  const { rec } = skb.ns.kernel
  setSourcePort(rec, skb, c.vport)
  setSource(rec, skb, c.vaddr)
}

export const isFragment = (p: Packet): boolean => p.fragmentOffset !== 0 || (p.ipFlags & 1) !== 0
