import { nodePortIPs, type ProxyConfig } from '../config.ts'
import { isLoopbackIp } from '../ip.ts'
import type { Transaction } from './transaction.ts'

export interface NftablesProxyConfig extends ProxyConfig {
  /** The cluster's service CIDRs of this family, comma-separated; '' when they are not known. */
  readonly serviceCIDRs: string
}

export const MARK_MASQ = 'mark-for-masquerade'
export const REJECT_CHAIN = 'reject-chain'
export const CLUSTER_IPS = 'cluster-ips'
export const SERVICE_IPS = 'service-ips'
export const SERVICE_NODEPORTS = 'service-nodeports'
export const FIREWALL_IPS = 'firewall-ips'
export const NO_ENDPOINT_SERVICES = 'no-endpoint-services'
export const NO_ENDPOINT_NODEPORTS = 'no-endpoint-nodeports'
export const NODEPORT_IPS = 'nodeport-ips'

/** knftables' names: filter 0, dstnat -100, srcnat 100. What source ranges refuse has to be seen before DNAT. */
const BASE_CHAINS = [
  ['filter-prerouting-pre-dnat', 'filter', 'prerouting', -110],
  ['filter-output-pre-dnat', 'filter', 'output', -110],
  ['filter-input', 'filter', 'input', 0],
  ['filter-forward', 'filter', 'forward', 0],
  ['filter-output', 'filter', 'output', 0],
  ['nat-prerouting', 'nat', 'prerouting', -100],
  ['nat-output', 'nat', 'output', -100],
  ['nat-postrouting', 'nat', 'postrouting', 100],
] as const

/** nftablesJumpChains: `reject` is only valid at input, forward and output before Linux 5.9. */
const JUMPS = [
  ['nodeport-endpoints-check', 'filter-input', true],
  ['service-endpoints-check', 'filter-input', true],
  ['service-endpoints-check', 'filter-forward', true],
  ['service-endpoints-check', 'filter-output', true],
  ['firewall-check', 'filter-prerouting-pre-dnat', true],
  ['firewall-check', 'filter-output-pre-dnat', true],
  ['services', 'nat-output', false],
  ['services', 'nat-prerouting', false],
  ['masquerading', 'nat-postrouting', false],
  ['cluster-ips-check', 'filter-forward', true],
  ['cluster-ips-check', 'filter-output', true],
] as const

