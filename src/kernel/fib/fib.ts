import { IPV4_BROADCAST, isMulticast } from '../../net/address.ts'
import { ROUTE_RESULTS, type RouteResult } from '../../trace/step.ts'
import type { AddrType } from '../../world/netfilter.ts'
import { type AddressRecord, type PolicyRuleRecord, type RouteRecord, RT_TABLE } from '../../world/records.ts'
import type { Device, Fib, Flow, Namespace, RouteLookup } from '../types.ts'
import { FlowCache } from './flow-cache.ts'
import { multipathHash, selectMultipath } from './multipath.ts'
import { compileRules, type FibRule, ruleMatches } from './rules.ts'
import { RT_SCOPE, SourceAddresses } from './source.ts'
import { aliveNexthop, dscpOf, type FibAlias, type FibNexthop, FibTable } from './table.ts'

/** What a namespace routes by. `rules` are all there are: without the three default ones nothing is ever found. */
export interface FibRecords {
  readonly routes: readonly RouteRecord[]
  readonly rules: readonly PolicyRuleRecord[]
  readonly addresses: readonly AddressRecord[]
}

/** A namespace's FIB, to which routes can be added. */
export interface MutableFib extends Fib {
  add(route: RouteRecord): void
  remove(id: string): void
  /** ip_fib_check_default(): the address is some route's next hop through this device. */
  hasGateway(gateway: number, device: Device): boolean
  /** Forgets cached answers: a device went up or down. */
  invalidate(): void
}

const CODE = Object.fromEntries(ROUTE_RESULTS.map((r, i) => [r, i])) as Readonly<Record<RouteResult, number>>
/** INADDR_LOOPBACK. */
const LOOPBACK = 0x7f000001

const isFailure = (result: number): boolean =>
  result === CODE.none || result === CODE.unreachable || result === CODE.prohibit || result === CODE.blackhole

/** What a route's type makes of a packet; `throw` never gets here. */
const RESULT_OF = {
  unicast: CODE.forward,
  local: CODE.local,
  broadcast: CODE.broadcast,
  multicast: CODE.multicast,
  blackhole: CODE.blackhole,
  unreachable: CODE.unreachable,
  prohibit: CODE.prohibit,
} as const

/**
 * The IPv4 forwarding information base of one namespace. Writes no trace steps.
 *
 * `lookup` answers what ip_route_input_slow() (flow.iif given) and ip_route_output_key_hash_rcu() (flow.iif open) take from
 * the FIB. `device` is the loopback device for `local`, as a local rtable has it, and the nexthop's otherwise.
 *
 * Simpler than the kernel, on purpose: of several default routes of one metric the first alive is taken, where
 * fib_select_default() also shuns gateways whose neighbour entry failed; local and main are never merged into one trie.
 */
export function createFib(ns: Namespace, records: FibRecords): MutableFib {
  return new ForwardingInformationBase(ns, records)
}

class ForwardingInformationBase implements MutableFib {
  readonly #ns: Namespace
  readonly #devices = new Map<string, Device>()
  readonly #tables = new Map<number, FibTable>()
  readonly #rules: readonly FibRule[]
  readonly #routes = new Map<string, RouteRecord>()
  readonly #sources: SourceAddresses
  readonly #cache = new FlowCache()
  readonly ownRules: boolean

  constructor(ns: Namespace, records: FibRecords) {
    this.#ns = ns
    for (const d of ns.devices.values()) this.#devices.set(d.record.id, d)
    this.#sources = new SourceAddresses(ns, records.addresses)
    this.#rules = compileRules(records.rules)
    this.ownRules =
      records.rules.some((r) => !isDefault(r)) || records.routes.some((r) => r.type === 'local' && r.protocol !== 'kernel')
    // A gateway without a device is looked up in what is there already: connected routes first.
    for (const r of records.routes) if (!needsDevice(r)) this.add(r)
    for (const r of records.routes) if (needsDevice(r)) this.add(r)
  }

