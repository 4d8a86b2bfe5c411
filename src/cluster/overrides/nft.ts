import { parseNft } from '../../linux/nft/parse.ts'
import { nftRecords } from '../../linux/nft/records.ts'
import type { OverrideTarget } from './target.ts'

/** The tables that the text names are replaced whole. */
export function replaceNft(target: OverrideTarget, text: string): void {
  const parsed = parseNft(text)
  if (!parsed.ok) {
    target.refuse('nft', parsed.error)
    return
  }
  const named = new Set([...parsed.value.tables.values()].map((t) => `${t.family} ${t.name}`))
  for (const t of target.list('nft-table')) if (named.has(`${t.family} ${t.name}`)) target.remove([t])
  for (const r of [...target.list('nft-chain'), ...target.list('nft-rule'), ...target.list('nft-set')]) {
    if (named.has(`${r.family} ${r.table}`)) target.remove([r])
  }
  for (const r of nftRecords(target.name, parsed.value, ({ line }) => target.origin('nft', line))) target.put(r)
}