/** `ip` or `ip6`, as rules of the family begin. */
export const ipX = (c: ProxyConfig): 'ip' | 'ip6' => (c.family === 'IPv4' ? 'ip' : 'ip6')
export const addrType = (c: ProxyConfig): string => (c.family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr')

const TO_SERVICE = 'meta l4proto . th dport'

/** setupNFTables: everything that is no Service's own. `first`: this kube-proxy has not synced yet. */
export function setUp(tx: Transaction, config: NftablesProxyConfig, first = true): void {
  tx.add({ kind: 'table', comment: 'rules for kube-proxy' })
  // Properties of a base chain cannot be changed: chains of an earlier version are deleted first.
  for (const [name] of first ? BASE_CHAINS : []) {
    tx.add({ kind: 'chain', name })
    tx.delete({ kind: 'chain', name })
  }
  for (const [name, type, hook, priority] of BASE_CHAINS) {
    tx.add({ kind: 'chain', name, base: { type, hook, priority } })
    tx.flush({ kind: 'chain', name })
  }
  const made = new Set<string>()
  const ensure = (name: string) => {
    if (made.has(name)) return
    made.add(name)
    tx.add({ kind: 'chain', name })
    tx.flush({ kind: 'chain', name })
  }
  for (const [to, from, newOnly] of JUMPS) {
    ensure(to)
    tx.rule(from, `${newOnly ? 'ct state new ' : ''}jump ${to}`)
  }
  ensure(MARK_MASQ)
  masquerading(tx, config)
  clusterIPsCheck(tx, config)
  nodePortIPsSet(tx, config)
  endpointsCheck(tx, config)
  const byService = `${ipX(config)} daddr . ${TO_SERVICE}`
  const serviceMap = `${addrType(config)} . inet_proto . inet_service : verdict`
  tx.add({
    kind: 'map',
    name: FIREWALL_IPS,
    type: serviceMap,
    comment: 'destinations that are subject to LoadBalancerSourceRanges',
  })
  tx.rule('firewall-check', `${byService} vmap @${FIREWALL_IPS}`)
  tx.add({ kind: 'map', name: SERVICE_IPS, type: serviceMap, comment: 'ClusterIP, ExternalIP and LoadBalancer IP traffic' })
  tx.add({ kind: 'map', name: SERVICE_NODEPORTS, type: 'inet_proto . inet_service : verdict', comment: 'NodePort traffic' })
  tx.rule('services', `${byService} vmap @${SERVICE_IPS}`)
  const local = config.nodePortAddresses.matchAll ? `fib daddr type local ${notLocalhost(config)}` : atNodePortIPs(config)
  tx.rule('services', `${local} ${TO_SERVICE} vmap @${SERVICE_NODEPORTS}`)
}

function masquerading(tx: Transaction, config: ProxyConfig): void {
  const mark = `0x${config.masqueradeMark.toString(16)}`
  tx.rule(MARK_MASQ, `mark set mark or ${mark}`)
  tx.rule('masquerading', `mark and ${mark} == 0 return`)
  tx.rule('masquerading', `mark set mark xor ${mark}`)
  tx.rule('masquerading', 'masquerade fully-random')
}

/** What no Service has taken: ports that a cluster IP does not serve, and addresses that no Service has. */
function clusterIPsCheck(tx: Transaction, config: NftablesProxyConfig): void {
  tx.add({ kind: 'set', name: CLUSTER_IPS, type: addrType(config), comment: 'Active ClusterIPs' })
  const chain = 'cluster-ips-check'
  tx.rule(chain, `${ipX(config)} daddr @${CLUSTER_IPS} reject`, 'Reject traffic to invalid ports of ClusterIPs')
  if (config.serviceCIDRs === '') return
  tx.rule(chain, `${ipX(config)} daddr { ${config.serviceCIDRs} } drop`, 'Drop traffic to unallocated ClusterIPs')
}

const notLocalhost = (c: ProxyConfig): string => (c.family === 'IPv4' ? 'ip daddr != 127.0.0.0/8' : 'ip6 daddr != ::1')
const atNodePortIPs = (c: ProxyConfig): string => `${ipX(c)} daddr @${NODEPORT_IPS}`

function nodePortIPsSet(tx: Transaction, config: ProxyConfig): void {
  const set = { kind: 'set', name: NODEPORT_IPS, type: addrType(config), comment: 'IPs that accept NodePort traffic' } as const
  tx.add(set)
  if (config.nodePortAddresses.matchAll) {
    tx.delete(set)
    return
  }
  tx.flush(set)
  // Node ports on localhost do not work in this mode.
  for (const ip of nodePortIPs(config)) {
    if (!isLoopbackIp(ip)) tx.add({ kind: 'element', container: NODEPORT_IPS, key: [ip.text] })
  }
}

function endpointsCheck(tx: Transaction, config: ProxyConfig): void {
  const dropOrReject = 'vmap to drop or reject packets to'
  tx.add({
    kind: 'map',
    name: NO_ENDPOINT_SERVICES,
    type: `${addrType(config)} . inet_proto . inet_service : verdict`,
    comment: `${dropOrReject} services with no endpoints`,
  })
  tx.add({
    kind: 'map',
    name: NO_ENDPOINT_NODEPORTS,
    type: 'inet_proto . inet_service : verdict',
    comment: `${dropOrReject} service nodeports with no endpoints`,
  })
  const chain = {
    kind: 'chain',
    name: REJECT_CHAIN,
    comment: 'helper for @no-endpoint-services / @no-endpoint-nodeports',
  } as const
  tx.add(chain)
  tx.flush(chain)
  tx.rule(REJECT_CHAIN, 'reject')
  tx.rule('service-endpoints-check', `${ipX(config)} daddr . ${TO_SERVICE} vmap @${NO_ENDPOINT_SERVICES}`)
  const where = config.nodePortAddresses.matchAll ? notLocalhost(config) : atNodePortIPs(config)
  tx.rule('nodeport-endpoints-check', `${where} ${TO_SERVICE} vmap @${NO_ENDPOINT_NODEPORTS}`)
}
