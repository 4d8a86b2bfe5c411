import { HOOKS } from '../../trace/step.ts'
import type { Match, RuleSpec, TableName, Target } from '../../world/netfilter.ts'
import type { ChainRecord, RuleRecord } from '../../world/records.ts'
import { type CompileDeps, CompiledChain, compileChain } from './compile.ts'

/** One table of a namespace: its chains by name, and the base chain at each hook. Chains are compiled when first entered. */
export class Table {
  readonly name: TableName
  readonly base: readonly (CompiledChain | undefined)[]
  /** Some rule works only with conntrack. */
  readonly needsConntrack: boolean
  readonly #chains = new Map<string, CompiledChain>()
  readonly #rules: ReadonlyMap<string, RuleRecord>
  readonly #loops: ReadonlySet<RuleRecord>

  constructor(
    name: TableName,
    chains: readonly ChainRecord[],
    rules: ReadonlyMap<string, RuleRecord>,
    deps: Omit<CompileDeps, 'loops'>,
  ) {
    this.name = name
    this.#rules = rules
    for (const record of chains) this.#chains.set(record.name, new CompiledChain(record))
    this.base = HOOKS.map((hook) => [...this.#chains.values()].find((c) => c.record.hook === hook))
    let needs = false
    for (const chain of chains) {
      for (const rule of this.#rulesOf(chain)) {
        // What rules share must be known before the first of them runs: interface numbers, and the size of recent lists.
        deps.interfaces.number(rule.spec.inIface)
        deps.interfaces.number(rule.spec.outIface)
        for (const match of rule.spec.matches) if (match.kind === 'recent') deps.recent.list(match)
        needs ||= usesConntrack(rule.spec)
      }
    }
    this.needsConntrack = needs
    this.#loops = findLoops(chains, (chain) => this.#rulesOf(chain))
  }

  prepare(chain: CompiledChain, deps: Omit<CompileDeps, 'loops'>): void {
    compileChain(chain, this.#rulesOf(chain.record), this.#chains, { ...deps, loops: this.#loops })
  }

  #rulesOf(chain: ChainRecord): readonly RuleRecord[] {
    return chain.rules.flatMap((id) => this.#rules.get(id) ?? [])
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
