import type { ProxyConfig } from './config.ts'
import { topologyNode } from './config.ts'
import type { EndpointsMap, ProxyEndpoint } from './endpoints-map.ts'
import { externallyAccessible, type ProxyServicePort } from './service-map.ts'
import { categorizeEndpoints } from './topology.ts'

/**
 * What a service port comes to on one node, before any rule is written: the first half of the loop of syncProxyRules, which
 * iptables and nftables mode share word for word.
 */
export interface ServicePlan {
  readonly port: ProxyServicePort
  /** For Cluster policy; empty when it is not used. */
  readonly cluster: readonly ProxyEndpoint[]
  /** For Local policy. */
  readonly local: readonly ProxyEndpoint[]
  readonly reachable: readonly ProxyEndpoint[]
  /** Usable endpoints on any node. */
  readonly hasEndpoints: boolean
  readonly hasInternalEndpoints: boolean
  readonly hasExternalEndpoints: boolean
  /** External traffic has rules of its own even where no endpoint is left for it: pods and the node itself may still pass. */
  readonly usesExternal: boolean
  /** Verdict for what finds no endpoint. Undefined where it finds one. */
  readonly internalVerdict: NoEndpointVerdict | undefined
  readonly externalVerdict: NoEndpointVerdict | undefined
}
/** `reject`: no endpoints at all; `drop`: none here for a Local policy, though elsewhere. */
export type NoEndpointVerdict = 'reject' | 'drop'

export function planService(port: ProxyServicePort, endpoints: EndpointsMap, config: ProxyConfig): ServicePlan {
  const all = endpoints(port).map((e) => ({ ...e, isLocal: e.nodeName !== undefined && e.nodeName === config.nodeName }))
  const { internalPolicyLocal, externalPolicyLocal } = port
  const policy = { internalPolicyLocal, externalPolicyLocal, externallyAccessible: externallyAccessible(port) }
  const chosen = categorizeEndpoints(all, policy, topologyNode(config))
  const local = chosen.local ?? []
  const hasEndpoints = chosen.any
  const hasInternalEndpoints = hasEndpoints && !(internalPolicyLocal && local.length === 0)
  const hasExternalEndpoints = hasEndpoints && !(externalPolicyLocal && local.length === 0)
  const verdict = (has: boolean) => (has ? undefined : hasEndpoints ? 'drop' : 'reject')
  return {
    port,
    cluster: chosen.cluster ?? [],
    local,
    reachable: chosen.reachable,
    hasEndpoints,
    hasInternalEndpoints,
    hasExternalEndpoints,
    usesExternal: hasEndpoints && policy.externallyAccessible,
    internalVerdict: verdict(hasInternalEndpoints),
    externalVerdict: verdict(hasExternalEndpoints),
  }
}

/** sync_proxy_rules_no_local_endpoints_total: service ports with a Local policy, no local endpoint, but one elsewhere. */
export const noLocalEndpoints = (plans: readonly ServicePlan[]): { internal: number; external: number } => ({
  internal: plans.filter((p) => p.internalVerdict === 'drop').length,
  external: plans.filter((p) => p.externalVerdict === 'drop').length,
})
