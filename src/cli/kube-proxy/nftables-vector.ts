import { serviceCIDRs } from '../../cluster/kube-proxy/nftables/names.ts'
import { NftablesProxier, type NftablesSync } from '../../cluster/kube-proxy/nftables/proxier.ts'
import { ipX, type NftablesProxyConfig } from '../../cluster/kube-proxy/nftables/setup.ts'
import { type NftTable, parseDump } from '../../cluster/kube-proxy/nftables/table.ts'
import { nftEngineFlows } from './engine-flows.ts'
import { changedServices, configOf, type NodeConfig, type RulesetVector, stateOf } from './vector.ts'

export const nftablesConfig = (n: NodeConfig): NftablesProxyConfig => ({
  ...configOf(n),
  serviceCIDRs: serviceCIDRs(n.serviceCIDRs ?? [], n.ipFamily),
})

/** Answers a vector of nftables mode: the whole table after its sync, its flows, and what else it expects. */
export function answerNftables(v: RulesetVector): object {
  const config = nftablesConfig(v.nodeConfig)
  const initial = v.initialNftables ?? ''
  const proxier = new NftablesProxier(config, initial === '' ? undefined : parseDump(ipX(config), initial))
  const sync = run(v, proxier, config)
  return {
    id: v.id,
    ruleset: proxier.table.dump(),
    flows: nftEngineFlows(v, proxier.table.dump()),
    ...expectations(v, proxier.table, sync),
    // Without the table's text a vector tells nothing of its chains: there the field is only filled in.
    ...(v.staleChains === undefined || !v.expectedNftables ? {} : { staleChains: [...proxier.staleChains].sort() }),
  }
}

function run(v: RulesetVector, proxier: NftablesProxier, config: NftablesProxyConfig): NftablesSync {
  const now = stateOf(v, config)
  const { previous } = v.sync
  if (previous === null) return proxier.sync(now.ports, now.endpoints)
  const before = stateOf(previous, config)
  proxier.sync(before.ports, before.endpoints)
  return proxier.sync(now.ports, now.endpoints, v.sync.kind === 'partial' ? changedServices(before, now) : undefined)
}

function expectations(v: RulesetVector, table: NftTable, sync: NftablesSync): object {
  const has = (map: string, key: readonly string[]) => table.containers.get(map)?.elements.has(key.join(' . ')) ?? false
  return {
    ...(v.expectedOperations === undefined
      ? {}
      : { expectedOperations: v.expectedOperations === null ? null : sync.operations.length }),
    ...(v.expectedNoLocalEndpoints === undefined ? {} : { expectedNoLocalEndpoints: sync.noLocalEndpoints }),
    ...(v.expectedElements === undefined
      ? {}
      : { expectedElements: v.expectedElements.map(({ map, key }) => ({ map, key, exists: has(map, key) })) }),
  }
}
