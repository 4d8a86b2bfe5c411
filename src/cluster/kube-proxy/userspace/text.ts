import type { GeneratedRule, GeneratedTable } from '../rule.ts'
import type { UserspaceSync } from './proxier.ts'

/**
 * The commands that the userspace proxier runs on a fresh node: it feeds in rule by rule, each preceded by a check (`-C`) that
 * is not shown. The form is that of pkg/util/iptables.
 */
export function userspaceText({ nat, filter, jumps }: UserspaceSync): string {
  const lines = [
    ...[nat, filter].flatMap((t) => t.chains.map((c) => `iptables -w 5 -N ${c.name} -t ${t.table}`)),
    ...jumps.first.map(({ table, rule }) => command('-I', table, rule)),
    ...jumps.last.map(({ table, rule }) => command('-A', table, rule)),
    ...[nat, filter].flatMap((t: GeneratedTable) => t.rules.map((r) => command('-A', t.table, r))),
  ]
  return `${lines.join('\n')}\n`
}

const command = (operation: '-A' | '-I', table: string, { chain, text }: GeneratedRule): string =>
  `iptables -w 5 ${operation} ${chain} -t ${table} ${text.slice(`-A ${chain} `.length)}`
