import { formatIpv4 } from '../../net/address.ts'
import type { Manifest } from '../../scenario/document.ts'
import { gatewayOf } from '../ipam.ts'
import type { Cluster, ClusterNode } from '../model.ts'
import { type LocalDetector, nodePortAddresses, type ProxyConfig } from './config.ts'
import { endpointsMap } from './endpoints-map.ts'
import { cidrContains, type IpAddress, type IpFamily, parseCidrSloppy, parseIpSloppy } from './ip.ts'
import { IPTABLES_DEFAULTS, type IptablesProxyConfig } from './iptables/config.ts'
import { type IptablesSync, syncIptables } from './iptables/sync.ts'
import { externallyAccessible, type ProxyServicePort, servicePorts } from './service-map.ts'

export { jumpRules } from './iptables/jumps.ts'

/** kube-proxy's configuration on a node, as kubeadm clusters have it; of IPv6, only what the objects tell. */
export function proxyConfigOf(self: ClusterNode, cluster: Cluster, family: IpFamily = 'IPv4'): ProxyConfig {
  const zone = self.labels['topology.kubernetes.io/zone']
  const own = addressesOf(self)
  return {
    family,
    nodeName: self.name,
    nodeIP: own.find((a) => a.family === family),
    ...(zone === undefined ? {} : { zone }),
    interfaceAddresses: own,
    localDetector: family === 'IPv4' ? clusterCIDR(cluster.config.podCIDR) : { kind: 'none' },
    masqueradeAll: cluster.config.kubeProxy.masqueradeAll ?? false,
    masqueradeMark: 1 << 14,
    nodePortAddresses: nodePortAddresses(family, []),
  }
}

/** eth0, the bridge, lo, in the order of preference for a node's own address. */
const addressesOf = (self: ClusterNode): IpAddress[] =>
  [formatIpv4(self.ip), formatIpv4(gatewayOf(self.podCIDR)), '127.0.0.1', '::1'].flatMap((t) => parseIpSloppy(t) ?? [])

function clusterCIDR(text: string): LocalDetector {
  const cidr = parseCidrSloppy(text)
  return cidr === undefined ? { kind: 'none' } : { kind: 'cidr', cidr }
}

export const iptablesConfigOf = (self: ClusterNode, cluster: Cluster, family: IpFamily = 'IPv4'): IptablesProxyConfig => ({
  ...proxyConfigOf(self, cluster, family),
  ...IPTABLES_DEFAULTS,
})

export type ProxyTables = Pick<IptablesSync, 'filter' | 'nat'>

/** Services and EndpointSlices as the API server would hand them to kube-proxy. */
export interface ProxyObjects {
  readonly services: readonly Manifest[]
  readonly slices: readonly Manifest[]
}

export function proxyObjects(cluster: Cluster): ProxyObjects {
  const of = (kind: string) => cluster.objects.flatMap((o) => (o.objectKind === kind ? [o.manifest as Manifest] : []))
  return { services: of('Service'), slices: of('EndpointSlice') }
}

/**
 * The tables of every node of a cluster. Nodes share them unless a Local policy, source ranges or hints make a difference: with
 * many nodes this is most of the work of building a world.
 */
export function clusterProxyTables(cluster: Cluster): (self: ClusterNode) => ProxyTables {
  const { services, slices } = proxyObjects(cluster)
  const ports = servicePorts(services, 'IPv4')
  const perNode = nodesDiffer(cluster, ports, slices)
  const known = new Map<string, ProxyTables>()
  const endpoints = endpointsMap(slices, 'IPv4')
  return (self) => {
    const config = iptablesConfigOf(self, cluster)
    const key = perNode ? self.name : ''
    const tables = known.get(key) ?? syncIptables(ports, endpoints, config, { wordless: true })
    known.set(key, tables)
    return tables
  }
}

/** Whether what kube-proxy makes of Services and endpoints depends on the node: a Local policy, source ranges or hints. */
export function nodesDiffer(cluster: Cluster, ports: readonly ProxyServicePort[], slices: readonly Manifest[]): boolean {
  const addresses = cluster.nodes.flatMap((n) => parseIpSloppy(formatIpv4(n.ip)) ?? [])
  return slices.some(hasHints) || ports.some((p) => differsByNode(p, addresses))
}

function differsByNode(p: ProxyServicePort, nodes: readonly IpAddress[]): boolean {
  if (p.internalPolicyLocal || (p.externalPolicyLocal && externallyAccessible(p))) return true
  return p.loadBalancerSourceRanges.some((r) => nodes.some((a) => cidrContains(r, a)))
}

const hasHints = (slice: Manifest): boolean =>
  Array.isArray(slice.endpoints) && slice.endpoints.some((e: unknown) => typeof e === 'object' && e !== null && 'hints' in e)
