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
import { nodesDiffer, proxyConfigOf, proxyObjects } from '../index.ts'
import type { IpFamily } from '../ip.ts'
import type { GeneratedTable } from '../rule.ts'
import { servicePorts } from '../service-map.ts'
import { serviceCIDRs } from './names.ts'
import { NftablesProxier } from './proxier.ts'
import { type NftablesProxyConfig, NODEPORT_IPS, setUp } from './setup.ts'
import { type NftOperation, Transaction, transactionText } from './transaction.ts'

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

/** What kube-proxy leaves in a node's nftables. */
interface NodeNftables {
  /** Rules and elements: what a large cluster is measured by. */
  readonly size: number
  readonly records: () => NftRecord[]
}

/**
 * The table of every node of a cluster, each made when it is asked for: by what kube-proxy feeds to nft, so that it is what nft
 * would list. Most nodes' tables differ in their own address alone: they are written and read once.
 */
export function clusterNftables(cluster: Cluster): (self: ClusterNode) => NodeNftables {
  const { services, slices } = proxyObjects(cluster)
  const ports = servicePorts(services, 'IPv4')
  const endpoints = endpointsMap(slices, 'IPv4')
  const perNode = nodesDiffer(cluster, ports, slices)
  const written = new Map<string, NftRuleset>()
  const originOf = remembered(partOrigin)
  const rulesetOf = (self: ClusterNode): NftRuleset => {
    const config = nftablesConfigOf(self, cluster)
    const key = perNode ? self.name : ''
    const ruleset = written.get(key) ?? fed(new NftRuleset(), new NftablesProxier(config).sync(ports, endpoints).operations)
    written.set(key, ruleset)
    // Elements have no handle: whenever they are added, the table is the same.
    return fed(ruleset, ownAddresses(config))
  }
  return (self) => ({
    size: sizeOf(rulesetOf(self)),
    // The ruleset may have been another node's meanwhile.
    records: () => nftRecords(self.name, rulesetOf(self), originOf),
  })
}

function fed(ruleset: NftRuleset, operations: readonly NftOperation[]): NftRuleset {
  const parsed = parseNft(transactionText('ip', operations), ruleset)
  if (!parsed.ok) throw new Error(`kube-proxy feeds what nft refuses: ${JSON.stringify(parsed.error)}`)
  return ruleset
}

/** The part of a sync that is each node's own. */
function ownAddresses(config: NftablesProxyConfig): NftOperation[] {
  const tx = new Transaction()
  setUp(tx, config)
  const own = tx.operations.filter(({ object: o }) => o.kind === 'element' && o.container === NODEPORT_IPS)
  return [{ verb: 'flush', object: { kind: 'set', name: NODEPORT_IPS, type: '' } }, ...own]
}

function sizeOf(ruleset: NftRuleset): number {
  let size = 0
  for (const { chains, sets } of ruleset.tables.values()) {
    for (const c of chains.values()) size += c.rules.length
    for (const s of sets.values()) size += s.elements.size
  }
  return size
}

/** Records of one chain or set share their origin. */
function remembered(origin: (part: NftPart) => Origin): (part: NftPart) => Origin {
  const known = new Map<string, Origin>()
  return (part) => {
    const key = `${part.chain ?? ''} ${part.set ?? ''}`
    const there = known.get(key) ?? origin(part)
    known.set(key, there)
    return there
  }
}

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
