import { prng } from '../../base/prng.ts'
import type { Packet } from '../../net/packet.ts'
import type { AddrType, Match, RuleSpec } from '../../world/netfilter.ts'
import type { ConntrackRecord, IpsetRecord } from '../../world/records.ts'
import { entryOfRecord } from '../conntrack/record.ts'
import { fitsAddress, fitsInterface } from './fits.ts'
import type { MatchInput, MatchPlace } from './hook-state.ts'
import { setFinder } from './ipset.ts'
import { compileMatch, type MatchDeps } from './match.ts'
import { RecentLists } from './recent.ts'

/** A packet at a rule, as a trace recorded it. */
export interface PacketFacts {
  readonly packet: Packet
  readonly mark: number
  /** Device names; absent where the hook has none. */
  readonly inDevice?: string
  readonly outDevice?: string
  readonly physIn?: string
  readonly physOut?: string
  /** The entry it was attached to, as it stood then. */
  readonly conntrack?: ConntrackRecord
  /** Index into CT_INFOS. */
  readonly ctInfo: number
  /** The namespace's sets. */
  readonly ipsets: readonly IpsetRecord[]
  /** What an address was to the namespace (`Fib.addressType`). */
  addressType(address: number, device: string | undefined): AddrType
}

/** One condition of a rule. `match` is its index in RuleSpec.matches. */
export type RulePart =
  | { readonly kind: 'src' | 'dst' | 'in' | 'out' | 'protocol' | 'fragment' }
  | { readonly kind: 'match'; readonly index: number; readonly match: Match }

/** `depends`: a counter, a list or chance decided, or it is not modelled; the facts do not say. */
interface PartFit {
  readonly part: RulePart
  readonly fits: boolean | 'depends'
}

/** Every condition of the rule in the order the kernel tries them, and whether the packet fits it. Pure: counters do not move. */
export function explainRule(spec: RuleSpec, facts: PacketFacts): readonly PartFit[] {
  const { packet: p } = facts
  const parts: PartFit[] = []
  const add = (kind: Exclude<RulePart['kind'], 'match'>, fits: boolean) => parts.push({ part: { kind }, fits })
  if (spec.src !== undefined) add('src', fitsAddress(spec.src, p.src))
  if (spec.dst !== undefined) add('dst', fitsAddress(spec.dst, p.dst))
  if (spec.inIface !== undefined) add('in', fitsInterface(spec.inIface, facts.inDevice ?? ''))
  if (spec.outIface !== undefined) add('out', fitsInterface(spec.outIface, facts.outDevice ?? ''))
  if (spec.protocol !== undefined && spec.protocol.number !== 0) {
    add('protocol', (p.protocol === spec.protocol.number) !== spec.protocol.invert)
  }
  if (spec.fragment !== undefined) add('fragment', (p.fragmentOffset !== 0) !== spec.fragment.invert)
  const deps = depsOf(facts)
  const input = inputOf(facts)
  const place = placeOf(facts)
  spec.matches.forEach((match, index) => {
    const compiled = compileMatch(match, deps)
    const fits = 'unmodelled' in compiled || !compiled.pure ? 'depends' : compiled.test(input, place)
    parts.push({ part: { kind: 'match', index, match }, fits })
  })
  return parts
}

/** The first condition that kept the packet from matching, and how many fitted before it; undefined when none did. */
export function nearMiss(spec: RuleSpec, facts: PacketFacts): { readonly failed: RulePart; readonly passed: number } | undefined {
  const parts = explainRule(spec, facts)
  const passed = parts.findIndex((part) => part.fits === false)
  const failed = parts[passed]
  return failed === undefined ? undefined : { failed: failed.part, passed }
}

function depsOf(facts: PacketFacts): MatchDeps {
  return {
    // Never drawn from: matches that would are not evaluated.
    rng: prng(0),
    now: () => 0,
    recent: new RecentLists(),
    set: setFinder(facts.ipsets),
    addressType: (address, device) => facts.addressType(address, device),
  }
}

export const inputOf = (facts: PacketFacts): MatchInput => ({
  pkt: facts.packet,
  mark: facts.mark,
  ct: facts.conntrack === undefined ? undefined : entryOfRecord(facts.conntrack),
  ctInfo: facts.ctInfo,
  socket: undefined,
  physIn: facts.physIn === undefined ? undefined : { name: facts.physIn },
  physOut: facts.physOut === undefined ? undefined : { name: facts.physOut },
})

export const placeOf = (facts: PacketFacts): MatchPlace => ({
  inDev: facts.inDevice === undefined ? undefined : { name: facts.inDevice },
  outDev: facts.outDevice === undefined ? undefined : { name: facts.outDevice },
})
