import { contains, type Ipv4, ipv4, isMulticast } from '../../net/address.ts'
import { STEP } from '../../trace/columns.ts'
import type { RouteException, RouteRecord } from '../../world/records.ts'
import type { NetDevice } from '../device.ts'
import type { NetworkNamespace } from '../namespace.ts'
import { neighEventSend } from '../neighbour/output.ts'
import type { SkBuff } from '../skb.ts'
import type { ErrorSocket, QuotedHeader, RouteLookup } from '../types.ts'
import { lookupOutput } from './route.ts'

/** ip_rt_gc_timeout, ns: how long a redirect is remembered. */
const GC_TIMEOUT = 300 * 1_000_000_000
/** ICMP_REDIR_HOSTTOS: the last code there is. */
const LAST_CODE = 3

/**
 * ip_do_redirect(), ipv4_sk_redirect(), __ip_do_redirect(): the router that `quoted` was sent through knows a shorter way, and
 * says so to the host whose socket sent it. The way is believed when it comes from the very router in use, leads to somebody on
 * link, and that neighbour is known already; a neighbour that is not is only asked for, and the next redirect finds it.
 */
export function ipDoRedirect(ns: NetworkNamespace, skb: SkBuff, quoted: QuotedHeader, socket: ErrorSocket): void {
  const { pkt, inDev } = skb
  if (inDev === undefined || pkt.icmpCode > LAST_CODE) return
  const gateway = ipv4(pkt.icmpRest)
  const oif = socket.device === undefined ? undefined : ns.devices.get(socket.device.name)
  const { error, found } = lookupOutput(ns, { dst: quoted.dst, src: quoted.src, mark: 0, tos: 0, oif })
  if (error !== undefined || found.gateway === 0 || found.gateway !== pkt.src) return
  if (!isBelieved(ns, inDev, gateway, pkt.src)) return
  const out = found.device as NetDevice
  const state = out.neighbours.get(gateway)?.record.state
  if (state === undefined || state === 'NONE' || state === 'INCOMPLETE' || state === 'FAILED') neighEventSend(out, gateway, skb)
  else learn(ns, found, ipv4(quoted.dst), gateway)
}

/** accept_redirects, shared_media and secure_redirects of the device that it came in by. */
function isBelieved(ns: NetworkNamespace, dev: NetDevice, gateway: Ipv4, from: number): boolean {
  const { acceptRedirects, sharedMedia, secureRedirects } = dev.conf
  if (!acceptRedirects || gateway === from || isMulticast(gateway) || gateway === 0xffffffff || gateway === 0) return false
  if (sharedMedia) return ns.fib.addressType(gateway) === 'UNICAST'
  // inet_addr_onlink(): both in one subnet of this device.
  const onLink = dev.addresses.some((a) => {
    const subnet = { address: a.address, length: a.prefixLength }
    return contains(subnet, gateway) && contains(subnet, from)
  })
  return onLink && (!secureRedirects || ns.fib.hasGateway(gateway, dev))
}

/** update_or_create_fnhe() */
function learn(ns: NetworkNamespace, { route, nexthop }: RouteLookup, address: Ipv4, gateway: Ipv4): void {
  if (route === undefined) return
  const expires = ns.kernel.now + GC_TIMEOUT
  const same = (e: RouteException) => e.address === address && e.nexthop === nexthop
  const others = (route.exceptions ?? []).filter((e) => !same(e))
  change(ns, route, [...others, { address, nexthop, gateway, expires }])
  // find_exception() takes it out when somebody looks for it after its time: nobody sees the difference.
  ns.kernel.schedule(GC_TIMEOUT, () => {
    const now = ns.kernel.rec.world.get(route.id)
    if (now?.kind !== 'route' || now.exceptions === undefined) return
    const left = now.exceptions.filter((e) => e.expires > ns.kernel.now)
    if (left.length === now.exceptions.length) return
    ns.kernel.rec.step(
      STEP.timer,
      { packet: -1, cause: -1, netns: ns.ref, device: -1 },
      ns.kernel.rec.text('rt_cache expires'),
      ns.kernel.rec.ref(route.id),
    )
    change(ns, now, left)
  })
}

function change(ns: NetworkNamespace, from: RouteRecord, exceptions: readonly RouteException[]): void {
  const { exceptions: _, ...plain } = from
  const to: RouteRecord = exceptions.length === 0 ? plain : { ...plain, exceptions }
  ns.kernel.rec.change({ id: from.id, from, to })
  ns.fib.add(to)
}
