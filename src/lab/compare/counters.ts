import type { ParsedChain } from '../../linux/iptables/ruleset.ts'
import { parseIptablesSave } from '../../linux/iptables-save.ts'
import { formatTextError } from '../../linux/text.ts'
import type { Difference } from './difference.ts'

export interface CounterComparison {
  /** Rules whose counters are not zero on the kernel's side. */
  readonly hits: number
  readonly rules: number
  readonly differences: readonly Difference[]
}

/**
 * Counters of every rule and policy of one namespace, `iptables-save -c` text on both sides. Rules are found by their place
 * in their chain: a rule that draws at random has another match in a lab (tables.ts).
 */
export function compareCounters(netns: string, engine: string, kernel: string): CounterComparison {
  const ours = parseIptablesSave(engine)
  const theirs = parseIptablesSave(kernel)
  const unreadable = !ours.ok ? ours.error : !theirs.ok ? theirs.error : undefined
  if (!ours.ok || !theirs.ok) {
    const text = unreadable === undefined ? '' : formatTextError(unreadable)
    return { hits: 0, rules: 0, differences: [{ what: 'counters', where: netns, engine: text, kernel: undefined }] }
  }
  const differences: Difference[] = []
  let hits = 0
  let rules = 0
  for (const [name, table] of ours.value.tables) {
    for (const [chainName, chain] of table.chains) {
      const where = `${netns} ${name} ${chainName}`
      const real = theirs.value.tables.get(name)?.chains.get(chainName)
      if (real === undefined) {
        differences.push({ what: 'counters', where, engine: 'a chain', kernel: undefined })
        continue
      }
      rules += chain.rules.length
      hits += real.rules.filter((r) => r.counters.packets > 0).length
      differences.push(...compareChain(where, chain, real))
    }
  }
  return { hits, rules, differences }
}

function compareChain(where: string, ours: ParsedChain, theirs: ParsedChain): Difference[] {
  const text = (c: { readonly packets: number; readonly bytes: number } | undefined) =>
    c === undefined ? undefined : `[${c.packets}:${c.bytes}]`
  const out: Difference[] = []
  const compare = (at: string, a: string | undefined, b: string | undefined) => {
    if (a !== b) out.push({ what: 'counters', where: `${where} ${at}`, engine: a, kernel: b })
  }
  if (ours.policy !== undefined) compare('policy', text(ours.counters), text(theirs.counters))
  const count = Math.max(ours.rules.length, theirs.rules.length)
  for (let i = 0; i < count; i++) compare(String(i + 1), text(ours.rules[i]?.counters), text(theirs.rules[i]?.counters))
  return out
}
