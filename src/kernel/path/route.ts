import { isLoopback, isMulticast } from '../../net/address.ts'
import { STEP } from '../../trace/columns.ts'
import { ROUTE_PURPOSES, ROUTE_RESULTS, type RoutePurpose, type RouteResult } from '../../trace/step.ts'
import type { NetDevice } from '../device.ts'
import type { NetworkNamespace } from '../namespace.ts'
import type { SkBuff } from '../skb.ts'
import type { Flow, RouteLookup, SendResult } from '../types.ts'
import { drop } from './hop.ts'

const purpose = (p: RoutePurpose) => ROUTE_PURPOSES.indexOf(p)
const result = (r: RouteResult) => ROUTE_RESULTS.indexOf(r)
const INPUT = purpose('input')
const OUTPUT = purpose('output')
const REROUTE = purpose('reroute')
export const ROUTE_FORWARD = result('forward')
export const ROUTE_LOCAL = result('local')
export const ROUTE_BROADCAST = result('broadcast')
const MULTICAST = result('multicast')
const UNREACHABLE = result('unreachable')
const BLACKHOLE = result('blackhole')
const PROHIBIT = result('prohibit')

/** A flow to look up with, reused: lookups never nest. */
const flow: Flow = { dst: 0, src: 0, mark: 0, tos: 0, iif: undefined, oif: undefined }

function lookup(
  ns: NetworkNamespace,
  dst: number,
  src: number,
  mark: number,
  tos: number,
  iif: NetDevice | undefined,
  oif: NetDevice | undefined,
): RouteLookup {
  flow.dst = dst
  flow.src = src
  flow.mark = mark
  flow.tos = tos
  flow.iif = iif
  flow.oif = oif
  return ns.fib.lookup(flow)
}

/** Writes the `route` row for a lookup of `address`. */
export function noteRoute(skb: SkBuff, why: number, address: number, found: RouteLookup): void {
  const { rec } = skb.ns.kernel
  const route = found.route === undefined ? -1 : rec.ref(found.route.id)
  const rule = found.policyRule === undefined ? -1 : rec.ref(found.policyRule.id)
  rec.step(STEP.route, skb, (found.nexthop << 16) | (why << 8) | found.result, route, address | 0, rule)
}

export type RouteError = 'EINVAL' | 'EHOSTUNREACH' | 'ENETUNREACH' | 'EACCES'

/** fib_props: the errno of each kind of route that goes nowhere. */
function errorOf(r: number): RouteError {
  if (r === UNREACHABLE) return 'EHOSTUNREACH'
  if (r === PROHIBIT) return 'EACCES'
  if (r === BLACKHOLE) return 'EINVAL'
  return 'ENETUNREACH'
}

/**
 * ip_route_input_slow(). On 'ok' the packet has its `dst`; 'dropped' means that a martian has been dropped here, its
 * closing row written. Everything else is what ip_error() will be told.
 */
export function routeInput(skb: SkBuff, dev: NetDevice): 'ok' | 'dropped' | RouteError {
  const ns = dev.ns
  const { src, dst, tos } = skb.pkt
  // RFC 1122 3.2.1.3: a host that has no address yet may only call out to everybody.
  if (src === 0 && dst !== 0 && dst !== 0xffffffff && dev !== ns.loopback) {
    drop(skb, 'SKB_DROP_REASON_IP_INVALID_SOURCE', dev.ref)
    return 'dropped'
  }
  if (isMulticast(src) || src === 0xffffffff || (isLoopback(src) && !dev.conf.routeLocalnet && dev !== ns.loopback)) {
    drop(skb, 'SKB_DROP_REASON_IP_INVALID_SOURCE', dev.ref)
    return 'dropped'
  }
  if (dst === 0 || (isLoopback(dst) && !dev.conf.routeLocalnet && dev !== ns.loopback)) {
    drop(skb, 'SKB_DROP_REASON_IP_LOCALNET', dev.ref)
    return 'dropped'
  }
  const found = lookup(ns, dst, src, skb.mark, tos, dev, undefined)
  noteRoute(skb, INPUT, dst, found)
  skb.dst = found
  switch (found.result) {
    case ROUTE_LOCAL:
    case ROUTE_BROADCAST:
      return validateSource(skb, dev, undefined) === undefined ? 'dropped' : 'ok'
    case MULTICAST:
      return 'ok'
    case ROUTE_FORWARD: {
      if (!dev.conf.forwarding) return 'EHOSTUNREACH'
      const onLink = validateSource(skb, dev, found.device as NetDevice)
      if (onLink === undefined) return 'dropped'
      skb.doRedirect = found.device === dev && onLink && dev.conf.sendRedirects
      return 'ok'
    }
    default:
      return dev.conf.forwarding ? errorOf(found.result) : 'EHOSTUNREACH'
  }
}

