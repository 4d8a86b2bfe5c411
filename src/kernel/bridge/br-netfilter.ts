import { FIELD, IP_DF, ipLength } from '../../net/packet.ts'
import { STEP } from '../../trace/columns.ts'
import { HOOK } from '../../trace/step.ts'
import type { NetDevice } from '../device.ts'
import { neighBridgeDnat } from '../neighbour/output.ts'
import { drop, isIp, noteRewriteMac } from '../path/hop.ts'
import { ipDoFragment } from '../path/ip-output.ts'
import { defragment } from '../path/ip-rcv.ts'
import { routeInput } from '../path/route.ts'
import type { SkBuff } from '../skb.ts'
import { NF_ACCEPT, PACKET_HOST, PACKET_OTHERHOST } from '../types.ts'
import { brHandleFrameFinish } from './bridge.ts'

// net/bridge/br_netfilter_hooks.c: the IP hooks see bridged frames, with the bridge as their device and the port as the
// physical one. Every function answers whether bridging goes on here and now.

const CALL_IPTABLES = 'net.bridge.bridge-nf-call-iptables'

/** Does br_netfilter have this frame? Its hooks are there whether or not anybody has registered one for IP. */
export const brNfCalls = (skb: SkBuff, bridge: NetDevice): boolean => isIp(skb.pkt) && bridge.ns.sysctl(CALL_IPTABLES) !== 0

/** br_nf_pre_routing(), br_nf_pre_routing_finish(). */
export function brNfPreRouting(skb: SkBuff, port: NetDevice, bridge: NetDevice): boolean {
  const ns = bridge.ns
  if (!isIp(skb.pkt) || ns.netfilter.empty) return true
  const enabled = ns.sysctl(CALL_IPTABLES) !== 0
  ns.kernel.rec.step(STEP.bridgeNf, skb, HOOK.PREROUTING, enabled ? 1 : 0, ns.sysctlRef(CALL_IPTABLES))
  if (!enabled) return true

  const otherHost = skb.packetType === PACKET_OTHERHOST
  if (otherHost) skb.packetType = PACKET_HOST
  const { dst, ethSrc } = skb.pkt
  skb.nfBridge = { physIn: port, originalDst: dst, originalSource: ethSrc, otherHost, inPrerouting: true, bridgedDnat: false }
  skb.physIn = port
  const whole = defragment(skb, bridge)
  if (whole === undefined) return false
  if (ns.netfilter.hook(HOOK.PREROUTING, whole, bridge, undefined, true) !== NF_ACCEPT) return false

  const info = whole.nfBridge as NonNullable<SkBuff['nfBridge']>
  info.inPrerouting = false
  if (info.otherHost) whole.packetType = PACKET_OTHERHOST
  if (whole.pkt.dst !== info.originalDst) return daddrWasChanged(whole, port, bridge)
  if (whole !== skb) {
    brHandleFrameFinish(whole, port, bridge)
    return false
  }
  return true
}

/**
 * A DNATed frame either stays on this bridge (only its MAC changes, no TTL is spent) or is handed up to be routed. Where there
 * is no way, ip_route_input() succeeds all the same, with a route whose input is ip_error(): the host hears of it and decides.
 */
function daddrWasChanged(skb: SkBuff, port: NetDevice, bridge: NetDevice): boolean {
  const route = routeInput(skb, bridge)
  if (route === 'dropped') return false
  if (route !== 'ok') skb.dst = undefined
  else if (skb.dst?.device === bridge) {
    neighBridgeDnat(skb, bridge, () => brHandleFrameFinish(skb, port, bridge))
    return false
  }
  skb.pkt.ethDst = rewriteDst(skb, bridge)
  skb.packetType = PACKET_HOST
  brHandleFrameFinish(skb, port, bridge)
  return false
}

/** ether_addr_copy(eth_hdr(skb)->h_dest, dev->dev_addr): the bridge takes the frame. */
function rewriteDst(skb: SkBuff, bridge: NetDevice): number {
  if (skb.pkt.ethDst !== bridge.mac) noteRewriteMac(skb, FIELD.ETH_DST, skb.pkt.ethDst, bridge.mac)
  return bridge.mac
}

/** br_nf_forward(): FORWARD with the bridge as both devices. */
export function brNfForward(skb: SkBuff, target: NetDevice, bridge: NetDevice): boolean {
  skb.physOut = target
  if (skb.packetType === PACKET_OTHERHOST) skb.packetType = PACKET_HOST
  bridge.ns.kernel.rec.step(STEP.bridgeNf, skb, HOOK.FORWARD, 1, bridge.ns.sysctlRef(CALL_IPTABLES))
  return bridge.ns.netfilter.hook(HOOK.FORWARD, skb, bridge, bridge, true) === NF_ACCEPT
}

/**
 * br_nf_dev_queue_xmit(): what was put together for the IP hooks is taken apart again, with the frame's own addresses. Answers
 * the frames to send; none when it must not be fragmented and does not fit.
 */
export function brNfFragment(skb: SkBuff, target: NetDevice, bridge: NetDevice): SkBuff[] {
  const { pkt, fragMaxSize } = skb
  if (!isIp(pkt) || ipLength(pkt) <= (fragMaxSize > 0 ? Math.min(target.mtu, fragMaxSize) : target.mtu)) return [skb]
  // ip_skb_dst_mtu() of the bridge's fake_rtable, which br_change_mtu() keeps at the bridge's own: the port's only says whether.
  const { mtu } = bridge
  if (((pkt.ipFlags & IP_DF) !== 0 && fragMaxSize === 0) || fragMaxSize > mtu) {
    drop(skb, 'SKB_DROP_REASON_NOT_SPECIFIED', target.ref)
    return []
  }
  return ipDoFragment(skb, mtu)
}

/** br_nf_post_routing(): POSTROUTING on the way out of the port. */
export function brNfPostRouting(skb: SkBuff, bridge: NetDevice): boolean {
  bridge.ns.kernel.rec.step(STEP.bridgeNf, skb, HOOK.POSTROUTING, 1, bridge.ns.sysctlRef(CALL_IPTABLES))
  return bridge.ns.netfilter.hook(HOOK.POSTROUTING, skb, undefined, bridge, true) === NF_ACCEPT
}
