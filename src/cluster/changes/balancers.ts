import type { NftRecord, TableSync } from '../../world/changes.ts'
import { fileId, netnsId, objectId, type RecordId } from '../../world/ids.ts'
import type { WorldRecord } from '../../world/records.ts'
import type { Delta, World } from '../../world/world.ts'
import { balancerTables, directRecords, proxyTargetsText, TARGETS } from '../fabric/balancer.ts'
import { registeredNodes } from '../fill-balancers.ts'
import type { BalancerPort, Cluster, ClusterBalancer, ClusterNode } from '../model.ts'
import { WorldBuilder } from '../world-builder.ts'
import { wholeTable } from './edits.ts'

// What a cloud's load balancer makes of the nodes that it is told of: it asks each for its health, again and again, and sends new
// connections to those that answered well. Connections that it knows stay where they are.

const SECOND = 1_000_000_000
/**
 * How Google's cloud controller sets up the health checks of a Service with externalTrafficPolicy Local (gceHcCheckIntervalSeconds,
 * gceHcHealthyThreshold and gceHcUnhealthyThreshold of its service controller). The first probe of a journey comes after one interval.
 */
export const PROBE_INTERVAL = 8 * SECOND
const UNHEALTHY_THRESHOLD = 3

/** When a balancer asks next: ns since the journey began. */
export const nextProbe = (at: number): number => (Math.floor(at / PROBE_INTERVAL) + 1) * PROBE_INTERVAL

export interface BalancerEdit {
  readonly netns: string
  readonly record: RecordId
  readonly tables: readonly TableSync[]
  /** The file of targets of one that ends connections. */
  readonly deltas: readonly Delta[]
  /** The rules of one that passes packets on as they are. */
  readonly nft?: readonly NftRecord[]
}

/** What the balancers of a cluster think of its nodes. */
export class BalancerHealth {
  /** By balancer, protocol and port: nodes that new connections go to. */
  readonly #targets = new Map<string, Set<string>>()
  /** By balancer, port and node: probes in a row that failed. */
  readonly #failures = new Map<string, number>()

  /** Nodes that answer no probe. */
  readonly #silent: ReadonlySet<string>

  constructor(cluster: Cluster, silent: ReadonlySet<string>) {
    this.#silent = silent
    for (const b of cluster.balancers) {
      for (const p of b.ports) this.#targets.set(keyOf(b, p), new Set(p.targets.map((n) => n.name)))
    }
  }

  /** Nodes that are no longer registered are out at once, health is left to probes. Edits of the balancers that this changes. */
  register(cluster: Cluster, now: World): BalancerEdit[] {
    const registered = new Set(registeredNodes(cluster.nodes).map((n) => n.name))
    for (const b of cluster.balancers) {
      for (const p of b.ports) {
        const known = this.#targets.get(keyOf(b, p))
        // A port that is new to a balancer has no history: its targets are what they are.
        if (known === undefined) this.#targets.set(keyOf(b, p), new Set(p.targets.map((n) => n.name)))
        else for (const name of known) if (!registered.has(name)) known.delete(name)
      }
    }
    return this.#edits(cluster, now)
  }

  /** A round of probes: one success is enough to come in, three failures in a row to go out. */
  probe(cluster: Cluster, now: World): BalancerEdit[] {
    this.#each(cluster, ({ key, node, isHealthy, targets }) => {
      const failures = isHealthy ? 0 : (this.#failures.get(key) ?? 0) + 1
      this.#failures.set(key, failures)
      if (isHealthy) targets.add(node.name)
      else if (failures >= UNHEALTHY_THRESHOLD) targets.delete(node.name)
    })
    return this.#edits(cluster, now)
  }

  /** More probes would change something. */
  isSettled(cluster: Cluster): boolean {
    let settled = true
    this.#each(cluster, ({ node, isHealthy, targets }) => {
      if (targets.has(node.name) !== isHealthy) settled = false
    })
    return settled
  }

  #each(cluster: Cluster, fn: (of: { key: string; node: ClusterNode; isHealthy: boolean; targets: Set<string> }) => void): void {
    for (const b of cluster.balancers) {
      for (const p of b.ports) {
        const targets = this.#targets.get(keyOf(b, p))
        if (targets === undefined) continue
        for (const node of registeredNodes(cluster.nodes))
          fn({
            key: `${keyOf(b, p)} ${node.name}`,
            node,
            isHealthy: !this.#silent.has(node.name) && p.targets.some((t) => t.name === node.name),
            targets,
          })
      }
    }
  }

  #edits(cluster: Cluster, now: World): BalancerEdit[] {
    return cluster.balancers.flatMap((b): BalancerEdit[] => {
      const current = this.#current(b, cluster)
      const record = objectId('Service', b.service.namespace, b.service.name)
      const at = { netns: b.place, record }
      if (b.delivery === 'proxy') {
        const from = now.get(fileId(b.place, TARGETS))
        const content = proxyTargetsText(current)
        if (from?.kind !== 'file' || from.content === content) return []
        return [{ ...at, tables: [], deltas: [{ id: from.id, from, to: { ...from, content } }] }]
      }
      if (b.delivery === 'direct') {
        const nft = directRecords(current, cluster)
        const isSame =
          nft.every((r) => JSON.stringify(r) === JSON.stringify(now.get(r.id))) &&
          rulesIn(b.place, now) === nft.filter(isRule).length
        return isSame ? [] : [{ ...at, tables: [], deltas: [], nft }]
      }
      const table = wholeTable(b.place, 'nat', now, worldOf(current, cluster))
      return table === undefined ? [] : [{ ...at, tables: [table], deltas: [] }]
    })
  }

  /** With the targets that it has by now. */
  #current(b: ClusterBalancer, cluster: Cluster): ClusterBalancer {
    const ports = b.ports.map((p): BalancerPort => {
      const names = this.#targets.get(keyOf(b, p))
      return { ...p, targets: cluster.nodes.filter((n) => names?.has(n.name) === true) }
    })
    return { ...b, ports }
  }
}

/** The balancer alone. */
function worldOf(b: ClusterBalancer, cluster: Cluster): World {
  const world = new WorldBuilder()
  world.netns(b.place, 'load-balancer', { component: 'cloud' }).tables(balancerTables(b, cluster))
  return world.done()
}

const isRule = (r: WorldRecord): boolean => r.kind === 'nft-rule'
const rulesIn = (netns: string, world: World): number =>
  [...world.values()].filter((r) => r.kind === 'nft-rule' && r.netns === netnsId(netns)).length

const keyOf = (b: ClusterBalancer, p: BalancerPort): string => `${b.place} ${p.protocol}/${p.port}`
