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
  const byId = new Map(rules.map((r) => [r.id, r]))
  const byTable = new Map<TableName, ChainRecord[]>()
  for (const c of chains) {
    const own = byTable.get(c.table)
    if (own) own.push(c)
    else byTable.set(c.table, [c])
  }
  const facts = new Map([...byTable].map(([name, own]) => [name, factsOf(name, own, byId)]))
  known.set(chains, facts)
  return facts
}

function factsOf(name: TableName, chains: readonly ChainRecord[], rules: ReadonlyMap<string, RuleRecord>): TableFacts {
  const rulesOf = (chain: ChainRecord): RuleRecord[] => chain.rules.flatMap((id) => rules.get(id) ?? [])
  const interfaces = new Map<string, InterfaceMatch>()
  const recents: RecentMatch[] = []
  let needsConntrack = false
  for (const chain of chains) {
    for (const { spec } of rulesOf(chain)) {
      for (const m of [spec.inIface, spec.outIface]) {
        if (m !== undefined) interfaces.set(`${m.invert ? '!' : ''}${m.name}${m.prefix ? '+' : ''}`, m)
      }
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
function findLoops(chains: readonly ChainRecord[], rulesOf: (c: ChainRecord) => readonly RuleRecord[]): ReadonlySet<RuleRecord> {
  const byName = new Map(chains.map((c) => [c.name, c]))
  const loops = new Set<RuleRecord>()
  const done = new Set<ChainRecord>()
  for (const start of chains) {
    if (done.has(start)) continue
    const open = new Set([start])
    const path = [{ chain: start, rules: rulesOf(start), next: 0 }]
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const rule = top.rules[top.next++]
      if (rule === undefined) {
        path.pop()
        open.delete(top.chain)
        done.add(top.chain)
        continue
      }
      const { target } = rule.spec
      const to = target.kind === 'jump' || target.kind === 'goto' ? byName.get(target.chain) : undefined
      if (to === undefined || done.has(to)) continue
      if (open.has(to)) loops.add(rule)
      else {
        open.add(to)
        path.push({ chain: to, rules: rulesOf(to), next: 0 })
      }
    }
  }
  return loops
}
