import type { GeneratedTable } from './rule.ts'

/** What kube-proxy feeds to `iptables-restore --noflush --counters`: its own chains, which this empties, and their rules. */
export const restoreText = (tables: readonly GeneratedTable[]): string =>
  tables
    .map((t) => {
      const chains = t.chains.map((c) => `:${c.name} - [0:0]\n`).join('')
      const rules = t.rules.map((r) => `${r.text}\n`).join('')
      return `*${t.table}\n${chains}${rules}COMMIT\n`
    })
    .join('')
