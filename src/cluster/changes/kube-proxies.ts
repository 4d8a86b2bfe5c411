import type { SyncChange } from '../../world/changes.ts'
import { type ProcessId, socketId } from '../../world/ids.ts'
import type { SocketRecord } from '../../world/records.ts'
import type { Delta } from '../../world/world.ts'
import type { Cluster, ClusterNode } from '../model.ts'
import { MS, SECOND, type When } from './agenda.ts'
import type { Played } from './played.ts'
import { isHealthCheck, programEdits } from './programs.ts'
import { type Synced, syncedOf, syncNode } from './proxy.ts'

/** From a change in the API server to kube-proxy's rules being loaded: the watch, the sync, iptables-restore. An idle cluster's figure. */
const SYNC_LAG = 20 * MS
/** KubeProxyConfiguration's minSyncPeriod: an idle kube-proxy syncs at once, and not again before this has passed (pkg/proxy/runner). */
const MIN_SYNC_PERIOD = 1 * SECOND

/** The kube-proxies of all nodes: what they have seen, and when they sync. They see the same, and are idle when a journey begins. */
export class KubeProxies {
  /** The cluster that every kube-proxy has seen: what its health checks answer by. */
  seen: Cluster
  readonly #played: Played
  #synced: Synced
  #lastSync: When | undefined

  constructor(played: Played) {
    this.#played = played
    this.seen = played.cluster
    this.#synced = syncedOf(played.cluster)
  }

  /** One sync stands for all changes until it comes. */
  wake({ journey, at }: When): void {
    const { agenda } = this.#played
    if (agenda.has('sync', { journey })) return
    const last = this.#lastSync?.journey === journey ? this.#lastSync.at + MIN_SYNC_PERIOD : 0
    agenda.add({ journey, at: Math.max(at + SYNC_LAG, last), due: { kind: 'sync' } })
  }

  /** All sync, but those of `unplugged` nodes, which hear of nothing. */
  sync(when: When, unplugged: ReadonlySet<string>): void {
    const { cluster } = this.#played
    this.#lastSync = when
    const rules = new Set(this.#played.nodesWithRules())
    for (const self of cluster.nodes) if (rules.has(self.name) && !unplugged.has(self.name)) this.#syncOn(self, when)
    this.#synced = syncedOf(cluster)
    this.seen = cluster
  }

  #syncOn(self: ClusterNode, { journey, at }: When): void {
    const { cluster, built, now, doc, out } = this.#played
    const sync = syncNode(self, { cluster, before: this.#synced, built, now })
    // Endpoints are not in the rules of userspace mode: the process reads them for each connection, and there is nothing to sync.
    const isUserspace = doc.cluster.kubeProxy.mode === 'userspace'
    if (isUserspace && sync.tables.length + sync.stale.length === 0 && sync.portals === undefined) return
    const programs = this.#programs(self.name, sync.portals)
    for (const t of sync.tables) for (const delta of t.deltas) this.#played.change(delta)
    for (const delta of sync.ipvs?.deltas ?? []) this.#played.change(delta)
    out.push({ kind: 'sync', journey, at, ...sync, ...programs })
  }

  /** Sockets and servers of kube-proxy itself. */
  #programs(node: string, portals: SyncChange['portals']): Pick<SyncChange, 'portals' | 'starts' | 'stops'> {
    const { now, built } = this.#played
    for (const s of portals?.closes ?? []) this.#played.change({ id: s.id, from: s, to: undefined })
    const opened = portals?.opens.map((s) => this.#keep(node, s, portals.process)) ?? []
    const servers = programEdits(node, { now, built }, isHealthCheck)
    for (const p of servers.starts) this.#played.change({ id: p.id, from: undefined, to: p })
    for (const p of servers.stops) this.#played.change({ id: p.id, from: p, to: undefined })
    return {
      ...(portals === undefined ? {} : { portals: { ...portals, opens: opened } }),
      ...(servers.starts.length === 0 ? {} : { starts: servers.starts }),
      ...(servers.stops.length === 0 ? {} : { stops: servers.stops.map((p) => p.id) }),
    }
  }

  /** A socket of a process that runs: under an id that nothing has had. */
  #keep(node: string, socket: SocketRecord, process: ProcessId): SocketRecord {
    const { now } = this.#played
    let n = 1001
    while (now.has(socketId(node, n))) n++
    const to = { ...socket, id: socketId(node, n), process }
    this.#played.change({ id: to.id, from: undefined, to })
    return to
  }
}

/** What kube-proxy watches, beside its own node. */
export const concernsProxy = ({ from, to }: Delta): boolean => {
  const record = to ?? from
  return record?.kind === 'object' && (record.objectKind === 'Service' || record.objectKind === 'EndpointSlice')
}