  add(route: RouteRecord): void {
    this.#cache.clear()
    this.remove(route.id)
    const table = this.#tables.get(route.table) ?? new FibTable()
    this.#tables.set(route.table, table)
    const nexthops = route.nexthops.map((n): FibNexthop => {
      const gateway = n.via ?? 0
      const device = n.device === undefined ? this.#gatewayDevice(gateway) : this.#devices.get(n.device)
      return { device, gateway, weight: n.weight ?? 1, answer: undefined }
    })
    table.add({ route, type: route.type, tos: dscpOf(route.tos), nexthops })
    this.#routes.set(route.id, route)
  }

  remove(id: string): void {
    const route = this.#routes.get(id)
    if (route === undefined) return
    this.#cache.clear()
    this.#tables.get(route.table)?.remove(route)
    this.#routes.delete(id)
  }

  invalidate(): void {
    this.#cache.clear()
  }

  lookup(flow: Flow): RouteLookup {
    const slot = this.#cache.slot(flow)
    const known = this.#cache.get(slot, flow)
    if (known !== undefined) return known
    const answer = flow.iif === undefined ? this.#output(flow) : this.#input(flow, flow.iif)
    this.#cache.set(slot, flow, answer)
    return answer
  }

  addressType(address: number, device?: Device): AddrType {
    // __inet_dev_addr_type(): ipv4_is_zeronet() is 0.0.0.0 alone since Linux 5.3.
    if (address === 0 || address === IPV4_BROADCAST) return 'BROADCAST'
    if (isMulticast(address)) return 'MULTICAST'
    const found = this.#tables.get(RT_TABLE.local)?.lookup(address, 0, undefined)
    if (found === undefined || (device !== undefined && found.nexthops[0]?.device !== device)) return 'UNICAST'
    if (found.type === 'local') return 'LOCAL'
    if (found.type === 'broadcast') return 'BROADCAST'
    return found.type === 'multicast' ? 'MULTICAST' : 'UNICAST'
  }

  hasGateway(gateway: number, device: Device): boolean {
    for (const table of this.#routes.values()) {
      if (table.nexthops.some((n) => n.via === gateway && n.device === device.record.id)) return true
    }
    return false
  }

  selectSource(device: Device | undefined, dst: number, scope: 'global' | 'link' | 'host'): number {
    return this.#sources.select(device, dst, RT_SCOPE[scope])
  }

