import { assertNever } from '../base/assert-never.ts'
import { plug, portDown, unplug } from '../kernel/hotplug.ts'
import type { NetKernel } from '../kernel/kernel.ts'
import type { NetworkNamespace } from '../kernel/namespace.ts'
import { IPPROTO } from '../net/packet.ts'
import { STEP } from '../trace/columns.ts'
import { WORLD_CHANGES, type WorldChangeKind } from '../trace/step.ts'
import type { PortalChange, StaleFlows, SyncChange, TableSync, WorldChange } from '../world/changes.ts'
import type { ProcessId } from '../world/ids.ts'
import { recordsOf } from '../world/overlay.ts'
import type { ChainRecord, ProcessRecord, RuleRecord, WorldRecord } from '../world/records.ts'
import { CELL_FIELDS, type Delta } from '../world/world.ts'
import { applyIpvs } from './apply-ipvs.ts'
import { applyNft, countNftRules } from './apply-nft.ts'

export interface ChangeHost {
  readonly kernel: NetKernel
  /** Starts a server whose record the world has. */
  readonly serve: (record: ProcessRecord, cause: number) => void
  readonly kill: (process: ProcessId, cause: number) => void
  /** Ends it as it would end by itself. */
  readonly stop: (process: ProcessId, cause: number) => void
  readonly portals: (change: PortalChange, cause: number) => void
}

const PACKETS = CELL_FIELDS.indexOf('packets')
const BYTES = CELL_FIELDS.indexOf('bytes')

/** Makes one change happen now: its step, its deltas, and what the running kernel makes of them. */
export function applyChange(change: WorldChange, host: ChangeHost): void {
  const { kernel } = host
  const ns = kernel.namespaces.get(change.netns)
  if (ns === undefined) throw new Error(`a change in ${change.netns}, which is not there`)
  switch (change.kind) {
    case 'apply':
    case 'delete':
    case 'terminate': {
      const seq = step(ns, change.kind, change)
      for (const delta of change.deltas) kernel.rec.change(delta)
      for (const watch of kernel.objectWatches) watch(seq)
      return
    }
    case 'attach': {
      const seq = step(ns, 'attach', change)
      plug(kernel, change.records)
      for (const record of change.servers) host.serve(record, seq)
      return
    }
    case 'start': {
      const seq = step(ns, 'start', change)
      startAll(change.servers, host, seq)
      return
    }
    case 'kill':
      for (const process of change.processes) host.kill(process, kernel.rec.last)
      return
    case 'detach': {
      step(ns, 'detach', change)
      const gone = kernel.namespaces.get(change.record.slice('netns:'.length))
      if (gone !== undefined) unplug(kernel, gone)
      return
    }
    case 'unplug':
      step(ns, 'unplug', change)
      portDown(kernel, change.port)
      return
    case 'configure': {
      const { added, removed } =
        change.nft === undefined ? countRules(change.tables.flatMap((t) => t.deltas)) : countNftRules(ns, change.nft)
      const seq = step(ns, 'configure', change, added, removed)
      for (const table of change.tables) loadTable(ns, table)
      if (change.nft !== undefined) applyNft(ns, change.nft)
      for (const delta of change.deltas) changeRoute(ns, delta)
      for (const flows of change.stale ?? []) deleteFlows(ns, flows, seq)
      return
    }
    case 'sync': {
      const seq = sync(ns, change)
      startAll(change.starts ?? [], host, seq)
      for (const process of change.stops ?? []) host.stop(process, seq)
      if (change.portals !== undefined) host.portals(change.portals, seq)
      return
    }
    default:
      assertNever(change, 'change')
  }
}

function step(ns: NetworkNamespace, kind: WorldChangeKind, change: WorldChange, added = 0, removed = 0): number {
  const { rec } = ns.kernel
  const at = { packet: -1, cause: -1, netns: ns.ref, device: -1 }
  return rec.step(STEP.change, at, WORLD_CHANGES.indexOf(kind), rec.ref(change.record), added, removed)
}

/** Processes of a namespace that is there: their records, and then they run. */
function startAll(servers: readonly ProcessRecord[], host: ChangeHost, cause: number): void {
  const { rec } = host.kernel
  for (const record of servers) rec.change({ id: record.id, from: undefined, to: record })
  for (const record of servers) host.serve(record, cause)
}

/** ip route add, ip route del; a file that is written anew. */
function changeRoute(ns: NetworkNamespace, delta: Delta): void {
  ns.kernel.rec.change(delta)
  if (delta.from?.kind === 'route') ns.fib.remove(delta.from.id)
  if (delta.to?.kind === 'route') ns.fib.add(delta.to)
}

