import { FIELD, ICMP, IP_DF, ipLength } from '../../net/packet.ts'
import { STEP } from '../../trace/columns.ts'
import { HOOK } from '../../trace/step.ts'
import type { NetDevice } from '../device.ts'
import type { SkBuff } from '../skb.ts'
import { NF_ACCEPT, PACKET_HOST, type RouteLookup } from '../types.ts'
import { drop, noteRewrite } from './hop.ts'
import { icmpRedirect, icmpSend } from './icmp.ts'
import { ipOutput } from './ip-output.ts'

const FRAG_NEEDED = 1

/** ip_forward(): TTL, MTU, FORWARD, in that order. */
export function ipForward(skb: SkBuff, dev: NetDevice): void {
  const { ns } = dev
  const { pkt } = skb
  const dst = skb.dst as RouteLookup
  const out = dst.device as NetDevice
  if (skb.packetType !== PACKET_HOST) {
    drop(skb, 'SKB_DROP_REASON_NOT_SPECIFIED')
    return
  }
  if (pkt.ttl <= 1) {
    icmpSend(ns, skb, ICMP.TIME_EXCEEDED, 0)
    drop(skb, 'SKB_DROP_REASON_IP_INHDR')
    return
  }
  const length = ipLength(pkt)
  if (length > out.mtu && (pkt.ipFlags & IP_DF) !== 0) {
    ns.kernel.rec.step(STEP.mtu, skb, out.mtu, length, FRAG_NEEDED)
    icmpSend(ns, skb, ICMP.UNREACHABLE, 4, out.mtu)
    drop(skb, 'SKB_DROP_REASON_PKT_TOO_BIG', out.ref)
    return
  }
  noteRewrite(skb, FIELD.TTL, pkt.ttl, pkt.ttl - 1)
  pkt.ttl--
  if (skb.doRedirect) icmpRedirect(ns, skb, dst.gateway !== 0 ? dst.gateway : pkt.dst)
  skb.outDev = out
  skb.gateway = dst.gateway
  const { netfilter } = ns
  if (!netfilter.empty && netfilter.hook(HOOK.FORWARD, skb, dev, out, false) !== NF_ACCEPT) return
  ipOutput(skb)
}
