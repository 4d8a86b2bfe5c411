import { formatSpec, parseIptablesSave, toRecords } from '../../linux/iptables-save.ts'
import type { Origin } from '../../world/records.ts'
import type { OverrideTarget } from './target.ts'

/** The tables that the text names are replaced whole. A rule that was generated just so keeps saying which object it is from. */
export function replaceTables(target: OverrideTarget, text: string): void {
  const parsed = parseIptablesSave(text)
  if (!parsed.ok) {
    target.refuse('iptables', parsed.error)
    return
  }
  const origins = new Map<string, Origin>()
  for (const r of [...target.list('chain'), ...target.list('rule')]) {
    if (!parsed.value.tables.has(r.table)) continue
    origins.set(r.kind === 'chain' ? `${r.table}/${r.name}` : `${r.table}/${r.chain}${formatSpec(r.spec)}`, r.origin)
    target.remove([r])
  }
  const made = toRecords(target.name, parsed.value, (table, chain, rule) => {
    const known = origins.get(`${table}/${chain}${rule === undefined ? '' : formatSpec(rule.spec)}`)
    return known ?? target.origin('iptables', rule?.line)
  })
  for (const r of made) target.put(r)
}