  /** ip_route_input_rcu(): groups and the limited broadcast never ask the FIB. */
  #input(flow: Flow, iif: Device): RouteLookup {
    if (flow.dst === IPV4_BROADCAST) return onDevice(CODE.broadcast, iif, 0)
    if (isMulticast(flow.dst)) return onDevice(CODE.multicast, iif, 0)
    return this.#fibLookup(flow)
  }

  /** ip_route_output_key_hash_rcu(). */
  #output(flow: Flow): RouteLookup {
    const { dst, src, oif } = flow
    const group = dst === IPV4_BROADCAST ? CODE.broadcast : isMulticast(dst) ? CODE.multicast : undefined
    if (oif !== undefined) {
      if (!oif.record.up) return NO_ROUTE
      if (group !== undefined) return onDevice(group, oif, src || this.#sources.select(oif, 0, RT_SCOPE.link))
    } else if (group !== undefined && src !== 0) {
      const owner = this.#sources.owner(src)
      if (owner !== undefined) return onDevice(group, owner, src)
    }
    if (dst === 0) return onDevice(CODE.local, this.#ns.loopback, src || LOOPBACK)

    const found = this.#fibLookup(flow)
    if (group !== undefined && found.result === CODE.forward) return { ...found, result: group }
    // "Apparently, routing tables are wrong. Assume that the destination is on link."
    if (oif !== undefined && isFailure(found.result)) {
      return onDevice(CODE.forward, oif, this.#sources.select(oif, 0, RT_SCOPE.link))
    }
    return found
  }

  /** __fib_lookup() and fib_select_path(): rules by priority, in each the table's longest prefix; `throw` goes on with the next rule. */
  #fibLookup(flow: Flow): RouteLookup {
    const rules = this.#rules
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i] as FibRule
      if (!ruleMatches(rule, flow)) continue
      if (rule.table === undefined) return this.#ruleEnds(rule)
      const found = this.#tables.get(rule.table)?.lookup(flow.dst, flow.tos, flow.oif)
      if (found === undefined || found.type === 'throw') continue
      // fib4_rule_suppress(): a route as short as this, or shorter, does not count here.
      const suppress = rule.record.suppressPrefixLength
      if (suppress !== undefined && found.route.prefixLength <= suppress) continue
      return this.#answer(found, rule, flow)
    }
    return NO_ROUTE
  }

  /** fib4_rule_action(): `unreachable` of a rule is ENETUNREACH, where a route's is EHOSTUNREACH. */
  #ruleEnds(rule: FibRule): RouteLookup {
    const { action } = rule.record
    const result = action.kind === 'lookup' || action.kind === 'unreachable' ? CODE.none : CODE[action.kind]
    return { ...NO_ROUTE, result, policyRule: rule.record }
  }

  #answer(found: FibAlias, rule: FibRule, flow: Flow): RouteLookup {
    const { route, type, nexthops } = found
    const result = type === 'throw' ? CODE.none : RESULT_OF[type]
    const index = this.#selectPath(found, flow)
    const nexthop = nexthops[index]
    if (nexthop === undefined) return { ...NO_ROUTE, result, route, policyRule: rule.record }
    // find_exception()
    const exception = route.exceptions?.find((e) => e.address === flow.dst && e.nexthop === index)
    if (exception !== undefined && type === 'unicast') {
      const source = route.prefSrc ?? this.#preferredSource(found, nexthop)
      const { gateway } = exception
      return {
        result,
        route,
        policyRule: rule.record,
        nexthop: index,
        gateway,
        device: nexthop.device,
        source,
        redirected: exception,
      }
    }
    if (nexthop.answer?.policyRule === rule.record) return nexthop.answer
    const answer: RouteLookup = {
      result,
      route,
      policyRule: rule.record,
      nexthop: index,
      gateway: nexthop.gateway,
      device: type === 'local' ? this.#ns.loopback : nexthop.device,
      source: route.prefSrc ?? (type === 'local' ? flow.dst : this.#preferredSource(found, nexthop)),
    }
    // Without a preferred source, what is local answers from the address it was asked at: one answer per destination.
    if (type !== 'local' || route.prefSrc !== undefined) nexthop.answer = answer
    return answer
  }

  /** fib_select_path(): asked for a device, the nexthop that has it; else a share of the flows each. */
  #selectPath(found: FibAlias, flow: Flow): number {
    if (found.nexthops.length > 1 && flow.oif === undefined) return selectMultipath(found, multipathHash(flow.src, flow.dst))
    return aliveNexthop(found, flow.oif)
  }

  /** fib_info_update_nhc_saddr(): an address of the nexthop's device near the gateway, of the route's scope. */
  #preferredSource(found: FibAlias, nexthop: FibNexthop): number {
    return this.#sources.select(nexthop.device, nexthop.gateway, RT_SCOPE[found.route.scope])
  }

  /** fib_check_nh() for `via` without `dev`: the device through which the gateway is on-link. */
  #gatewayDevice(gateway: number): Device | undefined {
    if (gateway === 0) return undefined
    const found = this.#fibLookup({ dst: gateway, src: 0, mark: 0, tos: 0, iif: undefined, oif: undefined })
    return found.result === CODE.forward && found.gateway === 0 ? found.device : undefined
  }
}

/** fib_default_rules_init() */
const isDefault = (r: PolicyRuleRecord): boolean =>
  r.action.kind === 'lookup' &&
  ((r.priority === 0 && r.action.table === RT_TABLE.local) ||
    (r.priority === 32766 && r.action.table === RT_TABLE.main) ||
    (r.priority === 32767 && r.action.table === RT_TABLE.default))

const needsDevice = (r: RouteRecord): boolean => r.nexthops.some((n) => n.device === undefined)

/** -ENETUNREACH. */
const NO_ROUTE: RouteLookup = Object.freeze({
  result: CODE.none,
  route: undefined,
  policyRule: undefined,
  nexthop: 0,
  gateway: 0,
  device: undefined,
  source: 0,
})

/** An answer that no route gave. */
const onDevice = (result: number, device: Device | undefined, source: number): RouteLookup => ({
  ...NO_ROUTE,
  result,
  device,
  source,
})
