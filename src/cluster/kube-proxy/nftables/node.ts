import { parseNft } from '../../../linux/nft/parse.ts'
import { type NftPart, type NftRecord, nftRecords } from '../../../linux/nft/records.ts'
import { NftRuleset } from '../../../linux/nft/ruleset.ts'
import type { Origin } from '../../../world/records.ts'
import { egressRule } from '../../cni/bridge.ts'
import { portmapRules } from '../../cni/portmap.ts'
import { CANARY, FIREWALL, HINT, kubeletFirewall } from '../../kubelet.ts'
import type { Cluster, ClusterNode } from '../../model.ts'
import { nodePortAddresses } from '../config.ts'
import { type EndpointsMap, endpointsMap } from '../endpoints-map.ts'
import { proxyConfigOf, proxyObjects } from '../index.ts'
import type { IpFamily } from '../ip.ts'
import type { GeneratedTable } from '../rule.ts'
import { type ProxyServicePort, servicePorts } from '../service-map.ts'
import { serviceCIDRs } from './names.ts'
import { NftablesProxier } from './proxier.ts'
import type { NftablesProxyConfig } from './setup.ts'
import { type NftOperation, transactionText } from './transaction.ts'

// What kube-proxy in nftables mode leaves on a node of the world: its own table, and nothing in iptables.

/** In this mode --nodeport-addresses is `primary` unless it is set: the node's own address alone. */
export function nftablesConfigOf(self: ClusterNode, cluster: Cluster, family: IpFamily = 'IPv4'): NftablesProxyConfig {
  const shared = proxyConfigOf(self, cluster, family)
  const { nodeIP } = shared
  const primary = nodeIP === undefined ? [] : [`${nodeIP.text}/${family === 'IPv4' ? 32 : 128}`]
  return {
    ...shared,
    nodePortAddresses: nodePortAddresses(family, primary),
    serviceCIDRs: serviceCIDRs([cluster.config.serviceCIDR], family),
  }
}

/** kube-proxy's table on a node, as far as it has come: what it feeds to nft changes the ruleset, as it would the kernel. */
export class NftablesNode {
  readonly ruleset = new NftRuleset()
  readonly #proxier: NftablesProxier
  readonly #netns: string

  constructor(netns: string, config: NftablesProxyConfig) {
    this.#netns = netns
    this.#proxier = new NftablesProxier(config)
  }

  /** One sync; partial with `changed` (`ns/name` of Services). Answers the table's records afterwards. */
  sync(ports: readonly ProxyServicePort[], endpoints: EndpointsMap, changed?: ReadonlySet<string>): NftRecord[] {
    this.#feed(this.#proxier.sync(ports, endpoints, changed).operations)
    return this.records()
  }

  records(): NftRecord[] {
    return nftRecords(this.#netns, this.ruleset, (part) => partOrigin(part))
  }

  #feed(operations: readonly NftOperation[]): void {
    const fed = parseNft(transactionText('ip', operations), this.ruleset)
    if (!fed.ok) throw new Error(`kube-proxy feeds what nft refuses: ${JSON.stringify(fed.error)}`)
  }
}

/** Everything of a Service has its name in it: `service-HASH-ns/name/protocol/port`, `endpoint-…__ip/port`. */
const OF_SERVICE = /^(service|local|external|firewall|endpoint|affinity)-[A-Z2-7]{8}-([^/]+)\/([^/]+)\//

/** The Service that a chain or set of kube-proxy is for; undefined for its own. */
export function nftService(
  name: string,
): { readonly kind: 'Service'; readonly namespace: string; readonly name: string } | undefined {
  const [, , namespace, service] = OF_SERVICE.exec(name) ?? []
  return namespace === undefined || service === undefined ? undefined : { kind: 'Service', namespace, name: service }
}

function partOrigin({ chain, set }: NftPart): Origin {
  const name = chain ?? set
  const object = name === undefined ? undefined : nftService(name)
  const detail = name === undefined ? 'setupNFTables' : (OF_SERVICE.exec(name)?.[1] ?? name)
  return { component: 'kube-proxy', detail, ...(object === undefined ? {} : { object }) }
}

/** The table of every node of a cluster, each made when it is asked for. */
export function clusterNftables(cluster: Cluster): (self: ClusterNode) => NftRecord[] {
  const { services, slices } = proxyObjects(cluster)
  const ports = servicePorts(services, 'IPv4')
  const known = new Map<string, NftRecord[]>()
  return (self) => {
    const records =
      known.get(self.name) ??
      new NftablesNode(self.name, nftablesConfigOf(self, cluster)).sync(ports, endpointsMap(slices, 'IPv4', self.name))
    known.set(self.name, records)
    return records
  }
}

/** Rules and elements: what a large cluster is measured by. */
export const nftablesSize = (records: readonly NftRecord[]): number =>
  records.reduce((n, r) => n + (r.kind === 'nft-rule' ? 1 : r.kind === 'nft-set' ? r.elements.length : 0), 0)

/** All that iptables has on such a node: the kubelet's own, and the network plugin's. */
export function nftablesNodeTables(self: ClusterNode, cluster: Cluster): GeneratedTable[] {
  const portmap = portmapRules(self, cluster)
  return [
    { table: 'mangle', chains: [HINT, CANARY], rules: [] },
    {
      table: 'nat',
      chains: [CANARY, ...portmap.chains],
      rules: [...portmap.prepended, ...portmap.appended, egressRule(cluster)],
    },
    { table: 'filter', chains: [CANARY, FIREWALL], rules: kubeletFirewall() },
  ]
}
