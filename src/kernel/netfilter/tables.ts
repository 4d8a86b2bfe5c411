import type { TableName } from '../../world/netfilter.ts'
import { type CompileDeps, CompiledChain, compileChain } from './compile.ts'
import type { TableFacts } from './table-facts.ts'

/** A table's chains at run time. One comes to be when a rule first leads to it: most of a large cluster's are never walked. */
class Chains extends Map<string, CompiledChain> {
  readonly #facts: TableFacts

  constructor(facts: TableFacts) {
    super()
    this.#facts = facts
  }

  override get(name: string): CompiledChain | undefined {
    const there = super.get(name)
    const record = there === undefined ? this.#facts.chains.get(name) : undefined
    if (record === undefined) return there
    const chain = new CompiledChain(record)
    this.set(name, chain)
    return chain
  }
}

/** One table of a namespace: its chains by name, and the base chain at each hook. Chains are compiled when first entered. */
export class Table {
  readonly name: TableName
  readonly base: readonly (CompiledChain | undefined)[]
  /** Some rule works only with conntrack. */
  readonly needsConntrack: boolean
  readonly #chains: Chains
  readonly #facts: TableFacts

  constructor(facts: TableFacts, deps: Omit<CompileDeps, 'loops'>) {
    this.name = facts.name
    this.needsConntrack = facts.needsConntrack
    this.#facts = facts
    this.#chains = new Chains(facts)
    this.base = facts.base.map((record) => (record === undefined ? undefined : this.#chains.get(record.name)))
    // What rules share must be known before the first of them runs: interface numbers, and the size of recent lists.
    for (const m of facts.interfaces) deps.interfaces.number(m)
    for (const m of facts.recents) deps.recent.list(m)
  }

  prepare(chain: CompiledChain, deps: Omit<CompileDeps, 'loops'>): void {
    compileChain(chain, this.#facts.rulesOf(chain.record), this.#chains, { ...deps, loops: this.#facts.loops })
  }
}
