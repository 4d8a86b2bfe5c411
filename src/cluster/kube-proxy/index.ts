import { err, ok, type Result } from '../../base/result.ts'
import type { InputError, ScenarioDocument } from '../../scenario/document.ts'
import { inputError, listed } from '../errors.ts'
import { fillIn } from '../fill-in.ts'
import type { Cluster, ClusterNode } from '../model.ts'
import { DEFAULT_PROXY_CONFIG, type IptablesProxyConfig, proxyTables } from './iptables.ts'
import { restoreText } from './restore-text.ts'
import { endpointsOf, servicePorts } from './service-map.ts'

/** kube-proxy's configuration on a node, as kubeadm clusters have it. */
export function proxyConfigOf(self: ClusterNode, cluster: Cluster): IptablesProxyConfig {
  const zone = self.labels['topology.kubernetes.io/zone']
  return {
    ...DEFAULT_PROXY_CONFIG,
    nodeName: self.name,
    ...(zone === undefined ? {} : { zone }),
    clusterCIDR: cluster.podCIDR,
  }
}

export type ProxyTables = ReturnType<typeof proxyTables>

/**
 * The tables of every node of a cluster. Nodes share them unless a Local policy or zone hints make a difference: with many
 * nodes this is most of the work of building a world.
 */
export function clusterProxyTables(cluster: Cluster): (self: ClusterNode) => ProxyTables {
  const ports = servicePorts(cluster.services)
  const endpoints = endpointsOf(cluster.slices)
  const perNode = ports.some((p) => p.internalPolicyLocal)
  const perZone = cluster.slices.some((s) => s.endpoints.some((e) => e.zoneHints !== undefined))
  const known = new Map<string, ProxyTables>()
  return (self) => {
    const config = proxyConfigOf(self, cluster)
    const key = perNode ? self.name : perZone ? (config.zone ?? '') : ''
    const tables = known.get(key) ?? proxyTables(ports, endpoints, config)
    known.set(key, tables)
    return tables
  }
}

/**
 * The text that kube-proxy on `node` would feed to iptables-restore for a document's objects, in one full sync.
 * Errors: those of the document, and a node that does not exist.
 */
export function kubeProxyText(doc: ScenarioDocument, node: string): Result<string, InputError[]> {
  const cluster = fillIn(doc)
  if (!cluster.ok) return err(cluster.error)
  const self = cluster.value.nodes.find((n) => n.name === node)
  if (self === undefined) {
    return err([inputError('', `there is no node "${node}"; expected ${listed(cluster.value.nodes.map((n) => n.name))}`)])
  }
  const { filter, nat } = clusterProxyTables(cluster.value)(self)
  return ok(restoreText([filter, nat]))
}
