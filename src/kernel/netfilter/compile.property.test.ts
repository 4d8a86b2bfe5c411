import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ipv4, maskOf } from '../../net/address.ts'
import { IPPROTO, Packet } from '../../net/packet.ts'
import type { InterfaceMatch, Match, PortMatch, RuleSpec, Target } from '../../world/netfilter.ts'
import { NF_ACCEPT } from '../types.ts'
import { explainRule, nearMiss, type PacketFacts } from './near-miss.ts'
import { ACCEPT, DROP, proto, TestNode } from './testing.ts'

// A naive interpreter, written from iptables' manual alone, against the compiled walk. Small domains, so that rules match.

const addresses = ['10.244.1.5', '10.244.1.6', '10.244.2.7', '192.168.1.11', '203.0.113.9'].map((t) =>
  t.split('.').reduce((n, o) => n * 256 + Number(o), 0),
)
const device = fc.constantFrom('eth0', 'cbr0', 'veth1')
const chains = ['FORWARD', 'A', 'B', 'C'] as const

const packet = fc
  .record({
    src: fc.constantFrom(...addresses),
    dst: fc.constantFrom(...addresses),
    protocol: fc.constantFrom(1, 6, 17),
    sport: fc.constantFrom<number>(80, 443, 40000),
    dport: fc.constantFrom<number>(53, 80, 443),
    tcpFlags: fc.constantFrom(2, 16, 18),
    icmpType: fc.constantFrom(0, 8),
    fragmentOffset: fc.constantFrom(0, 0, 0, 1480),
  })
  .map((fields) => {
    const p = Object.assign(new Packet(), { etherType: 0x800, ttl: 64 }, fields)
    // Fields that this packet has no header for are empty in life.
    if (p.protocol === 1 || p.fragmentOffset !== 0) p.sport = p.dport = 0
    return p
  })

const address = fc.record({
  address: fc.constantFrom(...addresses).map(ipv4),
  mask: fc.constantFrom(0, 8, 16, 24, 32).map(maskOf),
  invert: fc.boolean(),
})
const name: fc.Arbitrary<InterfaceMatch> = fc.record({
  name: fc.constantFrom('eth0', 'cbr0', 'veth', 'e', ''),
  prefix: fc.boolean(),
  invert: fc.boolean(),
})
const portMatch: fc.Arbitrary<PortMatch> = fc.record({
  from: fc.constantFrom(0, 53, 80),
  to: fc.constantFrom(80, 443, 65535),
  invert: fc.boolean(),
})
const optional = <K extends string, T>(key: K, value: fc.Arbitrary<T>) =>
  fc.option(value, { nil: undefined }).map((v) => (v === undefined ? {} : ({ [key]: v } as { [P in K]: T })))
const match: fc.Arbitrary<Match> = fc.oneof(
  fc
    .tuple(fc.constantFrom('tcp' as const, 'udp' as const), optional('sport', portMatch), optional('dport', portMatch))
    .map(([kind, sport, dport]) => ({ kind, ...sport, ...dport })),
  fc.boolean().map((invert): Match => ({ kind: 'tcp', flags: { mask: 0x12, comp: 0x02, invert } })),
  fc.record({ kind: fc.constant('icmp' as const), type: fc.constantFrom(0, 8, 255), invert: fc.boolean() }),
  fc.record({
    kind: fc.constant('mark' as const),
    value: fc.constantFrom(0, 1, 2),
    mask: fc.constantFrom(1, 3, 0xffffffff),
    invert: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('multiport' as const),
    which: fc.constantFrom('sports' as const, 'dports' as const, 'ports' as const),
    ranges: fc.array(fc.record({ from: fc.constantFrom(53, 80), to: fc.constantFrom(80, 443) }), { minLength: 1, maxLength: 2 }),
    invert: fc.boolean(),
  }),
  fc.constant<Match>({ kind: 'comment', text: 'x' }),
)
// Jumps only lead to later chains, as the kernel's loop check demands.
const target = (chain: number): fc.Arbitrary<Target> =>
  fc.oneof(
    fc.constantFrom<Target>(ACCEPT, DROP, { kind: 'return' }, { kind: 'none' }),
    fc.constantFrom(1, 2, 3).map((value): Target => ({ kind: 'mark', value, mask: 0xffffffff })),
    ...(chain < 3
      ? [
          fc
            .tuple(fc.constantFrom('jump' as const, 'goto' as const), fc.integer({ min: chain + 1, max: 3 }))
            .map(([kind, to]): Target => ({ kind, chain: chains[to] ?? 'C' })),
        ]
      : []),
  )
const rule = (chain: number): fc.Arbitrary<RuleSpec> =>
  fc
    .tuple(
      optional('src', address),
      optional('dst', address),
      optional('inIface', name),
      optional('outIface', name),
      optional('protocol', fc.constantFrom('tcp', 'udp', 'icmp', '!tcp', '0').map(proto)),
      optional('fragment', fc.record({ invert: fc.boolean() })),
      fc.array(match, { maxLength: 2 }),
      target(chain),
    )
    .map(([src, dst, i, o, protocol, fragment, matches, t]) => ({
      ...src,
      ...dst,
      ...i,
      ...o,
      ...protocol,
      ...fragment,
      matches,
      target: t,
    }))
const ruleset = fc.tuple(...chains.map((_, i) => fc.array(rule(i), { maxLength: 6 })))

interface At {
  readonly p: Packet
  readonly inName: string
  readonly outName: string
  mark: number
}

