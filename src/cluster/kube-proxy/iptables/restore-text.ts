import type { GeneratedTable } from '../rule.ts'

/** What kube-proxy feeds to `iptables-restore --noflush --counters`: its own chains, which this empties, and their rules. */
export const restoreText = (tables: readonly GeneratedTable[]): string =>
  tables
    .map((t) => {
      const removed = t.removed ?? []
      const chains = [...t.chains.map((c) => c.name), ...removed].map((name) => `:${name} - [0:0]\n`).join('')
      const rules = t.rules.map((r) => `${r.text}\n`).join('')
      return `*${t.table}\n${chains}${rules}${removed.map((name) => `-X ${name}\n`).join('')}COMMIT\n`
    })
    .join('')

/**
 * The same text in an order of its own, so that two rulesets compare: tables, then chains by name (KUBE-NODEPORTS and
 * KUBE-SERVICES first, other KUBE- chains, the rest), the rules chain by chain, in the two dispatch chains by service (the
 * order there is that of a Go map), removals last.
 */
export function canonicalRestoreText(text: string): string {
  const tables = text
    .split(/^\*/m)
    .slice(1)
    .map((t) => t.trimEnd().split('\n'))
  return tables
    .map(([name = '', ...lines]) => canonicalTable(name, lines))
    .sort()
    .join('')
}

const DISPATCH = ['KUBE-NODEPORTS', 'KUBE-SERVICES']

function canonicalTable(name: string, lines: readonly string[]): string {
  const rank = (c: string) => (DISPATCH.includes(c) ? DISPATCH.indexOf(c) : c.startsWith('KUBE-') ? 2 : 3)
  const byName = (a: string, b: string) => rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0)
  const chains = lines.flatMap((l) => (l.startsWith(':') ? [l.slice(1).split(' ')[0] ?? ''] : [])).sort(byName)
  const declared = new Map(lines.flatMap((l) => (l.startsWith(':') ? [[l.slice(1).split(' ')[0] ?? '', l]] : [])))
  const rules = new Map<string, string[]>(chains.map((c) => [c, []]))
  for (const l of lines) if (l.startsWith('-A ')) rules.get(l.split(' ')[1] ?? '')?.push(l)
  const ordered = chains.flatMap((c) => {
    const own = rules.get(c) ?? []
    return DISPATCH.includes(c)
      ? own.toSorted((a, b) => (serviceOf(a) < serviceOf(b) ? -1 : serviceOf(a) > serviceOf(b) ? 1 : 0))
      : own
  })
  const removed = lines.flatMap((l) => (l.startsWith('-X ') ? [l.slice(3)] : [])).sort(byName)
  const out = [...chains.map((c) => declared.get(c) ?? ''), ...ordered, ...removed.map((c) => `-X ${c}`)]
  return `*${name}\n${out.map((l) => `${l}\n`).join('')}COMMIT\n`
}

/** The service that a dispatch rule's comment names; the tail that leads to node ports stays behind all of them. */
function serviceOf(rule: string): string {
  const comment = /--comment (?:"([^"]*)"|(\S+))/.exec(rule)
  const text = comment?.[1] ?? comment?.[2] ?? ''
  return text.includes('must be the last rule') ? '\uffff' : (/^[^ :]*/.exec(text)?.[0] ?? '')
}
