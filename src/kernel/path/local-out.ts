import { FIELD, type Packet } from '../../net/packet.ts'
import { HOOK } from '../../trace/step.ts'
import type { NetDevice } from '../device.ts'
import type { NetworkNamespace } from '../namespace.ts'
import { SkBuff } from '../skb.ts'
import { type LocalOut, type Namespace, NF_ACCEPT, NF_STOLEN, type SendResult } from '../types.ts'
import { born, enterStack, noteRewrite, OUT } from './hop.ts'
import { ipOutput } from './ip-output.ts'
import { lookupOutput, noteRoute, type OutputRoute, PURPOSE_OUTPUT, ROUTE_LOCAL } from './route.ts'

/** ip_queue_xmit(), ip_push_pending_frames(): sends what a socket or the stack itself has made. Fills source, ident and TTL. */
export function localOut(namespace: Namespace, pkt: Packet, options: LocalOut): SendResult {
  const ns = namespace as NetworkNamespace
  const route = lookupOutput(ns, {
    dst: pkt.dst,
    src: pkt.src,
    mark: options.mark ?? 0,
    tos: pkt.tos,
    oif: options.oif as NetDevice | undefined,
  })
  if (route.error !== undefined) return route.error
  pkt.src = route.source
  const skb = new SkBuff(pkt, ns)
  skb.cause = options.cause
  skb.mark = options.mark ?? 0
  skb.socket = options.socket
  skb.confirm = options.confirm === true
  skb.pathMtu = options.pathMtu ?? 0
  skb.hash = options.hash ?? 0
  begin(skb, route, options)
  return ipLocalOut(skb)
}

/** Opens the first hop of a packet that is made here: born, entered, routed. */
export function begin(skb: SkBuff, route: OutputRoute, options: Pick<LocalOut, 'how' | 'parent' | 'process'>): void {
  const { ns, pkt } = skb
  if (pkt.ttl === 0) pkt.ttl = ns.sysctl('net.ipv4.ip_default_ttl')
  if (pkt.ident === 0) pkt.ident = ns.nextIpId()
  born(skb, options.how, options.parent ?? -1, options.process ?? -1)
  enterStack(skb, ns, OUT)
  // An error that reflects its cause's mark (fwmark_reflect), or a socket's own.
  if (skb.mark !== 0) noteRewrite(skb, FIELD.MARK, 0, skb.mark)
  const { found } = route
  noteRoute(skb, PURPOSE_OUTPUT, pkt.dst, found)
  skb.dst = found
  skb.gateway = found.gateway
  skb.outDev = found.result === ROUTE_LOCAL ? ns.loopback : (found.device as NetDevice | undefined)
}

/** __ip_local_out(): NF_INET_LOCAL_OUT, then dst_output(). */
export function ipLocalOut(skb: SkBuff): SendResult {
  const { netfilter } = skb.ns
  const verdict = netfilter.empty ? NF_ACCEPT : netfilter.hook(HOOK.OUTPUT, skb, undefined, skb.outDev, false)
  // nf_hook_slow(): what somebody has taken on is sent, as far as the sender knows.
  if (verdict !== NF_ACCEPT) return verdict === NF_STOLEN ? 'OK' : 'EPERM'
  return ipOutput(skb) ? 'OK' : 'EPERM'
}
