import type { NftRecord, SyncChange, TableSync } from '../../world/changes.ts'
import { netnsId, type RecordId } from '../../world/ids.ts'
import type { TableName } from '../../world/netfilter.ts'
import type { ChainRecord, RuleRecord, WorldRecord } from '../../world/records.ts'
import type { Delta, World } from '../../world/world.ts'
import { staleFlows } from '../kube-proxy/conntrack-cleanup.ts'
import { type EndpointsMap, endpointsMap } from '../kube-proxy/endpoints-map.ts'
import { iptablesConfigOf, proxyObjects } from '../kube-proxy/index.ts'
import { syncIptables } from '../kube-proxy/iptables/sync.ts'
import { clusterIpvs } from '../kube-proxy/ipvs/node.ts'
import type { GeneratedTable } from '../kube-proxy/rule.ts'
import { type ProxyServicePort, servicePorts } from '../kube-proxy/service-map.ts'
import type { Cluster, ClusterNode } from '../model.ts'
import { ipvsServers } from './ipvs.ts'
import { goneFlows, userspaceEdits } from './userspace.ts'

/** What kube-proxy knew when it last synced. */
export interface Synced {
  readonly ports: readonly ProxyServicePort[]
  readonly endpoints: EndpointsMap
}

export function syncedOf(cluster: Cluster): Synced {
  const { services, slices } = proxyObjects(cluster)
  return { ports: servicePorts(services, 'IPv4'), endpoints: endpointsMap(slices, 'IPv4') }
}

type Sync = Pick<SyncChange, 'netns' | 'record' | 'tables' | 'stale' | 'ipvs' | 'nft' | 'portals'>

/**
 * One node's sync. In IPVS mode it is always a full one (pkg/proxy/ipvs/proxier.go), in iptables mode a partial one
 * (pkg/proxy/iptables/proxier.go): the chains of Services that changed, or whose endpoints did, and the top-level chains, which
 * are always written. `built` is the world as built of the new objects, `now` the one at this moment.
 */
export function syncNode(self: ClusterNode, to: { cluster: Cluster; before: Synced; built: World; now: World }): Sync {
  const { cluster, before, built, now } = to
  const known = syncedOf(cluster)
  const stale = cluster.config.kubeProxy.conntrackCleanup === false ? [] : staleFlows(known.ports, known.endpoints)
  const at = { netns: self.name, record: netnsId(self.name), stale }
  if (cluster.config.kubeProxy.mode === 'ipvs') {
    const sync = clusterIpvs(cluster)(self)
    const tables = [sync.filter, sync.nat].map((t) => tableSync(self, t, built, now))
    return { ...at, tables, ipvs: ipvsServers(self.name, sync, built, now) }
  }
  if (cluster.config.kubeProxy.mode === 'nftables') return { ...at, tables: [], nft: nftRecords(self, built) }
  if (cluster.config.kubeProxy.mode === 'userspace')
    return { ...at, stale: goneFlows(before.ports, known.ports), ...userspaceEdits(self.name, built, now) }
  const changed = changedServices(before, known)
  const existing = chainsIn(now, self, 'nat')
  const fed = syncIptables(known.ports, known.endpoints, iptablesConfigOf(self, cluster), { changed, existing })
  return { ...at, tables: [fed.filter, fed.nat].map((t) => tableSync(self, t, built, now)) }
}

const nftRecords = (self: ClusterNode, world: World): NftRecord[] =>
  [...world.values()].filter(
    (r): r is NftRecord =>
      (r.kind === 'nft-table' || r.kind === 'nft-chain' || r.kind === 'nft-rule' || r.kind === 'nft-set') &&
      r.netns === netnsId(self.name),
  )

/** `ns/name` of the Services that the change trackers have something for. */
function changedServices(before: Synced, after: Synced): ReadonlySet<string> {
  const facts = (s: Synced) =>
    new Map(s.ports.map((p) => [`${p.name}/${p.protocol}`, { p, text: JSON.stringify([p, s.endpoints(p)]) }]))
  const old = facts(before)
  const now = facts(after)
  const changed = new Set<string>()
  for (const [key, { p }] of [...old, ...now]) {
    if (old.get(key)?.text !== now.get(key)?.text) changed.add(`${p.namespace}/${p.service}`)
  }
  return changed
}

const chainsIn = (world: World, self: ClusterNode, table: TableName): string[] =>
  chainRecords(world, self, table).map((c) => c.name)

const chainRecords = (world: World, self: ClusterNode, table: TableName): ChainRecord[] =>
  [...world.values()].filter((r): r is ChainRecord => r.kind === 'chain' && r.netns === netnsId(self.name) && r.table === table)

function tableSync(self: ClusterNode, fed: GeneratedTable, after: World, now: World): TableSync {
  const { table } = fed
  const written = fed.chains.map((c) => c.name)
  const removed = fed.removed ?? []
  const old = new Map(chainRecords(now, self, table).map((c) => [c.name, c]))
  const fresh = new Map(chainRecords(after, self, table).map((c) => [c.name, c]))
  const deltas = [
    ...written.flatMap((name) => chainDeltas(old.get(name), fresh.get(name), now, after)),
    ...removed.flatMap((name) => chainDeltas(old.get(name), undefined, now, after)),
  ]
  return { table, written, removed, deltas }
}

/** A chain and its rules, as far as they differ. */
function chainDeltas(from: ChainRecord | undefined, to: ChainRecord | undefined, now: World, after: World): Delta[] {
  const rules = (c: ChainRecord | undefined, world: World) =>
    (c?.rules ?? []).flatMap((id): RuleRecord[] => {
      const r = world.get(id)
      return r?.kind === 'rule' ? [r] : []
    })
  const old = new Map<RecordId, WorldRecord>([...(from === undefined ? [] : [from]), ...rules(from, now)].map((r) => [r.id, r]))
  const fresh = new Map<RecordId, WorldRecord>([...(to === undefined ? [] : [to]), ...rules(to, after)].map((r) => [r.id, r]))
  return [...new Set([...old.keys(), ...fresh.keys()])].flatMap((id): Delta[] => {
    const a = old.get(id)
    const b = fresh.get(id)
    return JSON.stringify(a) === JSON.stringify(b) ? [] : [{ id, from: a, to: b }]
  })
}
