import { STEP } from '../../trace/columns.ts'
import type { TraceReader } from '../../trace/reader.ts'
import { DROP_REASONS } from '../../trace/step.ts'
import type { NftRuleRecord, RuleRecord } from '../../world/records.ts'
import { programsOf } from '../programs.ts'

// What of the engine a run has used: when a real kernel agrees with the run, this is what it agrees on.

/** In the order that they are shown in. */
export const EXERCISED = ['devices', 'hooks', 'matches', 'targets', 'nftables', 'sysctls', 'programs', 'steps', 'drops'] as const
export type ExercisedKind = (typeof EXERCISED)[number]

/** Names by kind: `veth`, `nat PREROUTING`, `conntrack`, `MASQUERADE`, `net.ipv4.ip_forward`, `curl`, `bridge.learn` … */
export type Exercised = Readonly<Record<ExercisedKind, ReadonlySet<string>>>

export function exercised(reader: TraceReader): Exercised {
  const out = Object.fromEntries(EXERCISED.map((k) => [k, new Set<string>()])) as Record<ExercisedKind, Set<string>>
  const { events: e, refs, initial, journeys } = reader.trace
  const seen = new Set<number>()
  for (let s = 0; s < e.length; s++) {
    const kind = e.kind[s] ?? -1
    if (!seen.has(kind)) {
      seen.add(kind)
      out.steps.add(reader.step(s).kind)
    }
    const ref = refs[e.a[s] ?? -1] ?? ''
    if (kind === STEP.enter && e.a[s] === 0) {
      const device = reader.versions.near(reader.deviceAt(s) ?? '', s)
      if (device?.kind === 'device') out.devices.add(device.link.kind)
    } else if (kind === STEP.chain) {
      const chain = reader.versions.near(ref, s)
      if (chain?.kind === 'chain' && chain.hook !== undefined) out.hooks.add(`${chain.table} ${chain.name}`)
      else if (chain?.kind === 'nft-chain' && chain.base !== undefined) out.hooks.add(`nft ${chain.base.type} ${chain.base.hook}`)
    } else if (kind === STEP.rule) {
      const rule = reader.versions.near(ref, s)
      if (rule?.kind === 'rule') addRule(rule, out.matches, out.targets)
      else if (rule?.kind === 'nft-rule') addNftRule(rule, out.nftables)
    } else if (kind === STEP.drop) out.drops.add((DROP_REASONS[e.a[s] ?? -1] ?? '').replace('SKB_DROP_REASON_', ''))
  }
  for (const r of initial.values()) {
    if (r.kind === 'sysctl')
      out.sysctls.add(r.key.replace(/^(net\.ipv4\.(?:conf|neigh)\.)(?!all\.|default\.).+(\.[a-z_]+)$/, '$1*$2'))
    else if (r.kind === 'process') out.programs.add(programName(r.argv[0]))
  }
  for (const j of journeys) for (const p of programsOf(j.run)) out.programs.add(programName(p))
  return out
}

const programName = (path: string | undefined): string => (path ?? '').slice((path ?? '').lastIndexOf('/') + 1)

/** A rule that a packet has met: every condition that it fitted, and what was then done. */
function addRule({ spec }: RuleRecord, matches: Set<string>, targets: Set<string>): void {
  if (spec.src !== undefined) matches.add('-s')
  if (spec.dst !== undefined) matches.add('-d')
  if (spec.inIface !== undefined) matches.add('-i')
  if (spec.outIface !== undefined) matches.add('-o')
  if (spec.protocol !== undefined) matches.add('-p')
  if (spec.fragment !== undefined) matches.add('-f')
  for (const m of spec.matches) matches.add(m.kind === 'statistic' ? `statistic ${m.mode}` : m.kind)
  const { target } = spec
  if (target.kind === 'reject') targets.add(`REJECT ${target.with}`)
  else if (target.kind === 'connmark') targets.add(`CONNMARK ${target.operation}`)
  else if (target.kind === 'notrack') targets.add('CT --notrack')
  else if (target.kind !== 'none') targets.add(target.kind.toUpperCase())
}

function addNftRule({ statements }: NftRuleRecord, names: Set<string>): void {
  for (const s of statements) {
    if (s.kind === 'match') names.add(s.left.kind === 'payload' ? `${s.left.protocol} ${s.left.field}` : nameOf(s.left))
    else if (s.kind === 'vmap') names.add(`vmap ${nameOf(s.key)}`)
    else if (s.kind === 'verdict') names.add(s.verdict.kind)
    else names.add(s.kind)
  }
}

const nameOf = (x: { readonly kind: string; readonly key?: unknown }): string =>
  typeof x.key === 'string' ? `${x.kind} ${x.key}` : x.kind

/** Names by kind, each with how many runs used it. */
export type ExercisedCounts = Readonly<Record<ExercisedKind, Readonly<Record<string, number>>>>

export class ExercisedTally {
  readonly #counts = new Map<ExercisedKind, Map<string, number>>(EXERCISED.map((k) => [k, new Map()]))

  add(run: Exercised, times = 1): void {
    for (const kind of EXERCISED) for (const name of run[kind]) this.#add(kind, name, times)
  }

  addCounts(counts: ExercisedCounts): void {
    for (const kind of EXERCISED) for (const [name, n] of Object.entries(counts[kind] ?? {})) this.#add(kind, name, n)
  }

  #add(kind: ExercisedKind, name: string, times: number): void {
    const names = this.#counts.get(kind)
    names?.set(name, (names.get(name) ?? 0) + times)
  }

  /** Sorted by name. */
  counts(): ExercisedCounts {
    return Object.fromEntries(
      EXERCISED.map((kind) => [
        kind,
        Object.fromEntries([...(this.#counts.get(kind) ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      ]),
    ) as Record<ExercisedKind, Record<string, number>>
  }
}
