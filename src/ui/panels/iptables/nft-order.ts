import type { NftStatement } from '../../../world/nft.ts'
import type { NftChainRecord, NftRuleRecord, NftSetRecord } from '../../../world/records.ts'
import type { WorldView } from '../../../world/world.ts'

const HOOKS = ['ingress', 'prerouting', 'input', 'forward', 'output', 'postrouting', 'egress']

/** Chains that a rule can lead to by itself; where a named map leads is in the map. */
function targetsOf(statements: readonly NftStatement[]): string[] {
  return statements.flatMap((s) => {
    if (s.kind === 'verdict') return 'chain' in s.verdict ? [s.verdict.chain] : []
    if (s.kind !== 'vmap' || s.map.kind !== 'anonymous') return []
    return s.map.elements.flatMap((e) => (e.verdict !== undefined && 'chain' in e.verdict ? [e.verdict.chain] : []))
  })
}

/**
 * Base chains by hook and priority, each followed by the chains that its rules lead to, as a packet would meet them; what is only
 * led to by maps comes after, in the order in which it was made.
 */
export function chainsInOrder(
  chains: readonly NftChainRecord[],
  ruleOf: (id: NftChainRecord['rules'][number]) => NftRuleRecord | undefined,
): readonly NftChainRecord[] {
  const byName = new Map(chains.map((c) => [c.name, c]))
  const base = chains.filter((c) => c.base !== undefined)
  base.sort(
    (a, b) =>
      HOOKS.indexOf(a.base?.hook ?? '') - HOOKS.indexOf(b.base?.hook ?? '') || (a.base?.priority ?? 0) - (b.base?.priority ?? 0),
  )
  const met = new Set<NftChainRecord>()
  for (const start of [...base, ...chains]) {
    const waiting = [start]
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (met.has(next)) continue
      met.add(next)
      const targets = next.rules.flatMap((id) => targetsOf(ruleOf(id)?.statements ?? []))
      waiting.push(...targets.flatMap((name) => byName.get(name) ?? []).reverse())
    }
  }
  return [...met]
}

/** The chain or set that a selected record is, or belongs to. */
export function nftOwner(view: WorldView, id: string): NftChainRecord | NftSetRecord | undefined {
  const rule = view.get('nft-rule', id)
  if (rule === undefined) return view.get('nft-chain', id) ?? view.get('nft-set', id)
  return view.get('nft-chain', `nftchain:${id.slice('nftrule:'.length, id.lastIndexOf('/'))}`)
}
