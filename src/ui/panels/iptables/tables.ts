import type { TableName } from '../../../world/netfilter.ts'
import type { ChainRecord, RuleRecord } from '../../../world/records.ts'

/** One table's chains, in the order that a packet can meet them. */
export interface TableChains {
  readonly table: TableName
  readonly chains: readonly ChainRecord[]
  /** No rules and nothing else that could stop a packet. */
  readonly empty: readonly ChainRecord[]
  readonly rules: number
}

/** The order of the tables at a hook, as nf_ip_hook_priorities has them. */
const TABLES: readonly TableName[] = ['raw', 'mangle', 'nat', 'filter', 'security']
const HOOKS = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']

const isEmpty = (c: ChainRecord): boolean => c.rules.length === 0 && c.policy !== 'DROP'

/**
 * Chains by table: base chains in the order of their hooks, each followed by the chains that its rules lead to, depth first,
 * as a packet would meet them; chains that nothing leads to come last.
 */
export function byTable(
  chains: readonly ChainRecord[],
  ruleOf: (id: ChainRecord['rules'][number]) => RuleRecord | undefined,
): readonly TableChains[] {
  return TABLES.flatMap((table) => {
    const mine = chains.filter((c) => c.table === table)
    if (mine.length === 0) return []
    const met = inOrderMet(mine, ruleOf)
    return {
      table,
      chains: met.filter((c) => !isEmpty(c)),
      empty: met.filter(isEmpty),
      rules: mine.reduce((n, c) => n + c.rules.length, 0),
    }
  })
}

function inOrderMet(chains: readonly ChainRecord[], ruleOf: Parameters<typeof byTable>[1]): readonly ChainRecord[] {
  const byName = new Map(chains.map((c) => [c.name, c]))
  const met = new Set<ChainRecord>()
  const base = chains.filter((c) => c.hook !== undefined)
  base.sort((a, b) => HOOKS.indexOf(a.name) - HOOKS.indexOf(b.name))
  // A stack of our own: a cluster's chains may be nested deeper than calls may.
  const waiting: ChainRecord[] = [...base].reverse()
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (met.has(next)) continue
    met.add(next)
    const targets: ChainRecord[] = []
    for (const id of next.rules) {
      const target = ruleOf(id)?.spec.target
      const chain = target?.kind === 'jump' || target?.kind === 'goto' ? byName.get(target.chain) : undefined
      if (chain !== undefined && !met.has(chain)) targets.push(chain)
    }
    waiting.push(...targets.reverse())
  }
  return [...met, ...chains.filter((c) => !met.has(c))]
}
