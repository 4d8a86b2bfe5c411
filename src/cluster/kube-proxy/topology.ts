// Which endpoints a node's kube-proxy may send to (pkg/proxy/topology.go: CategorizeEndpoints).

export interface EndpointConditions {
  readonly ready: boolean
  readonly serving: boolean
  readonly terminating: boolean
  readonly isLocal: boolean
  readonly zoneHints?: readonly string[]
  readonly nodeHints?: readonly string[]
}
export interface TopologyPolicy {
  readonly internalPolicyLocal: boolean
  readonly externalPolicyLocal: boolean
  /** NodePort, LoadBalancer or external IPs. */
  readonly externallyAccessible: boolean
}
export interface TopologyNode {
  readonly name?: string
  /** Label topology.kubernetes.io/zone. */
  readonly zone?: string
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
 * Ready endpoints, those hinted for this node or its zone when the hints of all of them allow it; serving ones that terminate
 * when none is ready. A Local policy takes those of this node alone, and no hints.
 */
export function categorizeEndpoints<E extends EndpointConditions>(
  endpoints: readonly E[],
  policy: TopologyPolicy,
  node: TopologyNode,
): Categorized<E> {
  const usesCluster = !policy.internalPolicyLocal || policy.externallyAccessible
  const usesLocal = policy.internalPolicyLocal || (policy.externalPolicyLocal && policy.externallyAccessible)
  const falling = (e: E) => e.serving && e.terminating

  let cluster: readonly E[] | undefined
  if (usesCluster) {
    const hinted = hintedEndpoints(
      endpoints.filter((e) => e.ready),
      node,
    )
    cluster = hinted.length > 0 ? hinted : endpoints.filter(falling)
  }
  if (!usesLocal) {
    const reachable = cluster ?? []
    return { cluster, local: undefined, reachable, any: reachable.length > 0 }
  }
  const here = endpoints.filter((e) => e.isLocal)
  const hereReady = here.filter((e) => e.ready)
  const local = hereReady.length > 0 ? hereReady : here.filter(falling)
  const any = endpoints.some((e) => e.ready || falling(e))
  return { cluster, local, reachable: cluster === undefined ? local : [...new Set([...cluster, ...local])], any }
}

/**
 * topologyModeFromHints: PreferSameNode when every ready endpoint has a node hint and one is for this node; else
 * PreferSameZone in the same way; else no preference.
 */
function hintedEndpoints<E extends EndpointConditions>(ready: readonly E[], node: TopologyNode): readonly E[] {
  const preferences = [
    [node.name, (e: E) => e.nodeHints],
    [node.zone, (e: E) => e.zoneHints],
  ] as const
  for (const [here, hints] of preferences) {
    if (here === undefined || !ready.every((e) => (hints(e)?.length ?? 0) > 0)) continue
    const fitting = ready.filter((e) => hints(e)?.includes(here))
    if (fitting.length > 0) return fitting
  }
  return ready
}
