import type { TableSync } from '../../world/changes.ts'
import { netnsId, type RecordId, routeId, ruleId } from '../../world/ids.ts'
import type { TableName } from '../../world/netfilter.ts'
import type { ChainRecord, RouteRecord, RuleRecord, WorldRecord } from '../../world/records.ts'
import type { Delta, World } from '../../world/world.ts'

// One machine's rules and routes as they are, and as they are to be: what has to be added and taken away for it, rule by rule.

/** A chain and its rules, in order. */
export interface ChainContent {
  readonly chain: ChainRecord
  readonly rules: readonly RuleRecord[]
}

export function chainIn(world: World, id: RecordId): ChainContent | undefined {
  const chain = world.get(id)
  if (chain?.kind !== 'chain') return undefined
  const rules = chain.rules.flatMap((r): RuleRecord[] => {
    const rule = world.get(r)
    return rule?.kind === 'rule' ? [rule] : []
  })
  return { chain, rules }
}

/** All chains of one table. */
export const chainsOf = (world: World, netns: string, table: TableName): ChainContent[] =>
  [...world.values()].flatMap((r): ChainContent[] => {
    if (r.kind !== 'chain' || r.netns !== netnsId(netns) || r.table !== table) return []
    return [chainIn(world, r.id)].flatMap((c) => c ?? [])
  })

/** `wanted`: the chains of the table that are to change, as they are to be; `removed`: those to go. Undefined when nothing differs. */
export function tableEdits(
  now: World,
  table: TableName,
  { wanted, removed }: { readonly wanted: readonly ChainContent[]; readonly removed: readonly ChainContent[] },
): TableSync | undefined {
  const deltas = [...wanted.flatMap((to) => chainEdits(chainIn(now, to.chain.id), to)), ...removed.flatMap(chainGone)]
  if (deltas.length === 0) return undefined
  const fresh = wanted.filter(({ chain }) => !now.has(chain.id)).map(({ chain }) => chain.name)
  return { table, written: fresh, removed: removed.map(({ chain }) => chain.name), deltas }
}

/** Rules are called by their places: one that moves up is another record, and the run sees to its counters. */
function chainEdits(from: ChainContent | undefined, to: ChainContent): Delta[] {
  const { netns, table, name } = to.chain
  const rules = to.rules.map((rule, i): RuleRecord => ({ ...rule, id: ruleId(netns.slice('netns:'.length), table, name, i + 1) }))
  const chain = { ...(from?.chain ?? to.chain), rules: rules.map((r) => r.id) }
  const old = new Map<RecordId, WorldRecord>(
    [...(from?.rules ?? []), ...(from === undefined ? [] : [from.chain])].map((r) => [r.id, r]),
  )
  const fresh = new Map<RecordId, WorldRecord>([chain, ...rules].map((r) => [r.id, r]))
  return [...new Set([...old.keys(), ...fresh.keys()])].flatMap((id): Delta[] => {
    const a = old.get(id)
    const b = fresh.get(id)
    return JSON.stringify(a) === JSON.stringify(b) ? [] : [{ id, from: a, to: b }]
  })
}

const chainGone = ({ chain, rules }: ChainContent): Delta[] =>
  [chain, ...rules].map((r: WorldRecord): Delta => ({ id: r.id, from: r, to: undefined }))

/** A machine's whole table, where nobody but its owner writes to it. */
export function wholeTable(netns: string, table: TableName, now: World, built: World): TableSync | undefined {
  const wanted = chainsOf(built, netns, table)
  const ids = new Set<RecordId>(wanted.map((c) => c.chain.id))
  return tableEdits(now, table, { wanted, removed: chainsOf(now, netns, table).filter((c) => !ids.has(c.chain.id)) })
}

/** Routes of a machine that components set (`proto boot`, `static`), by what they say. */
export function routeEdits(netns: string, now: World, built: World): Delta[] {
  const routes = (world: World) =>
    [...world.values()].filter(
      (r): r is RouteRecord => r.kind === 'route' && r.netns === netnsId(netns) && r.protocol !== 'kernel',
    )
  const key = ({ table, type, dst, prefixLength, nexthops, scope, metric }: RouteRecord) =>
    JSON.stringify([table, type, dst, prefixLength, nexthops, scope, metric])
  const old = new Map(routes(now).map((r) => [key(r), r]))
  const wanted = new Map(routes(built).map((r) => [key(r), r]))
  let n = 0
  const freshId = () => {
    while (now.has(routeId(netns, 'main', n))) n++
    return routeId(netns, 'main', n++)
  }
  const gone = [...old].filter(([k]) => !wanted.has(k)).map(([, r]): Delta => ({ id: r.id, from: r, to: undefined }))
  const come = [...wanted].flatMap(([k, r]): Delta[] => {
    if (old.has(k)) return []
    const id = freshId()
    return [{ id, from: undefined, to: { ...r, id } }]
  })
  return [...gone, ...come]
}
