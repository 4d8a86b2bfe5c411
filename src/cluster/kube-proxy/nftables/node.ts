import { parseNft } from '../../../linux/nft/parse.ts'
import { type NftPart, type NftRecord, nftRecords } from '../../../linux/nft/records.ts'
import { NftRuleset } from '../../../linux/nft/ruleset.ts'
import type { Origin } from '../../../world/records.ts'
import { egressRule } from '../../cni/bridge.ts'
import { portmapRules } from '../../cni/portmap.ts'
import { CANARY, FIREWALL, HINT, kubeletFirewall } from '../../kubelet.ts'
import type { Cluster, ClusterNode } from '../../model.ts'
import { nodePortAddresses } from '../config.ts'
import { endpointsMap } from '../endpoints-map.ts'
import { proxyConfigOf, proxyObjects } from '../index.ts'
import type { IpFamily } from '../ip.ts'
import type { GeneratedTable } from '../rule.ts'
import { servicePorts } from '../service-map.ts'
import { serviceCIDRs } from './names.ts'
import { NftablesProxier } from './proxier.ts'
import { type NftablesProxyConfig, NODEPORT_IPS } from './setup.ts'
import { transactionText } from './transaction.ts'

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

/** Everything of a Service has its name in it: `service-HASH-ns/name/protocol/port`, `endpoint-…__ip/port`. */
const OF_SERVICE = /^(service|local|external|firewall|endpoint|affinity)-[A-Z2-7]{8}-([^/]+)\/([^/]+)\//

/** The Service that a chain or set of kube-proxy is for; undefined for its own. */
function nftService(name: string): { readonly kind: 'Service'; readonly namespace: string; readonly name: string } | undefined {
  const [, , namespace, service] = OF_SERVICE.exec(name) ?? []
  return namespace === undefined || service === undefined ? undefined : { kind: 'Service', namespace, name: service }
}

function partOrigin({ chain, set }: NftPart): Origin {
  const name = chain ?? set
  const object = name === undefined ? undefined : nftService(name)
  const detail = name === undefined ? 'setupNFTables' : (OF_SERVICE.exec(name)?.[1] ?? name)
  return { component: 'kube-proxy', detail, ...(object === undefined ? {} : { object }) }
}

/**
 * The table of every node of a cluster, each made when it is asked for: by what kube-proxy feeds to nft, so that it is what nft
 * would list. Most nodes' tables differ in their own address alone, and are read once.
 */
export function clusterNftables(cluster: Cluster): (self: ClusterNode) => NftRecord[] {
  const { services, slices } = proxyObjects(cluster)
  const ports = servicePorts(services, 'IPv4')
  const known = new Map<string, NftRecord[]>()
  const read = new Map<string, NftRuleset>()
  return (self) => {
    const records = known.get(self.name) ?? recordsOf(self)
    known.set(self.name, records)
    return records
  }

  function recordsOf(self: ClusterNode): NftRecord[] {
    const proxier = new NftablesProxier(nftablesConfigOf(self, cluster))
    const text = transactionText('ip', proxier.sync(ports, endpointsMap(slices, 'IPv4')).operations)
    const own = [...text.matchAll(OWN_ADDRESSES)].map((m) => m[0])
    const shared = text.replaceAll(OWN_ADDRESSES, '')
    const ruleset = read.get(shared) ?? new NftRuleset()
    const fed = read.has(shared) ? `flush set ip kube-proxy ${NODEPORT_IPS}\n` : shared
    read.set(shared, ruleset)
    const parsed = parseNft(`${fed}${own.join('')}`, ruleset)
    if (!parsed.ok) throw new Error(`kube-proxy feeds what nft refuses: ${JSON.stringify(parsed.error)}`)
    return nftRecords(self.name, ruleset, partOrigin)
  }
}

/** Elements have no handle: whenever they are added, the table is the same. */
const OWN_ADDRESSES = /^add element ip kube-proxy nodeport-ips .*\n/gm

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