/** What fib_validate_source() comes to. `back` is the route towards the source, where one was asked for. */
type SourceCheck =
  | { readonly kind: 'fine'; readonly onLink: boolean; readonly back: RouteLookup | undefined }
  /** One of our own addresses, or one that can be nobody's. */
  | { readonly kind: 'martian'; readonly back: RouteLookup | undefined }
  | { readonly kind: 'filtered'; readonly back: RouteLookup }

/**
 * fib_validate_source(), __fib_validate_source(): is `src` plausible on `dev` for a packet that goes on through `out`
 * (undefined: that stays here)? With rp_filter off only our own addresses are refused, unless policy rules may say more.
 */
function checkSource(
  ns: NetworkNamespace,
  of: { readonly src: number; readonly dst: number; readonly tos: number },
  dev: NetDevice,
  out: NetDevice | undefined,
): SourceCheck {
  const { rpFilter, acceptLocal, sendRedirects } = dev.conf
  if (rpFilter === 0 && (out !== dev || !sendRedirects)) {
    const fine: SourceCheck = { kind: 'fine', onLink: false, back: undefined }
    if (acceptLocal) return fine
    if (ns.fib.ownRules !== true) return ns.fib.addressType(of.src) === 'LOCAL' ? { kind: 'martian', back: undefined } : fine
  }
  // Looked up as if it came in where the packet is to leave: rules with `iif` see that device.
  const ask = (oif: NetDevice | undefined) => lookup(ns, of.src, of.dst, 0, of.tos, out ?? ns.loopback, oif)
  const back = ask(undefined)
  const found = isRoute(back.result)
  const lastResort: SourceCheck = rpFilter === 0 ? { kind: 'fine', onLink: false, back } : { kind: 'filtered', back }
  if (!found) return lastResort
  if (back.result !== ROUTE_FORWARD && !(back.result === ROUTE_LOCAL && acceptLocal)) return { kind: 'martian', back }
  // fib_info_nh_uses_dev(): any of a multipath route's next hops will do.
  const through = back.device === dev || back.route?.nexthops.some((n) => n.device === dev.record.id) === true
  if (through) return { kind: 'fine', onLink: back.gateway === 0, back }
  if (dev.addresses.length === 0) return lastResort
  if (rpFilter === 1) return { kind: 'filtered', back }
  const here = ask(dev)
  return { kind: 'fine', onLink: here.result === ROUTE_FORWARD && here.gateway === 0, back }
}

const isRoute = (r: number): boolean => r === ROUTE_FORWARD || r === ROUTE_LOCAL || r === ROUTE_BROADCAST || r === MULTICAST

