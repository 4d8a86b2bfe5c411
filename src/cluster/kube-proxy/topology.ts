// Which endpoints a node's kube-proxy may send to (pkg/proxy/topology.go: CategorizeEndpoints).

export interface EndpointConditions {
  readonly ready: boolean
  readonly serving: boolean
  readonly terminating: boolean
  readonly isLocal: boolean
  readonly zoneHints?: readonly string[]
}
export interface TopologyPolicy {
  readonly internalPolicyLocal: boolean
  readonly externalPolicyLocal: boolean
  /** NodePort, LoadBalancer or external IPs. */
  readonly externallyAccessible: boolean
}
export interface Categorized<E> {
  /** Undefined: this Service has no use for endpoints of the whole cluster. */
  readonly cluster: readonly E[] | undefined
  /** Undefined: this Service has no use for endpoints of this node alone. */
  readonly local: readonly E[] | undefined
  readonly reachable: readonly E[]
  /** Some node has a usable endpoint, though perhaps not for traffic that arrives here. */
  readonly any: boolean
}

/**
 * Ready endpoints, in the node's zone when every one has hints and one fits; serving ones that terminate when none is ready.
 * A Local policy takes those of this node alone.
 */
export function categorizeEndpoints<E extends EndpointConditions>(
  endpoints: readonly E[],
  policy: TopologyPolicy,
  zone: string | undefined,
): Categorized<E> {
  const usesCluster = !policy.internalPolicyLocal || policy.externallyAccessible
  const usesLocal = policy.internalPolicyLocal || (policy.externalPolicyLocal && policy.externallyAccessible)
  const falling = (e: E) => e.serving && e.terminating

  let cluster: readonly E[] | undefined
  if (usesCluster) {
    const ready = endpoints.filter((e) => e.ready)
    const zoned = zone !== undefined && hintsApply(ready, zone) ? ready.filter((e) => e.zoneHints?.includes(zone)) : ready
    cluster = zoned.length > 0 ? zoned : endpoints.filter(falling)
  }
  if (!usesLocal) {
    const reachable = cluster ?? []
    return { cluster, local: undefined, reachable, any: reachable.length > 0 }
  }
  const here = endpoints.filter((e) => e.isLocal)
  const hereReady = here.filter((e) => e.ready)
  const local = hereReady.length > 0 ? hereReady : here.filter(falling)
  const any = (cluster?.length ?? 0) > 0 || endpoints.some((e) => e.ready || falling(e))
  return { cluster, local, reachable: cluster === undefined ? local : [...new Set([...cluster, ...local])], any }
}

/** Hints only count when no ready endpoint lacks them and the zone has at least one. */
const hintsApply = (ready: readonly EndpointConditions[], zone: string): boolean =>
  ready.every((e) => (e.zoneHints?.length ?? 0) > 0) && ready.some((e) => e.zoneHints?.includes(zone))