/** syncProxyRules(): the rules first, then the conntrack entries that have become wrong. */
function sync(ns: NetworkNamespace, change: SyncChange): number {
  const { added, removed } =
    change.nft === undefined ? countRules(change.tables.flatMap((t) => t.deltas)) : countNftRules(ns, change.nft)
  if (change.ipvs !== undefined) ns.ipvs.expire({ packet: -1, cause: -1, netns: ns.ref, device: -1 })
  const seq = step(ns, 'sync', change, added, removed)
  if (change.ipvs !== undefined) applyIpvs(ns, change.ipvs, seq)
  for (const table of change.tables) loadTable(ns, table)
  if (change.nft !== undefined) applyNft(ns, change.nft)
  for (const flows of change.stale) deleteFlows(ns, flows, seq)
  return seq
}

/** Rules by what they say, whatever their number: a rule that only moved up is neither new nor gone. */
function countRules(deltas: readonly Delta[]): { added: number; removed: number } {
  const balance = new Map<string, number>()
  const count = (r: WorldRecord | undefined, by: number) => {
    if (r?.kind !== 'rule') return
    const key = JSON.stringify([r.table, r.chain, r.spec])
    balance.set(key, (balance.get(key) ?? 0) + by)
  }
  for (const d of deltas) {
    count(d.from, -1)
    count(d.to, 1)
  }
  let added = 0
  let removed = 0
  for (const n of balance.values()) {
    if (n > 0) added += n
    else removed -= n
  }
  return { added, removed }
}

/** iptables-restore --noflush of one table: chains that are written count from zero, rules of the others go on. */
function loadTable(ns: NetworkNamespace, { table, written, deltas }: TableSync): void {
  const { rec } = ns.kernel
  const isWritten = new Set(written)
  const edited = new Set(
    deltas.flatMap(({ from, to }) => {
      const chain = chainOf(to ?? from)
      return chain === undefined || isWritten.has(chain) ? [] : [chain]
    }),
  )
  const counts = edited.size === 0 ? undefined : countsOf(ns, table, edited)
  for (const delta of deltas) rec.change(delta)
  const { chains, rules } = tableOf(ns, table)
  for (const r of rules) {
    if (!isWritten.has(r.chain) && !edited.has(r.chain)) continue
    const [packets, bytes] = (isWritten.has(r.chain) ? undefined : counts?.(r)) ?? [0, 0]
    const ref = rec.ref(r.id)
    rec.cell(ref, PACKETS, packets)
    rec.cell(ref, BYTES, bytes)
  }
  ns.netfilter.replaceTable(table, chains, rules)
}

const chainOf = (r: WorldRecord | undefined): string | undefined =>
  r?.kind === 'rule' ? r.chain : r?.kind === 'chain' ? r.name : undefined

function tableOf(ns: NetworkNamespace, table: TableSync['table']) {
  const { world } = ns.kernel.rec
  const isOwn = (r: ChainRecord | RuleRecord) => r.netns === ns.record.id && r.table === table
  return { chains: recordsOf(world, 'chain').filter(isOwn), rules: recordsOf(world, 'rule').filter(isOwn) }
}

/** What the rules of some chains have counted, to be asked for by what they say: each once, in their order. */
function countsOf(ns: NetworkNamespace, table: TableSync['table'], chains: ReadonlySet<string>) {
  const { rec } = ns.kernel
  const byId = new Map(tableOf(ns, table).rules.map((r) => [r.id, r]))
  const ordered = tableOf(ns, table).chains.flatMap((c) =>
    chains.has(c.name) ? c.rules.flatMap((id) => byId.get(id) ?? []) : [],
  )
  const counted = rec.counted(new Set(ordered.map((r) => rec.ref(r.id))))
  const left = new Map<string, (readonly [number, number])[]>()
  const key = (r: RuleRecord) => JSON.stringify([r.chain, r.spec])
  for (const r of ordered) {
    const [packets, bytes] = counted.get(rec.ref(r.id)) ?? [0, 0]
    left.set(key(r), [...(left.get(key(r)) ?? []), [packets, bytes]])
  }
  return (r: RuleRecord) => left.get(key(r))?.shift()
}

/** conntrack -D, or the netlink message that does the same. */
function deleteFlows(ns: NetworkNamespace, flows: StaleFlows, cause: number): void {
  const { conntrack } = ns.netfilter
  const at = { packet: -1, cause, netns: ns.ref, device: -1 }
  const serving = new Set(flows.serving)
  for (const entry of [...conntrack.table.entries]) {
    const { original, reply } = entry
    if (entry.protocol !== IPPROTO.UDP || original.dport !== flows.port) continue
    if (flows.address !== undefined && original.dst !== flows.address >>> 0) continue
    // An entry whose time is over is nobody's any more; it goes when it is next looked for.
    if (entry.timeout <= ns.kernel.now || serving.has(reply.src)) continue
    conntrack.destroy(entry, at)
  }
}