/** Answers whether the source is on-link, undefined when the packet was dropped for it. */
function validateSource(skb: SkBuff, dev: NetDevice, out: NetDevice | undefined): boolean | undefined {
  const ns = dev.ns
  if (dev === ns.loopback || skb.pkt.src === 0) return false
  const check = checkSource(ns, skb.pkt, dev, out)
  if (check.kind === 'martian') {
    drop(skb, 'SKB_DROP_REASON_IP_INVALID_SOURCE', dev.ref)
    return undefined
  }
  if (dev.conf.rpFilter !== 0 && check.back !== undefined) {
    const { rec } = ns.kernel
    const sysctl = ns.sysctlRef(dev.conf.rpFilterKey)
    const route = check.back.route === undefined ? -1 : rec.ref(check.back.route.id)
    rec.step(STEP.rpFilter, skb, dev.conf.rpFilter, check.kind === 'fine' ? 1 : 0, route, sysctl)
    if (check.kind === 'filtered') drop(skb, 'SKB_DROP_REASON_IP_RPFILTER', sysctl)
  }
  return check.kind === 'fine' ? check.onLink : undefined
}

/**
 * ip_route_input_noref() as arp_process() asks it: the route that a packet from `src` to `dst` would take here, undefined when
 * it would be a martian or has none. Writes no row.
 */
export function routeInputQuietly(dev: NetDevice, src: number, dst: number): RouteLookup | undefined {
  const ns = dev.ns
  const oddSource = src === 0 || isMulticast(src) || src === 0xffffffff || (isLoopback(src) && !dev.conf.routeLocalnet)
  if (oddSource || dst === 0 || (isLoopback(dst) && !dev.conf.routeLocalnet)) return undefined
  const found = lookup(ns, dst, src, 0, 0, dev, undefined)
  const local = found.result === ROUTE_LOCAL
  if (!local && (found.result !== ROUTE_FORWARD || !dev.conf.forwarding)) return undefined
  return checkSource(ns, { src, dst, tos: 0 }, dev, local ? undefined : (found.device as NetDevice)).kind === 'fine'
    ? found
    : undefined
}

export interface OutputRoute {
  readonly error: Exclude<SendResult, 'OK'> | undefined
  readonly found: RouteLookup
  readonly source: number
}

/** ip_route_output_flow(): route and source address for a packet made here. */
export function lookupOutput(
  ns: NetworkNamespace,
  to: { dst: number; src: number; mark: number; tos: number; oif: NetDevice | undefined },
): OutputRoute {
  const found = lookup(ns, to.dst, to.src, to.mark, to.tos, undefined, to.oif)
  const { result: r } = found
  const source = to.src !== 0 ? to.src : found.source
  if (!isRoute(r)) return { error: errorOf(r), found, source }
  return { error: leaksLoopback(ns, source, found) ? 'EINVAL' : undefined, found, source }
}

/** __mkroute_output(): 127.0.0.0/8 does not leave the host unless route_localnet lets it. */
function leaksLoopback(ns: NetworkNamespace, source: number, found: RouteLookup): boolean {
  if (!isLoopback(source) || found.result === ROUTE_LOCAL) return false
  const out = found.device as NetDevice | undefined
  return out !== undefined && out !== ns.loopback && !out.conf.routeLocalnet
}

/** ip_route_me_harder(): OUTPUT changed the destination or the mark, so the route is looked up once more. */
export function reroute(ns: NetworkNamespace, skb: SkBuff): boolean {
  const { pkt } = skb
  // A source that is not ours cannot be given to the output lookup as one of ours: FLOWI_FLAG_ANYSRC.
  const found = lookup(ns, pkt.dst, pkt.src, skb.mark, pkt.tos, undefined, undefined)
  noteRoute(skb, REROUTE, pkt.dst, found)
  const { result: r } = found
  if (!isRoute(r) || leaksLoopback(ns, pkt.src, found)) {
    drop(skb, 'SKB_DROP_REASON_IP_OUTNOROUTES', found.route === undefined ? -1 : ns.kernel.rec.ref(found.route.id))
    return false
  }
  skb.dst = found
  skb.gateway = found.gateway
  skb.pathMtu = 0
  skb.outDev = r === ROUTE_LOCAL ? ns.loopback : (found.device as NetDevice | undefined)
  return true
}

export { OUTPUT as PURPOSE_OUTPUT, REROUTE as PURPOSE_REROUTE }
