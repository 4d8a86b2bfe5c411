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

  constructor(name: TableName, chains: readonly ChainRecord[], rules: ReadonlyMap<string, RuleRecord>, deps: CompileDeps) {
    this.name = name
    this.#rules = rules
    for (const record of chains) this.#chains.set(record.name, new CompiledChain(record))
    this.base = HOOKS.map((hook) => [...this.#chains.values()].find((c) => c.record.hook === hook))
    let needs = name === 'nat'
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
  }

  get size(): number {
    return this.#chains.size
  }

  prepare(chain: CompiledChain, deps: CompileDeps): void {
    compileChain(chain, this.#rulesOf(chain.record), this.#chains, deps)
  }

  #rulesOf(chain: ChainRecord): readonly RuleRecord[] {
    return chain.rules.flatMap((id) => this.#rules.get(id) ?? [])
  }
}

const MATCHES = new Set(['connbytes', 'connlabel', 'connlimit', 'helper', 'cluster'])
const TARGETS = new Set(['CT', 'CONNSECMARK', 'SYNPROXY', 'CLUSTERIP', 'NETMAP'])

const needsByMatch = (m: Match): boolean =>
  m.kind === 'conntrack' || m.kind === 'state' || m.kind === 'connmark' || (m.kind === 'unknown' && MATCHES.has(m.name))
const needsByTarget = (t: Target): boolean => t.kind === 'connmark' || (t.kind === 'unknown' && TARGETS.has(t.name))

/** Whether loading the rule calls nf_ct_netns_get(): then the namespace tracks connections. NOTRACK alone does not. */
export const usesConntrack = (spec: RuleSpec): boolean => spec.matches.some(needsByMatch) || needsByTarget(spec.target)
