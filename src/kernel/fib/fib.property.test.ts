import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contains, type Ipv4 } from '../../net/address.ts'
import { deviceId } from '../../world/ids.ts'
import type { PolicyRuleRecord, RouteRecord } from '../../world/records.ts'
import type { Flow } from '../types.ts'
import { route, rule, testFib } from './testing.ts'

const UP = ['eth0', 'eth1'] as const
const DEVICES = [...UP, 'down0'] as const
const addresses = { eth0: ['192.0.2.11/24'], eth1: ['198.51.100.11/24'], '!down0': ['203.0.113.11/24'] }

// A small universe, so that prefixes nest and rules and routes meet.
const address = fc.integer({ min: 0, max: 255 }).map((n) => ((10 << 24) | (n << 4)) >>> 0)
const prefixOf = fc.record({ address: address.map((a) => a as Ipv4), length: fc.constantFrom(0, 8, 20, 22, 24, 26, 28, 30, 32) })
const routeOf: fc.Arbitrary<RouteRecord> = fc
  .record({
    dst: prefixOf,
    table: fc.constantFrom(254, 100),
    tos: fc.constantFrom(0, 0, 0, 0x10),
    metric: fc.integer({ min: 0, max: 3 }),
    type: fc.constantFrom<RouteRecord['type']>('unicast', 'unicast', 'unicast', 'throw', 'blackhole', 'prohibit'),
    dev: fc.constantFrom(...DEVICES),
  })
  .map(({ dst, dev, type, ...r }) => ({
    ...route('0.0.0.0/0', { type, ...r }),
    dst: dst.address,
    prefixLength: dst.length,
    nexthops: type === 'unicast' ? [{ device: deviceId('node1', dev) }] : [],
  }))
const ruleOf: fc.Arbitrary<PolicyRuleRecord> = fc
  .record({
    priority: fc.integer({ min: 1, max: 32765 }),
    invert: fc.boolean(),
    from: fc.option(prefixOf, { nil: undefined }),
    to: fc.option(prefixOf, { nil: undefined }),
    mark: fc.option(fc.constantFrom(1, 2), { nil: undefined }),
    iif: fc.option(fc.constantFrom('lo', 'eth0'), { nil: undefined }),
    lookup: fc.boolean(),
  })
  .map(({ priority, invert, from, to, mark, iif, lookup }) =>
    rule(priority, {
      invert,
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      ...(mark === undefined ? {} : { fwmark: { value: mark, mask: 3 } }),
      ...(iif === undefined ? {} : { iif }),
      action: lookup ? { kind: 'lookup', table: 100 } : { kind: 'unreachable' },
    }),
  )
const flowOf = fc.record({
  dst: address,
  src: address,
  mark: fc.integer({ min: 0, max: 3 }),
  tos: fc.constantFrom(0, 0x10),
  iif: fc.constantFrom(undefined, ...UP),
})

/** What the words of ip-rule(8) and ip-route(8) say, by looking at everything. */
function naive(routes: readonly RouteRecord[], rules: readonly PolicyRuleRecord[], flow: Flow): string | undefined {
  const matches = (r: PolicyRuleRecord) => {
    const all =
      (r.from === undefined || contains(r.from, flow.src)) &&
      (r.to === undefined || contains(r.to, flow.dst)) &&
      (r.fwmark === undefined || (flow.mark & r.fwmark.mask) === r.fwmark.value) &&
      (r.iif === undefined || r.iif === (flow.iif?.name ?? 'lo'))
    return all !== r.invert
  }
  for (const r of [...rules].sort((a, b) => a.priority - b.priority)) {
    if (!matches(r)) continue
    if (r.action.kind !== 'lookup') return r.id
    const { table } = r.action
    const best = routes
      .map((x, order) => ({ x, order }))
      .filter(({ x }) => x.table === table && contains({ address: x.dst, length: x.prefixLength }, flow.dst))
      .filter(({ x }) => x.tos === 0 || x.tos === flow.tos)
      .filter(({ x }) => x.type !== 'unicast' || x.nexthops[0]?.device !== deviceId('node1', 'down0'))
      .sort(
        (a, b) => b.x.prefixLength - a.x.prefixLength || b.x.tos - a.x.tos || a.x.metric - b.x.metric || a.order - b.order,
      )[0]?.x
    if (best !== undefined && best.type !== 'throw') return best.id
  }
  return undefined
}

describe('a lookup and a scan of everything', () => {
  const main = rule(32766, {})
  const few = { routes: fc.array(routeOf, { maxLength: 25 }), rules: fc.array(ruleOf, { maxLength: 4 }) }
  const asked = fc.array(flowOf, { minLength: 1, maxLength: 30 })

  it('agree on the route, or the rule, that decides; asked twice, too', () => {
    fc.assert(
      fc.property(few.routes, few.rules, asked, (routes, rules, flows) => {
        const t = testFib({ addresses, routes, rules })
        for (const f of [...flows, ...flows]) {
          const flow: Flow = { ...f, iif: f.iif === undefined ? undefined : t.device(f.iif), oif: undefined }
          const found = t.fib.lookup(flow)
          expect(found.route?.id ?? found.policyRule?.id).toBe(naive(routes, [...rules, main], flow))
        }
      }),
      { numRuns: 200 },
    )
  })

  it('agree after routes were removed again', () => {
    fc.assert(
      fc.property(few.routes, fc.array(fc.boolean(), { minLength: 25, maxLength: 25 }), asked, (routes, keep, flows) => {
        const t = testFib({ addresses, routes })
        const left = routes.filter((_, i) => keep[i])
        for (const r of routes) if (!left.includes(r)) t.fib.remove(r.id)
        for (const f of flows) {
          const flow: Flow = { ...f, iif: undefined, oif: undefined }
          expect(t.fib.lookup(flow).route?.id).toBe(naive(left, [main], flow))
        }
      }),
    )
  })
})
