import type { NftRecord } from '../linux/nft/records.ts'
import { clusterProxyTables } from './kube-proxy/index.ts'
import { clusterIpvs, ipvsNodeTables, ipvsSize } from './kube-proxy/ipvs/node.ts'
import type { IpvsSync } from './kube-proxy/ipvs/proxier.ts'
import { clusterNftables, nftablesNodeTables } from './kube-proxy/nftables/node.ts'
import type { GeneratedTable } from './kube-proxy/rule.ts'
import { clusterUserspace, userspaceNodeTables } from './kube-proxy/userspace/node.ts'
import type { UserspaceSync } from './kube-proxy/userspace/proxier.ts'
import type { Cluster, ClusterNode } from './model.ts'
import { nodeTables } from './node.ts'
import { ruleCount } from './realise.ts'

/** What kube-proxy, in the cluster's mode, makes of one node. */
export interface NodeRules {
  /** How much of it there is: rules, or whatever the mode has in their place. */
  readonly size: number
  readonly tables: () => GeneratedTable[]
  readonly ipvs?: IpvsSync
  readonly userspace?: UserspaceSync
  readonly nftables?: () => readonly NftRecord[]
}

export function nodeRules(cluster: Cluster): (self: ClusterNode) => NodeRules {
  if (cluster.config.kubeProxy.mode === 'ipvs') {
    const syncOf = clusterIpvs(cluster)
    return (self) => {
      const ipvs = syncOf(self)
      return { size: ipvsSize(ipvs), tables: () => ipvsNodeTables(self, cluster, ipvs), ipvs }
    }
  }
  if (cluster.config.kubeProxy.mode === 'userspace') {
    const syncOf = clusterUserspace(cluster)
    return (self) => {
      const userspace = syncOf(self)
      const size = ruleCount(userspace) + userspace.sockets.length
      return { size, tables: () => userspaceNodeTables(self, cluster, userspace), userspace }
    }
  }
  if (cluster.config.kubeProxy.mode === 'nftables') {
    const nftablesOf = clusterNftables(cluster)
    return (self) => {
      const { size, records } = nftablesOf(self)
      return { size, tables: () => nftablesNodeTables(self, cluster), nftables: records }
    }
  }
  const proxyTables = clusterProxyTables(cluster)
  return (self) => {
    const proxy = proxyTables(self)
    return { size: ruleCount(proxy), tables: () => nodeTables(self, cluster, proxy) }
  }
}
