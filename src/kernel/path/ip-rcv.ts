import { IP_MF, IPPROTO } from '../../net/packet.ts'
import { STEP } from '../../trace/columns.ts'
import { HOOK } from '../../trace/step.ts'
import type { NetDevice } from '../device.ts'
import type { SkBuff } from '../skb.ts'
import { NF_ACCEPT, PACKET_OTHERHOST } from '../types.ts'
import { drop } from './hop.ts'
import { icmpRcv, icmpSend } from './icmp.ts'
import { routeErrorAllow } from './inet-peer.ts'
import { ipForward } from './ip-forward.ts'
import { ROUTE_FORWARD, type RouteError, routeInput } from './route.ts'

/** ip_rcv(), NF_INET_PRE_ROUTING, ip_rcv_finish(): an IPv4 packet has arrived through `dev`. */
export function ipRcv(skb: SkBuff, dev: NetDevice): void {
  if (skb.packetType === PACKET_OTHERHOST) {
    drop(skb, 'SKB_DROP_REASON_OTHERHOST', dev.ref)
    return
  }
  const { netfilter } = dev.ns
  if (skb.nfBridge !== undefined && !skb.nfBridge.inPrerouting) {
    // ip_sabotage_in(): br_netfilter has been through PREROUTING with this packet already. ip_rcv_core() has cleared the control
    // block since, and with it how large the fragments were that conntrack put together there.
    skb.fragMaxSize = 0
    ipRcvFinish(skb, dev)
    return
  }
  const whole = defragment(skb, dev)
  if (whole === undefined) return
  if (!netfilter.empty && netfilter.hook(HOOK.PREROUTING, whole, dev, undefined, false) !== NF_ACCEPT) return
  ipRcvFinish(whole, dev)
}

/** ip_rcv_finish_core(): routes, unless the bridge's PREROUTING has routed it. */
function ipRcvFinish(skb: SkBuff, dev: NetDevice): void {
  if (skb.dst === undefined) {
    const routed = routeInput(skb, dev)
    if (routed === 'dropped') return
    if (routed !== 'ok') {
      ipError(skb, dev, routed)
      return
    }
  }
  if (skb.dst?.result !== ROUTE_FORWARD) ipLocalDeliver(skb, dev)
  else if (!dev.ns.stall.takes(skb, () => ipForward(skb, dev))) ipForward(skb, dev)
}

const FORWARDING_OFF = 0
const UNREACHABLE_CODE: Record<RouteError, number | undefined> = {
  EHOSTUNREACH: 1,
  ENETUNREACH: 0,
  EACCES: 13,
  EINVAL: undefined,
}

/** ip_error(): a router that has no way says so; a host that is no router keeps silent. */
function ipError(skb: SkBuff, dev: NetDevice, error: RouteError): void {
  const { ns } = dev
  const route = skb.dst?.route === undefined ? -1 : ns.kernel.rec.ref(skb.dst.route.id)
  if (!dev.conf.forwarding) {
    const sysctl = ns.sysctlRef(dev.conf.forwardingKey)
    ns.kernel.rec.step(STEP.forward, skb, FORWARDING_OFF, sysctl)
    drop(skb, 'SKB_DROP_REASON_IP_INADDRERRORS', sysctl)
    return
  }
  const code = UNREACHABLE_CODE[error]
  if (code !== undefined && routeErrorAllow(ns, skb.pkt.src)) icmpSend(ns, skb, 3, code)
  drop(skb, error === 'ENETUNREACH' ? 'SKB_DROP_REASON_IP_INNOROUTES' : 'SKB_DROP_REASON_NOT_SPECIFIED', route)
}

/** ip_local_deliver(), NF_INET_LOCAL_IN, ip_local_deliver_finish(). */
function ipLocalDeliver(skb: SkBuff, dev: NetDevice): void {
  const { ns } = dev
  const whole = isFragment(skb) ? ns.fragments.add(skb) : skb
  if (whole === undefined) return
  const { netfilter } = ns
  if (!netfilter.empty && netfilter.hook(HOOK.INPUT, whole, dev, undefined, false) !== NF_ACCEPT) return
  switch (whole.pkt.protocol) {
    case IPPROTO.TCP:
      ns.sockets.tcpReceive(whole)
      return
    case IPPROTO.UDP:
      ns.sockets.udpReceive(whole)
      return
    case IPPROTO.ICMP:
      icmpRcv(whole)
      return
    default:
      icmpSend(ns, whole, 3, 2)
      drop(whole, 'SKB_DROP_REASON_IP_NOPROTO')
  }
}

const isFragment = (skb: SkBuff): boolean => skb.pkt.fragmentOffset !== 0 || (skb.pkt.ipFlags & IP_MF) !== 0

/** nf_defrag_ipv4 at priority -400: conntrack wants whole datagrams. Undefined while pieces are missing. */
export function defragment(skb: SkBuff, dev: NetDevice): SkBuff | undefined {
  if (!dev.ns.netfilter.tracking || !isFragment(skb)) return skb
  return dev.ns.fragments.add(skb)
}
