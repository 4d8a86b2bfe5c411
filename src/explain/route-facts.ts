import { formatIpv4 } from '../net/address.ts'
import { covers, routeText } from '../trace/names.ts'
import type { RouteRecord } from '../world/records.ts'
import { type Context, deviceOf, deviceSpan, nameIn, optional, packetOf, type StepOf } from './context.ts'
import type { Fact } from './fact.ts'
import { address, ownerOf } from './names.ts'
import { code, record, type Span } from './sentence.ts'

const TABLE_NAMES: Readonly<Record<number, string>> = { 253: 'default', 254: 'main', 255: 'local' }

export function routeFactOf(c: Context, step: StepOf<'route'>): Fact {
  const r = step.route === undefined ? undefined : c.reader.versions.near(step.route, c.seq)
  const route = r?.kind === 'route' ? r : undefined
  const device = deviceOf(c, step.outDevice)
  return {
    kind: 'routed',
    where: c.where,
    purpose: step.purpose,
    result: step.result,
    address: address(step.address),
    ...optional('route', route === undefined ? undefined : routeSpan(route)),
    ...optional('via', step.via === undefined ? undefined : code(formatIpv4(step.via))),
    ...optional('redirected', step.redirected),
    ...optional('device', device === undefined ? undefined : deviceSpan(device)),
    ...optional('table', route === undefined ? undefined : code(TABLE_NAMES[route.table] ?? String(route.table))),
    ...optional('policy', policyOf(c, step.policyRule)),
    ...optional('over', route === undefined ? undefined : lessSpecific(c, route, step.address)),
    ...optional('owner', ownerOf(c.view, step.address)),
    isDefault: route?.prefixLength === 0,
  }
}

/** fib_default_rules_init(): local, main and default, asked in this order on every host. */
const DEFAULT_PRIORITIES: readonly number[] = [0, 32766, 32767]

function policyOf(c: Context, id: string | undefined): Span | undefined {
  const rule = id === undefined ? undefined : c.reader.versions.near(id, c.seq)
  return rule?.kind !== 'policy-rule' || DEFAULT_PRIORITIES.includes(rule.priority) ? undefined : nameIn(c, rule.id)
}

const routeSpan = (route: RouteRecord): Span => record(route.id, routeText(route))

/** The longest of the other routes of the table that cover the address: what the chosen one has won over. */
function lessSpecific(c: Context, won: RouteRecord, at: number): Span | undefined {
  let best: RouteRecord | undefined
  for (const r of c.view.list('route', won.netns)) {
    if (r.id === won.id || r.table !== won.table || !covers(r, at) || r.prefixLength >= won.prefixLength) continue
    if (best === undefined || r.prefixLength > best.prefixLength) best = r
  }
  return best === undefined ? undefined : routeSpan(best)
}

export function rpFilterFact(c: Context, step: StepOf<'rp_filter'>): Fact {
  return {
    kind: 'rp-filtered',
    ok: step.ok,
    mode: step.mode,
    source: address(packetOf(c).src),
    ...optional('route', step.route === undefined ? undefined : nameIn(c, step.route)),
    ...optional('sysctl', step.sysctl === undefined ? undefined : nameIn(c, step.sysctl)),
  }
}