const portFits = (m: PortMatch | undefined, n: number) => m === undefined || (n >= m.from && n <= m.to) === !m.invert
const nameFits = (m: InterfaceMatch | undefined, n: string) =>
  m === undefined || (m.prefix ? n.slice(0, m.name.length) === m.name : n === m.name) === !m.invert
function matchFits(m: Match, at: At): boolean {
  const { p } = at
  const whole = p.fragmentOffset === 0
  const ported = p.protocol === IPPROTO.TCP || p.protocol === IPPROTO.UDP
  switch (m.kind) {
    case 'tcp':
      if (!whole || p.protocol !== IPPROTO.TCP) return false
      if (m.flags !== undefined && ((p.tcpFlags & m.flags.mask) === m.flags.comp) !== !m.flags.invert) return false
      return portFits(m.sport, p.sport) && portFits(m.dport, p.dport)
    case 'udp':
      return whole && p.protocol === IPPROTO.UDP && portFits(m.sport, p.sport) && portFits(m.dport, p.dport)
    case 'icmp':
      return whole && p.protocol === IPPROTO.ICMP && (m.type === 255 || p.icmpType === m.type) === !m.invert
    case 'mark':
      return ((BigInt(at.mark) & BigInt(m.mask)) === BigInt(m.value)) === !m.invert
    case 'multiport': {
      const within = (n: number) => ported && m.ranges.some((r) => n >= r.from && n <= r.to)
      const hit = { sports: within(p.sport), dports: within(p.dport), ports: within(p.sport) || within(p.dport) }[m.which]
      return whole && hit === !m.invert
    }
    default:
      return true
  }
}
function ruleFits(r: RuleSpec, at: At): boolean {
  const inNet = (m: RuleSpec['src'], a: number) =>
    m === undefined || ((BigInt(a) & BigInt(m.mask)) === (BigInt(m.address) & BigInt(m.mask))) === !m.invert
  const { p } = at
  if (!inNet(r.src, p.src) || !inNet(r.dst, p.dst) || !nameFits(r.inIface, at.inName) || !nameFits(r.outIface, at.outName))
    return false
  if (r.protocol !== undefined && r.protocol.number !== 0 && (p.protocol === r.protocol.number) !== !r.protocol.invert)
    return false
  if (r.fragment !== undefined && (p.fragmentOffset !== 0) !== !r.fragment.invert) return false
  return r.matches.every((m) => matchFits(m, at))
}

/** What the walk's rows should be, `chain/rule(tried)`, and the verdict. */
function naive(rules: readonly (readonly RuleSpec[])[], at: At): { readonly rows: string[]; readonly accept: boolean } {
  const rows: string[] = []
  const walk = (chain: number): 'accept' | 'drop' | 'end' => {
    let tried = 0
    for (const [i, r] of (rules[chain] ?? []).entries()) {
      tried++
      if (!ruleFits(r, at)) continue
      rows.push(`${chains[chain]}/${i + 1}(${tried})`)
      tried = 0
      const t = r.target
      if (t.kind === 'accept' || t.kind === 'drop') return t.kind
      if (t.kind === 'mark') at.mark = t.value
      if (t.kind === 'return') return chain === 0 ? policy(0) : 'end'
      if (t.kind === 'jump' || t.kind === 'goto') {
        const inner = walk(chains.map(String).indexOf(t.chain))
        if (inner !== 'end') return inner
        if (t.kind === 'goto') return chain === 0 ? policy(0) : 'end'
      }
    }
    if (chain === 0) return policy(tried)
    rows.push(`${chains[chain]}(${tried})`)
    return 'end'
  }
  const policy = (tried: number): 'accept' => {
    rows.push(`FORWARD(${tried})`)
    return 'accept'
  }
  return { rows, accept: walk(0) === 'accept' }
}

describe('compiled rules', () => {
  it('match, jump and count exactly as a naive reading of them', () => {
    fc.assert(
      fc.property(ruleset, packet, device, device, (rules, p, inName, outName) => {
        const node = new TestNode({ filter: Object.fromEntries(chains.map((c, i) => [c, rules[i] ?? []])) })
        const skb = node.skb(p)
        const accept = node.at('FORWARD', skb, inName, outName) === NF_ACCEPT
        const expected = naive(rules, { p, inName, outName, mark: 0 })
        const rows = node
          .rows()
          .filter((r) => r.startsWith('rule') || r.startsWith('policy'))
          .map((r) => r.replace(/^\w+ filter\/(\S+) .*\((\d+) tried\)$/, '$1($2)'))
        expect({ rows, accept }).toEqual(expected)
      }),
      { numRuns: 1500 },
    )
  })

  it('agree with what a reader is told about near misses', () => {
    fc.assert(
      fc.property(rule(3), packet, device, device, fc.constantFrom(0, 1, 2), (spec, p, inName, outName, mark) => {
        const node = new TestNode({ filter: { FORWARD: [spec] } })
        node.at('FORWARD', node.skb(p, { mark }), inName, outName)
        const matched = node.rows().some((r) => r.startsWith('rule'))
        const facts: PacketFacts = {
          packet: p,
          mark,
          inDevice: inName,
          outDevice: outName,
          ctInfo: 5,
          ipsets: [],
          addressType: () => 'UNICAST',
        }
        expect(nearMiss(spec, facts) === undefined).toBe(matched)
        expect(explainRule(spec, facts).every((part) => part.fits === true)).toBe(matched)
      }),
      { numRuns: 1000 },
    )
  })
})
