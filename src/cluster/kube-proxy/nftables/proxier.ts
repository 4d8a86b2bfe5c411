import type { EndpointsMap } from '../endpoints-map.ts'
import { noLocalEndpoints, planService } from '../plan.ts'
import type { ProxyServicePort } from '../service-map.ts'
import { Elements } from './elements.ts'
import { isAffinitySet, isServiceChain } from './names.ts'
import { type Storages, type Sync, writeService } from './service.ts'
import {
  CLUSTER_IPS,
  FIREWALL_IPS,
  ipX,
  type NftablesProxyConfig,
  NO_ENDPOINT_NODEPORTS,
  NO_ENDPOINT_SERVICES,
  SERVICE_IPS,
  SERVICE_NODEPORTS,
  setUp,
} from './setup.ts'
import { NftTable } from './table.ts'
import { type NftOperation, Transaction } from './transaction.ts'

export interface NftablesSync {
  readonly operations: readonly NftOperation[]
  readonly noLocalEndpoints: { readonly internal: number; readonly external: number }
}

const NOTHING: ReadonlySet<string> = new Set()

/**
 * kube-proxy's nftables mode (pkg/proxy/nftables/proxier.go), sync after sync on one table. The first sync is full; after it a
 * sync may be partial, and then only touches what changed.
 */
export class NftablesProxier {
  readonly table: NftTable
  /** Emptied chains that still exist: a map element may point to them for a moment yet (kernels before 6.2). */
  readonly staleChains = new Set<string>()
  readonly #config: NftablesProxyConfig
  #synced = false
  readonly #storages: Storages = {
    clusterIPs: new Elements(CLUSTER_IPS),
    serviceIPs: new Elements(SERVICE_IPS),
    firewallIPs: new Elements(FIREWALL_IPS),
    noEndpointServices: new Elements(NO_ENDPOINT_SERVICES),
    noEndpointNodePorts: new Elements(NO_ENDPOINT_NODEPORTS),
    serviceNodePorts: new Elements(SERVICE_NODEPORTS),
  }

  constructor(config: NftablesProxyConfig, table: NftTable = new NftTable(ipX(config))) {
    this.#config = config
    this.table = table
  }

  /** `changed`: Services (`ns/name`) that changed, or whose endpoints did; without it the sync is full. */
  sync(ports: readonly ProxyServicePort[], endpoints: EndpointsMap, changed?: ReadonlySet<string>): NftablesSync {
    const tx = new Transaction()
    const storages = Object.values(this.#storages)
    const earlier = this.#synced ? NOTHING : new Set([...this.table.chains.keys(), ...this.table.containers.keys()])
    if (changed === undefined) {
      setUp(tx, this.#config, !this.#synced)
      for (const s of storages) s.read(this.table)
    }
    for (const s of storages) s.begin()
    const sync: Sync = {
      tx,
      config: this.#config,
      storages: this.#storages,
      activeChains: new Set(),
      activeAffinitySets: new Set(),
      earlier,
    }
    const plans = ports.map((p) => planService(p, endpoints, this.#config))
    for (const plan of plans) {
      const { namespace, service } = plan.port
      writeService(sync, plan, changed !== undefined && !changed.has(`${namespace}/${service}`))
    }
    this.#retire(sync)
    for (const s of storages) s.cleanUp(tx)
    this.table.run(tx.operations)
    this.#synced = true
    return { operations: tx.operations, noLocalEndpoints: noLocalEndpoints(plans) }
  }

  /** A second later: chains that went stale before are deleted, in a transaction of their own. */
  deleteStaleChains(): readonly NftOperation[] {
    const tx = new Transaction()
    for (const name of this.staleChains) tx.delete({ kind: 'chain', name })
    this.staleChains.clear()
    this.table.run(tx.operations)
    return tx.operations
  }

  #retire({ tx, activeChains, activeAffinitySets }: Sync): void {
    for (const name of this.table.chains.keys()) {
      if (!isServiceChain(name)) continue
      if (activeChains.has(name)) this.staleChains.delete(name)
      else {
        tx.flush({ kind: 'chain', name })
        this.staleChains.add(name)
      }
    }
    for (const { object } of this.table.containers.values()) {
      if (object.kind === 'set' && isAffinitySet(object.name) && !activeAffinitySets.has(object.name)) tx.delete(object)
    }
  }
}
