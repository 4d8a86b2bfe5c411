import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Ipv4, ipv4, type Mac, maskOf } from '../../net/address.ts'
import type { Match, RuleSpec, Target } from '../../world/netfilter.ts'
import { ADDR_TYPES, CT_STATES } from './names.ts'
import { parseIptablesSave } from './parse.ts'
import { formatSpec } from './print-rule.ts'

const address = fc.nat(0xffffffff).map(ipv4)
const invert = fc.boolean()
const addressMatch = fc
  .record({ a: address, length: fc.integer({ min: 1, max: 32 }), invert })
  .map(({ a, length, invert: i }) => ({ address: ipv4(a & maskOf(length)), mask: maskOf(length), invert: i }))
const port = fc.integer({ min: 0, max: 65535 })
const range = fc.tuple(port, port).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }))
const portMatch = fc
  .record({ range, invert })
  .filter((p) => p.range.from !== 0 || p.range.to !== 65535)
  .map((p) => ({ ...p.range, invert: p.invert }))
const u32 = fc.nat(0xffffffff)
const interfaceMatch = fc.record({ name: fc.constantFrom('eth0', 'cbr0', 'veth1a2b3c4d'), prefix: invert, invert })
const some = <T>(list: readonly T[]) => fc.subarray([...list], { minLength: 1 })
const text = fc.string({ maxLength: 40 }).filter((s) => !/[\n\r]/.test(s))

const match: fc.Arbitrary<Match> = fc.oneof(
  fc.record({ kind: fc.constant('tcp' as const), dport: portMatch }),
  fc.record({ kind: fc.constant('udp' as const), sport: portMatch, dport: portMatch }),
  fc.record({
    kind: fc.constant('tcp' as const),
    flags: fc.record({ mask: fc.integer({ min: 1, max: 63 }), comp: fc.integer({ min: 0, max: 63 }), invert }),
  }),
  fc.record({ kind: fc.constant('icmp' as const), type: fc.nat(254), code: fc.nat(255), invert }),
  fc.record({
    kind: fc.constant('multiport' as const),
    which: fc.constantFrom('sports' as const, 'dports' as const, 'ports' as const),
    ranges: fc.array(range, { minLength: 1, maxLength: 15 }),
    invert,
  }),
  fc.record({ kind: fc.constant('comment' as const), text }),
  fc.record({ kind: fc.constantFrom('mark' as const, 'connmark' as const), value: u32, mask: u32, invert }),
  fc.record({ kind: fc.constant('conntrack' as const), states: some(CT_STATES), origDst: addressMatch, origDstPort: portMatch }),
  fc.record({ kind: fc.constant('state' as const), states: some(CT_STATES), invert }),
  fc.record({
    kind: fc.constant('addrtype' as const),
    dstTypes: some(ADDR_TYPES),
    limitIface: fc.constantFrom('in' as const, 'out' as const),
  }),
  fc.record({
    kind: fc.constant('statistic' as const),
    mode: fc.constant('random' as const),
    probability: fc.nat(0x7fffffff),
    invert,
  }),
  fc.record({
    kind: fc.constant('statistic' as const),
    mode: fc.constant('nth' as const),
    every: fc.integer({ min: 1, max: 1000 }),
    packet: fc.nat(999),
    invert,
  }),
  fc.record({ kind: fc.constant('physdev' as const), physIn: interfaceMatch, isBridged: invert }),
  fc.record({ kind: fc.constant('mac' as const), source: fc.nat(0xffffffff).map((n) => n as Mac), invert }),
  fc.record({
    kind: fc.constant('recent' as const),
    operation: fc.constantFrom('rcheck' as const, 'update' as const),
    name: fc.constantFrom('KUBE-SEP-A', 'x'),
    invert,
    seconds: fc.integer({ min: 1, max: 99999 }),
    reap: invert,
    ttl: invert,
    mask: fc.constant(maskOf(32)),
    side: fc.constantFrom('source' as const, 'dest' as const),
  }),
)
const natRange = fc.record({
  addresses: fc.tuple(address, address).map(([a, b]) => ({ from: Math.min(a, b) as Ipv4, to: Math.max(a, b) as Ipv4 })),
  ports: range,
  random: invert,
  randomFully: invert,
  persistent: invert,
})
const target: fc.Arbitrary<Target> = fc.oneof(
  fc.constantFrom<Target>(
    { kind: 'accept' },
    { kind: 'drop' },
    { kind: 'return' },
    { kind: 'none' },
    { kind: 'notrack' },
    { kind: 'trace' },
  ),
  fc.constantFrom<Target>({ kind: 'jump', chain: 'KUBE-SVC-A' }, { kind: 'goto', chain: 'KUBE-SVC-A' }),
  fc.record({ kind: fc.constantFrom('dnat' as const, 'snat' as const), range: natRange }),
  natRange.map((r): Target => {
    const { addresses: _, ...range } = r
    return { kind: 'masquerade', range }
  }),
  fc.record({ kind: fc.constant('mark' as const), value: u32, mask: u32 }),
  fc.record({
    kind: fc.constant('connmark' as const),
    operation: fc.constantFrom('save' as const, 'restore' as const),
    nfmask: u32,
    ctmask: u32,
  }),
  fc.record({
    kind: fc.constant('log' as const),
    prefix: text.map((s) => s.slice(0, 29)),
    level: fc.nat(7),
    options: fc.subarray(['--log-tcp-options', '--log-uid']),
  }),
)
const TCP = { name: 'tcp', number: 6, invert: false }
/** Only a protocol with ports goes with multiport. */
const withPorts = (s: RuleSpec): RuleSpec => (s.matches.some((m) => m.kind === 'multiport') ? { ...s, protocol: TCP } : s)
const spec: fc.Arbitrary<RuleSpec> = fc
  .record(
    {
      src: addressMatch,
      dst: addressMatch,
      inIface: interfaceMatch,
      outIface: interfaceMatch,
      protocol: fc.constantFrom(TCP, { name: 'gre', number: 47, invert: true }),
      fragment: fc.record({ invert }),
      matches: fc.array(match, { maxLength: 4 }),
      target,
    },
    { requiredKeys: ['matches', 'target'] },
  )
  .map(withPorts)

describe('a rule', () => {
  it('is the same after printing and reading it', () => {
    fc.assert(
      fc.property(spec, (s) => {
        const line = `-A FORWARD${formatSpec(s)}`
        const p = parseIptablesSave(`*filter\n:FORWARD ACCEPT [0:0]\n:KUBE-SVC-A - [0:0]\n${line}\nCOMMIT\n`)
        if (!p.ok) throw new Error(`${line}: ${p.error.found}: ${p.error.expected}`)
        expect(p.value.tables.get('filter')?.chains.get('FORWARD')?.rules[0]?.spec).toEqual(s)
      }),
      { numRuns: 300 },
    )
  })
  it('never makes the parser throw, whatever stands there', () => {
    const word = fc.oneof(
      fc.constantFrom('-A', 'INPUT', '!', '-m', 'tcp', '--dport', '-j', 'DNAT', '-s', '"', '*nat', ':', '[1:2]', '--'),
      fc.string({ maxLength: 8 }),
    )
    fc.assert(
      fc.property(fc.array(fc.array(word, { maxLength: 12 }), { maxLength: 6 }), (lines) => {
        parseIptablesSave(`*filter\n${lines.map((l) => l.join(' ')).join('\n')}`)
      }),
      { numRuns: 500 },
    )
  })
})
