import { assertNever } from '../../base/assert-never.ts'
import { err, ok, type Result } from '../../base/result.ts'
import type { InputError, ScenarioDocument } from '../../scenario/document.ts'
import { inputError, listed } from '../errors.ts'
import type { Cluster, ClusterNode } from '../model.ts'
import { fillInAll } from '../peers.ts'
import { endpointsMap } from './endpoints-map.ts'
import { iptablesConfigOf, proxyObjects } from './index.ts'
import type { IpFamily } from './ip.ts'
import { restoreText } from './iptables/restore-text.ts'
import { syncIptables } from './iptables/sync.ts'
import { ipvsConfigOf } from './ipvs/node.ts'
import { syncIpvs } from './ipvs/proxier.ts'
import { ipvsText } from './ipvs/text.ts'
import { nftablesConfigOf } from './nftables/node.ts'
import { NftablesProxier } from './nftables/proxier.ts'
import { ipX } from './nftables/setup.ts'
import { transactionText } from './nftables/transaction.ts'
import { servicePorts } from './service-map.ts'
import { userspaceConfigOf } from './userspace/node.ts'
import { syncUserspace } from './userspace/proxier.ts'
import { userspaceText } from './userspace/text.ts'

export const PROXY_MODES = ['iptables', 'nftables', 'ipvs', 'userspace'] as const
export type ProxyMode = (typeof PROXY_MODES)[number]

export interface ProxyFeed {
  readonly node: string
  readonly mode: ProxyMode
  /** A dual-stack node's kube-proxy feeds each family by itself. */
  readonly family: IpFamily
}

/**
 * What kube-proxy on a node would feed in for a document's objects, in one full sync: to iptables-restore, to nft, or to
 * ipset, IPVS and iptables-restore.
 * Errors: those of the document, and a node that does not exist.
 */
export function kubeProxyText(doc: ScenarioDocument, what: ProxyFeed): Result<string, InputError[]> {
  const clusters = fillInAll(doc)
  if (!clusters.ok) return err(clusters.error)
  for (const cluster of clusters.value) {
    const self = cluster.nodes.find((n) => n.name === what.node)
    if (self !== undefined) return ok(feed(cluster, self, what))
  }
  const known = listed(clusters.value.flatMap((c) => c.nodes.map((n) => n.name)))
  return err([inputError('', `there is no node "${what.node}"; expected ${known}`)])
}

function feed(cluster: Cluster, self: ClusterNode, { mode, family }: ProxyFeed): string {
  const { services, slices } = proxyObjects(cluster)
  const ports = servicePorts(services, family)
  const endpoints = endpointsMap(slices, family)
  switch (mode) {
    case 'iptables': {
      const { filter, nat } = syncIptables(ports, endpoints, iptablesConfigOf(self, cluster, family))
      return restoreText([filter, nat])
    }
    case 'nftables': {
      const config = nftablesConfigOf(self, cluster, family)
      return transactionText(ipX(config), new NftablesProxier(config).sync(ports, endpoints).operations)
    }
    case 'ipvs': {
      return ipvsText(syncIpvs(ports, endpoints, ipvsConfigOf(self, cluster, family)))
    }
    case 'userspace':
      // It never learned of IPv6.
      return family === 'IPv4' ? userspaceText(syncUserspace(ports, userspaceConfigOf(self))) : ''
    default:
      return assertNever(mode)
  }
}
