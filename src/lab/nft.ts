import { printNftTable } from '../linux/nft/list.ts'
import { nftChainId, type RecordId } from '../world/ids.ts'
import type { NftElement, NftStatement } from '../world/nft.ts'
import type { NetnsRecord, NftRuleRecord, NftTableRecord, WorldRecord } from '../world/records.ts'
import { viewOf, type World } from '../world/world.ts'
import type { Pins } from './pins.ts'

// A namespace's tables of nftables, as a lab feeds them to nft.

const tablesOf = (world: World, ns: NetnsRecord): readonly NftTableRecord[] => viewOf(world).list('nft-table', ns.id)

/** `ip kube-proxy`: what is listed again at the end. */
export const nftTableNames = (world: World, ns: NetnsRecord): string[] => tablesOf(world, ns).map((t) => `${t.family} ${t.name}`)

/**
 * For `nft -f`, '' when the namespace has none. A rule that draws at random where to go (`numgen random … vmap`) goes, instead,
 * where it went in the engine's run, by source port: the kernel's draws cannot be seeded.
 */
export function nftText(world: World, ns: NetnsRecord, pins: Pins | undefined): string {
  const view = viewOf(pins === undefined ? world : pinned(world, ns, pins))
  return tablesOf(world, ns)
    .map((t) => printNftTable(view, t, { loaded: true }))
    .join('')
}

function pinned(world: World, ns: NetnsRecord, pins: Pins): World {
  const out = new Map<RecordId, WorldRecord>(world)
  for (const r of world.values()) {
    if (r.kind !== 'nft-rule' || r.netns !== ns.id) continue
    // A rule of another moment may have sent flows to chains that are not there (yet, or any more).
    const turns = [...(pins.turns.get(r.id) ?? [])].filter(([, chain]) =>
      world.has(nftChainId(ns.name, `${r.family}/${r.table}`, chain)),
    )
    if (turns.length > 0 && isRandomChoice(r)) out.set(r.id, { ...r, statements: r.statements.map((s) => withTurns(s, turns)) })
  }
  return out
}

const isRandom = (s: NftStatement): s is Extract<NftStatement, { kind: 'vmap' }> =>
  s.kind === 'vmap' && s.key.kind === 'numgen' && s.key.mode === 'random'

/** Whether a rule lets chance decide which chain is next. */
export const isRandomChoice = (r: NftRuleRecord): boolean => r.statements.some(isRandom)

function withTurns(s: NftStatement, turns: readonly (readonly [number, string])[]): NftStatement {
  if (!isRandom(s)) return s
  const elements = turns.map(
    ([port, chain]): NftElement => ({ key: [{ kind: 'number', value: port }], verdict: { kind: 'goto', chain } }),
  )
  return { kind: 'vmap', key: { kind: 'payload', protocol: 'th', field: 'sport' }, map: { kind: 'anonymous', elements } }
}
