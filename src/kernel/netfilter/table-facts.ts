import { HOOKS } from '../../trace/step.ts'
import type { InterfaceMatch, Match, RuleSpec, TableName, Target } from '../../world/netfilter.ts'
import type { ChainRecord, RuleRecord } from '../../world/records.ts'

type RecentMatch = Extract<Match, { kind: 'recent' }>

/** What can be said of a table before anything runs. It follows from the records alone, so many runs of one world share it. */
export interface TableFacts {
  readonly name: TableName
  readonly chains: ReadonlyMap<string, ChainRecord>
  /** By HOOK number. */
  readonly base: readonly (ChainRecord | undefined)[]
  readonly rulesOf: (chain: ChainRecord) => readonly RuleRecord[]
  /** Some rule works only with conntrack. */
  readonly needsConntrack: boolean
  /** Rules whose jump or goto closes a loop. */
  readonly loops: ReadonlySet<RuleRecord>
  /** Conditions on interfaces, in the order of the rules, each once. */
  readonly interfaces: readonly InterfaceMatch[]
  readonly recents: readonly RecentMatch[]
}

const known = new WeakMap<readonly ChainRecord[], ReadonlyMap<TableName, TableFacts>>()

/** The tables that these chains are of. The lists are never written to: the same ones get the same answer. */
export function tableFacts(chains: readonly ChainRecord[], rules: readonly RuleRecord[]): ReadonlyMap<TableName, TableFacts> {
  const there = known.get(chains)
  if (there !== undefined) return there
  const rulesOf = rulesByChain(chains, rules)
  const byTable = new Map<TableName, ChainRecord[]>()
  for (const c of chains) {
    const own = byTable.get(c.table)
    if (own) own.push(c)
    else byTable.set(c.table, [c])
  }
  const facts = new Map([...byTable].map(([name, own]) => [name, factsOf(name, own, rulesOf)]))
  known.set(chains, facts)
  return facts
}

/** Chains mostly stand one after the other with their rules behind them: then there is nothing to look for. */
function rulesByChain(chains: readonly ChainRecord[], rules: readonly RuleRecord[]): TableFacts['rulesOf'] {
  const found = new Map<ChainRecord, readonly RuleRecord[]>()
  let byId: ReadonlyMap<string, RuleRecord> | undefined
  let at = 0
  for (const chain of chains) {
    const { length } = chain.rules
    if (length === 0) continue
    let i = 0
    while (i < length && rules[at + i]?.id === chain.rules[i]) i++
    if (i === length) {
      found.set(chain, rules.slice(at, at + length))
      at += length
    } else {
      byId ??= new Map(rules.map((r) => [r.id, r]))
      const known = byId
      found.set(
        chain,
        chain.rules.flatMap((id) => known.get(id) ?? []),
      )
    }
  }
  return (chain) => found.get(chain) ?? NO_RULES
}

const NO_RULES: readonly RuleRecord[] = []

function factsOf(name: TableName, chains: readonly ChainRecord[], rulesOf: TableFacts['rulesOf']): TableFacts {
  const interfaces = new Map<string, InterfaceMatch>()
  const recents: RecentMatch[] = []
  let needsConntrack = false
  for (const chain of chains) {
    for (const { spec } of rulesOf(chain)) {
      if (spec.inIface !== undefined) interfaces.set(interfaceKey(spec.inIface), spec.inIface)
      if (spec.outIface !== undefined) interfaces.set(interfaceKey(spec.outIface), spec.outIface)
      for (const match of spec.matches) if (match.kind === 'recent') recents.push(match)
      needsConntrack ||= usesConntrack(spec)
    }
  }
  return {
    name,
    chains: new Map(chains.map((c) => [c.name, c])),
    base: HOOKS.map((hook) => chains.find((c) => c.hook === hook)),
    rulesOf,
    needsConntrack,
    loops: findLoops(chains, rulesOf),
    interfaces: [...interfaces.values()],
    recents,
  }
}

const interfaceKey = (m: InterfaceMatch): string => `${m.invert ? '!' : ''}${m.name}${m.prefix ? '+' : ''}`

const MATCHES = new Set(['connbytes', 'connlabel', 'connlimit', 'helper', 'cluster'])
const TARGETS = new Set(['CT', 'CONNSECMARK', 'SYNPROXY', 'CLUSTERIP', 'NETMAP'])

const needsByMatch = (m: Match): boolean =>
  m.kind === 'conntrack' || m.kind === 'state' || m.kind === 'connmark' || (m.kind === 'unknown' && MATCHES.has(m.name))
const KINDS: ReadonlySet<Target['kind']> = new Set(['connmark', 'dnat', 'snat', 'masquerade', 'redirect'])
const needsByTarget = (t: Target): boolean => KINDS.has(t.kind) || (t.kind === 'unknown' && TARGETS.has(t.name))

/**
 * Whether loading the rule calls nf_ct_netns_get(): then the namespace tracks connections. NOTRACK alone does not, nor does a
 * nat table without a NAT target: its hooks let pass what has no connection (nf_nat_inet_fn).
 */
const usesConntrack = (spec: RuleSpec): boolean => spec.matches.some(needsByMatch) || needsByTarget(spec.target)

/**
 * mark_source_chains(): the jumps and gotos that lead back to a chain which leads to them. The kernel refuses a table that has
 * one; here a packet that would follow it is undetermined, and no walk can be endless.
 */
function findLoops(chains: readonly ChainRecord[], rulesOf: TableFacts['rulesOf']): ReadonlySet<RuleRecord> {
  const byName = new Map(chains.map((c) => [c.name, c]))
  const loops = new Set<RuleRecord>()
  const state = new Map<ChainRecord, 'open' | 'done'>()
  const path: { readonly chain: ChainRecord; readonly rules: readonly RuleRecord[]; next: number }[] = []
  const enter = (chain: ChainRecord): void => {
    const rules = rulesOf(chain)
    // Most chains lead nowhere, or no further.
    if (!rules.some(leadsOn)) state.set(chain, 'done')
    else {
      state.set(chain, 'open')
      path.push({ chain, rules, next: 0 })
    }
  }
  for (const start of chains) {
    if (!state.has(start)) enter(start)
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const rule = top.rules[top.next++]
      if (rule === undefined) {
        path.pop()
        state.set(top.chain, 'done')
        continue
      }
      const { target } = rule.spec
      const to = target.kind === 'jump' || target.kind === 'goto' ? byName.get(target.chain) : undefined
      if (to === undefined) continue
      const known = state.get(to)
      if (known === undefined) enter(to)
      else if (known === 'open') loops.add(rule)
    }
  }
  return loops
}

const leadsOn = ({ spec }: RuleRecord): boolean => spec.target.kind === 'jump' || spec.target.kind === 'goto'
