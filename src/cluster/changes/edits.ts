import type { ConfigureChange, TableSync } from '../../world/changes.ts'
import { chainId, netnsId, type RecordId, routeId, ruleId } from '../../world/ids.ts'
import type { TableName } from '../../world/netfilter.ts'
import type { ChainRecord, RouteRecord, RuleRecord, WorldRecord } from '../../world/records.ts'
import type { Delta, World } from '../../world/world.ts'

// One machine's rules and routes as they are, and as they are to be: what has to be added and taken away for it, rule by rule. What
// says the same stays the record that it is, with its counters, whatever number it has in a world that is built anew.

type Edits = Pick<ConfigureChange, 'tables' | 'deltas'>

export const isNothing = ({ tables, deltas }: Edits): boolean => tables.length === 0 && deltas.length === 0

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
  const deltas = [...wanted.flatMap((to) => chainEdits(chainIn(now, to.chain.id), to, now)), ...removed.flatMap(chainGone)]
  if (deltas.length === 0) return undefined
  const fresh = wanted.filter(({ chain }) => !now.has(chain.id)).map(({ chain }) => chain.name)
  return { table, written: fresh, removed: removed.map(({ chain }) => chain.name), deltas }
}

function chainEdits(from: ChainContent | undefined, to: ChainContent, now: World): Delta[] {
  const free = [...(from?.rules ?? [])]
  const { table, name } = to.chain
  const netns = to.chain.netns.slice('netns:'.length)
  let n = 1
  const freshId = () => {
    while (now.has(ruleId(netns, table, name, n))) n++
    return ruleId(netns, table, name, n++)
  }
  const rules = to.rules.map((rule): { readonly id: RuleRecord['id']; readonly fresh?: RuleRecord } => {
    const known = free.findIndex((r) => JSON.stringify(r.spec) === JSON.stringify(rule.spec))
    // Rules keep their order: what comes before the one that was found has gone.
    const [kept] = known < 0 ? [] : free.splice(0, known + 1).slice(-1)
    if (kept !== undefined) return { id: kept.id }
    const id = freshId()
    return { id, fresh: { ...rule, id } }
  })
  const ids = rules.map((r) => r.id)
  if (from !== undefined && JSON.stringify(from.chain.rules) === JSON.stringify(ids)) return []
  const chain: Delta = { id: to.chain.id, from: from?.chain, to: { ...(from?.chain ?? to.chain), rules: ids } }
  const gone = (from?.rules ?? []).filter((r) => !ids.includes(r.id))
  return [
    chain,
    ...gone.map((r): Delta => ({ id: r.id, from: r, to: undefined })),
    ...rules.flatMap(({ fresh }): Delta[] => (fresh === undefined ? [] : [{ id: fresh.id, from: undefined, to: fresh }])),
  ]
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

export const natChain = (netns: string, name: string) => chainId(netns, 'nat', name)
