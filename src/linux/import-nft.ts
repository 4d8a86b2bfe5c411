import type { NamedText } from './import-text.ts'
import { parseNft } from './nft/parse.ts'
import { type NftRecord, nftRecords } from './nft/records.ts'
import { NftRuleset } from './nft/ruleset.ts'
import { nftTables } from './nft.ts'
import type { TextError } from './text.ts'

const IPTABLES = new Set(['filter', 'nat', 'mangle', 'raw', 'security'])
/** Families whose base chains IPv4 packets meet at the hooks that the engine has. */
const WALKED = new Set(['ip', 'inet'])

/**
 * The tables of nftables of one namespace: those that iptables-nft keeps are read from iptables-save, and of ip6 nothing is
 * evaluated. Of two texts with the same table the first is taken.
 */
export function importNft(
  netns: string,
  texts: readonly NamedText[],
  note: (what: string, where?: string) => void,
  errors: { readonly file: string; readonly error: TextError }[],
): NftRecord[] {
  const saved = texts.some((t) => t.kind === 'iptables-save' || t.kind === 'iptables-S')
  const seen = new Set<string>()
  return texts.flatMap((t) => {
    if (t.kind !== 'nft') return []
    const parsed = parseNft(t.text)
    if (!parsed.ok) {
      errors.push({ file: t.name, error: parsed.error })
      return []
    }
    const foreign = new Set(
      nftTables(t.text).flatMap((f) => (f.iptables || (saved && IPTABLES.has(f.name)) ? [`${f.family} ${f.name}`] : [])),
    )
    const mine = new NftRuleset()
    for (const [key, table] of parsed.value.tables) {
      if (foreign.has(key) || seen.has(key) || table.family === 'ip6') continue
      seen.add(key)
      mine.tables.set(key, table)
      const rules = [...table.chains.values()].reduce((n, c) => n + c.rules.length, 0)
      if (!WALKED.has(table.family) && rules > 0)
        note(`nftables table ${key} (${rules} rules) is kept and not evaluated: family ${table.family}`, t.name)
    }
    const records = nftRecords(netns, mine, ({ line }) => ({
      component: 'import',
      detail: line === undefined ? t.name : `${t.name}:${line}`,
    }))
    noteUnknown(records, (what) => note(what, t.name))
    return records
  })
}

function noteUnknown(records: readonly NftRecord[], note: (what: string) => void): void {
  const counts = new Map<string, number>()
  for (const r of records) {
    if (r.kind !== 'nft-rule' || !WALKED.has(r.family)) continue
    for (const s of r.statements) {
      if (s.kind !== 'unknown') continue
      const what = s.text.split(' ').slice(0, 2).join(' ')
      counts.set(what, (counts.get(what) ?? 0) + 1)
    }
  }
  for (const [what, n] of counts)
    note(`${n} nft ${n === 1 ? 'rule has' : 'rules have'} "${what}", which is kept and not modelled`)
}
