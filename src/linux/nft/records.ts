import { netnsId, nftChainId, nftRuleId, nftSetId, nftTableId } from '../../world/ids.ts'
import type { NftChainRecord, NftRuleRecord, NftSetRecord, NftTableRecord, Origin } from '../../world/records.ts'
import type { NftChain, NftRuleset, NftSet, NftTable } from './ruleset.ts'

export type NftRecord = NftTableRecord | NftChainRecord | NftRuleRecord | NftSetRecord

/** What made an object of a table; of a rule its chain's name and itself. */
export interface NftPart {
  readonly table: NftTable
  readonly chain?: string
  readonly set?: string
  readonly line?: number
}

/** Tables in order; of each its sets, then its chains with their rules. `now` (ns) is when the elements' times were read. */
export function nftRecords(netns: string, ruleset: NftRuleset, origin: (part: NftPart) => Origin, now = 0): NftRecord[] {
  return [...ruleset.tables.values()].flatMap((t) => tableRecords(netns, t, origin, now))
}

export function tableRecords(netns: string, t: NftTable, origin: (part: NftPart) => Origin, now = 0): NftRecord[] {
  const { family, name } = t
  const path = `${family}/${name}`
  const own = { netns: netnsId(netns), family } as const
  const at = (line: number | undefined) => (line === undefined ? {} : { line })
  const updated = updatedSets(t)
  const set = (s: NftSet): NftSetRecord => {
    const dynamic = updated.has(s.name) && !s.spec.flags.includes('dynamic')
    const flags = dynamic ? ['dynamic', ...s.spec.flags] : s.spec.flags
    return {
      kind: 'nft-set',
      id: nftSetId(netns, path, s.name),
      ...own,
      table: name,
      name: s.name,
      ...s.spec,
      flags,
      // What rules may add to is given a bound (set_to_segtree, src/rule.c).
      ...(flags.includes('dynamic') && s.spec.size === undefined ? { size: 65535 } : {}),
      handle: s.handle,
      elements: [...s.elements.values()].map((e) => {
        const timeout = e.timeout ?? s.spec.timeout
        const expires = e.expires === undefined ? (timeout === undefined ? undefined : now + timeout) : now + e.expires
        return expires === undefined ? e : { ...e, expires }
      }),
      origin: origin({ table: t, set: s.name, ...at(s.line) }),
    }
  }
  const chain = (c: NftChain): (NftChainRecord | NftRuleRecord)[] => {
    const ids = c.rules.map((_, i) => nftRuleId(netns, path, c.name, i + 1))
    const rules = c.rules.flatMap((r, i): NftRuleRecord[] => {
      const id = ids[i]
      if (id === undefined) return []
      return [
        {
          kind: 'nft-rule',
          id,
          ...own,
          table: name,
          chain: c.name,
          handle: r.handle,
          statements: r.statements,
          ...(r.comment === undefined ? {} : { comment: r.comment }),
          origin: origin({ table: t, chain: c.name, ...at(r.line) }),
        },
      ]
    })
    return [
      {
        kind: 'nft-chain',
        id: nftChainId(netns, path, c.name),
        ...own,
        table: name,
        name: c.name,
        ...(c.base === undefined ? {} : { base: c.base }),
        ...(c.comment === undefined ? {} : { comment: c.comment }),
        handle: c.handle,
        rules: ids,
        origin: origin({ table: t, chain: c.name, ...at(c.line) }),
      },
      ...rules,
    ]
  }
  return [
    {
      kind: 'nft-table',
      id: nftTableId(netns, path),
      ...own,
      name,
      flags: t.flags,
      ...(t.comment === undefined ? {} : { comment: t.comment }),
      handle: t.handle,
      others: t.others,
      origin: origin({ table: t, ...at(t.line) }),
    },
    ...[...t.sets.values()].map(set),
    ...[...t.chains.values()].flatMap(chain),
  ]
}

/** Sets that some rule adds to: they become dynamic, whether their declaration says so or not. */
function updatedSets(t: NftTable): ReadonlySet<string> {
  const names = new Set<string>()
  for (const c of t.chains.values())
    for (const r of c.rules) for (const s of r.statements) if (s.kind === 'dynset') names.add(s.set)
  return names
}
