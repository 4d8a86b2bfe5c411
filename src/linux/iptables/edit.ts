import type { TableName } from '../../world/netfilter.ts'
import type { Counters } from '../../world/records.ts'
import { formatSpec } from './print-rule.ts'
import { NO_COUNTERS, type ParsedChain, type ParsedRule, type ParsedTable } from './ruleset.ts'

// What iptables' commands do to a table whose chains are there already.

export interface MutableChain extends ParsedChain {
  policy?: 'ACCEPT' | 'DROP'
  counters: Counters
  rules: ParsedRule[]
}
export interface MutableTable {
  readonly name: TableName
  chains: Map<string, MutableChain>
}

/** Why a command cannot be: what stands there, and what was expected. */
export interface Refusal {
  readonly found: string
  readonly expected: string
}

/** A copy to be edited. */
export const thaw = (t: ParsedTable): MutableTable => ({
  name: t.name,
  chains: new Map([...t.chains.values()].map((c) => [c.name, { ...c, rules: [...c.rules] }])),
})

/** -X: one user chain, which has to be empty, or all of them. */
export function deleteChain(table: MutableTable, name: string | undefined): Refusal | undefined {
  if (name === undefined) {
    for (const c of [...table.chains.values()]) if (c.hook === undefined) table.chains.delete(c.name)
    return undefined
  }
  const chain = table.chains.get(name)
  if (!chain || chain.hook !== undefined) return { found: name, expected: 'a user-defined chain' }
  if (chain.rules.length > 0) return { found: name, expected: 'an empty chain' }
  table.chains.delete(name)
  return undefined
}

/** A jump to a chain that is not there, and the line that it stands in. */
export function danglingJump(
  table: MutableTable,
): { readonly from: string; readonly to: string; readonly line: number } | undefined {
  for (const chain of table.chains.values()) {
    for (const { spec, line } of chain.rules) {
      const { target } = spec
      if ((target.kind === 'jump' || target.kind === 'goto') && !table.chains.has(target.chain))
        return { from: chain.name, to: target.chain, line }
    }
  }
  return undefined
}

/** -E: the jumps to it follow. */
export function renameChain(table: MutableTable, from: string | undefined, to: string | undefined): Refusal | undefined {
  const chain = table.chains.get(from ?? '')
  if (!chain || chain.hook !== undefined) return { found: from ?? '', expected: 'a user-defined chain' }
  if (to === undefined || table.chains.has(to)) return { found: to ?? '', expected: 'the name of a new chain' }
  table.chains = new Map([...table.chains.values()].map((c) => (c === chain ? [to, { ...c, name: to }] : [c.name, c])))
  for (const c of table.chains.values()) {
    c.rules = c.rules.map((r) => {
      const t = r.spec.target
      return (t.kind === 'jump' || t.kind === 'goto') && t.chain === from
        ? { ...r, spec: { ...r.spec, target: { ...t, chain: to } } }
        : r
    })
  }
  return undefined
}

/** -D with a rule written out: the first that says the same, of each. */
export function deleteRules(chain: MutableChain, given: readonly ParsedRule[]): Refusal | undefined {
  for (const { spec } of given) {
    const text = formatSpec(spec)
    const at = chain.rules.findIndex((r) => formatSpec(r.spec) === text)
    if (at < 0) return { found: `-D ${chain.name}${text}`, expected: 'a rule that the chain has' }
    chain.rules.splice(at, 1)
  }
  return undefined
}

/** -Z */
export function zero(chain: MutableChain): void {
  chain.counters = NO_COUNTERS
  chain.rules = chain.rules.map((r) => ({ ...r, counters: NO_COUNTERS }))
}
