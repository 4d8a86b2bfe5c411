import type { NetworkNamespace } from '../kernel/namespace.ts'
import type { NftRecord } from '../world/changes.ts'
import type { RecordId } from '../world/ids.ts'
import type { NftChainRecord, NftRuleRecord, NftSetRecord, NftTableRecord, WorldRecord } from '../world/records.ts'

const isNft = (r: WorldRecord): r is NftRecord =>
  r.kind === 'nft-table' || r.kind === 'nft-chain' || r.kind === 'nft-rule' || r.kind === 'nft-set'

/** The rules that a transaction adds and removes: by what they say, whatever their number. */
export function countNftRules(ns: NetworkNamespace, wanted: readonly NftRecord[]): { added: number; removed: number } {
  const balance = new Map<string, number>()
  const count = (r: WorldRecord, by: number) => {
    if (r.kind !== 'nft-rule') return
    const key = JSON.stringify([r.family, r.table, r.chain, r.statements])
    balance.set(key, (balance.get(key) ?? 0) + by)
  }
  for (const r of recordsOf(ns)) count(r, -1)
  for (const r of wanted) count(r, 1)
  const counts = [...balance.values()]
  return {
    added: counts.reduce((n, c) => n + Math.max(0, c), 0),
    removed: counts.reduce((n, c) => n + Math.max(0, -c), 0),
  }
}

/**
 * A transaction of nft, after which the namespace's tables are `wanted`. Part of the step last written. What rules have put into a
 * set that is still there (the clients of session affinity) stays in it.
 */
export function applyNft(ns: NetworkNamespace, wanted: readonly NftRecord[]): void {
  const { rec } = ns.kernel
  const byId = new Map<RecordId, NftRecord>(wanted.map((r) => [r.id, r]))
  for (const r of recordsOf(ns)) if (!byId.has(r.id)) rec.change({ id: r.id, from: r, to: undefined })
  for (const to of wanted) {
    const from = rec.world.get(to.id)
    if (from?.kind === 'nft-set' && to.kind === 'nft-set' && (isDynamic(to) || sameElements(from, to))) continue
    if (JSON.stringify(from) !== JSON.stringify(to)) rec.change({ id: to.id, from, to })
  }
  const now = recordsOf(ns)
  ns.netfilter.replaceNftables({
    tables: now.filter((r): r is NftTableRecord => r.kind === 'nft-table'),
    chains: now.filter((r): r is NftChainRecord => r.kind === 'nft-chain'),
    rules: now.filter((r): r is NftRuleRecord => r.kind === 'nft-rule'),
    sets: now.filter((r): r is NftSetRecord => r.kind === 'nft-set'),
  })
}

const isDynamic = (s: NftSetRecord): boolean =>
  s.timeout !== undefined || s.flags.includes('dynamic') || s.flags.includes('timeout')
const sameElements = (a: NftSetRecord, b: NftSetRecord): boolean => JSON.stringify(a.elements) === JSON.stringify(b.elements)

const recordsOf = (ns: NetworkNamespace): NftRecord[] =>
  [...ns.kernel.rec.world.values()].filter((r): r is NftRecord => isNft(r) && r.netns === ns.record.id)
