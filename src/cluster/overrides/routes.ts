import { parseIpNeigh } from '../../linux/ip-neigh.ts'
import { type ParsedNexthop, parseIpRoute } from '../../linux/ip-route-parse.ts'
import { parseIpRule } from '../../linux/ip-rule.ts'
import { formatIpv4 } from '../../net/address.ts'
import { neighbourId, policyRuleId, routeId } from '../../world/ids.ts'
import { type Nexthop, RT_TABLE } from '../../world/records.ts'
import type { OverrideTarget } from './target.ts'

/** The tables that the text has routes of are replaced whole; text without any empties main. */
export function replaceRoutes(target: OverrideTarget, text: string): void {
  const parsed = parseIpRoute(text)
  if (!parsed.ok) {
    target.refuse('routes', parsed.error)
    return
  }
  const { routes } = parsed.value
  const tables = new Set(routes.length === 0 ? [RT_TABLE.main] : routes.map((r) => r.table))
  target.remove(target.list('route').filter((r) => tables.has(r.table)))
  const counts = new Map<number, number>()
  for (const { line, nexthops, ...route } of routes) {
    const n = counts.get(route.table) ?? 0
    counts.set(route.table, n + 1)
    const hops = nexthops.map((h) => nexthop(target, h, line))
    target.put({
      kind: 'route',
      id: routeId(target.name, tableName(route.table), n),
      netns: target.netns,
      ...route,
      nexthops: hops,
      origin: target.origin('routes', line),
    })
  }
}

const tableName = (table: number): string => Object.entries(RT_TABLE).find(([, number]) => number === table)?.[0] ?? String(table)

function nexthop(target: OverrideTarget, { device, onlink, ...rest }: ParsedNexthop, line: number): Nexthop {
  const found = device === undefined ? undefined : target.device(device)
  if (device !== undefined && found === undefined) refuseDevice(target, 'routes', 'ip route', device, line)
  return { ...rest, ...(found === undefined ? {} : { device: found.id }), ...(onlink ? { onlink: true } : {}) }
}

/** All policy rules, the three default ones too: `ip rule` prints them, and a machine may have lost them. */
export function replacePolicyRules(target: OverrideTarget, text: string): void {
  const parsed = parseIpRule(text)
  if (!parsed.ok) {
    target.refuse('rules', parsed.error)
    return
  }
  target.remove(target.list('policy-rule'))
  parsed.value.rules.forEach(({ line, ...rule }, i) => {
    target.put({
      kind: 'policy-rule',
      id: policyRuleId(target.name, i),
      netns: target.netns,
      ...rule,
      origin: target.origin('rules', line),
    })
  })
}

/** Neighbours that are known before the first packet: a static ARP entry, or a wrong one. */
export function replaceNeighbours(target: OverrideTarget, text: string): void {
  const parsed = parseIpNeigh(text)
  if (!parsed.ok) {
    target.refuse('neigh', parsed.error)
    return
  }
  target.remove(target.list('neighbour'))
  for (const { line, device: name, ...neighbour } of parsed.value.neighbours) {
    const device = target.device(name)
    if (device === undefined) {
      refuseDevice(target, 'neigh', 'ip neigh', name, line)
      continue
    }
    target.put({
      kind: 'neighbour',
      id: neighbourId(target.name, name, formatIpv4(neighbour.address)),
      netns: target.netns,
      device: device.id,
      ...neighbour,
      queued: 0,
      origin: target.origin('neigh', line),
    })
  }
}

export function refuseDevice(
  target: OverrideTarget,
  field: 'routes' | 'neigh' | 'fdb',
  tool: string,
  device: string,
  line: number,
): void {
  const names = target.list('device').map((d) => d.name)
  target.refuse(field, { tool, line, found: device, expected: `a device that ${target.name} has (${names.join(', ')})` })
}
