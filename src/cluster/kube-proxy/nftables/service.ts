import { assertNever } from '../../../base/assert-never.ts'
import type { LocalDetector } from '../config.ts'
import type { ProxyEndpoint } from '../endpoints-map.ts'
import { cidrContains } from '../ip.ts'
import type { NoEndpointVerdict, ServicePlan } from '../plan.ts'
import type { ProxyServicePort } from '../service-map.ts'
import type { Elements } from './elements.ts'
import { type EndpointNames, endpointNames, serviceChains } from './names.ts'
import { addrType, ipX, MARK_MASQ, type NftablesProxyConfig, REJECT_CHAIN } from './setup.ts'
import type { Transaction } from './transaction.ts'

/** kube-proxy's sets and maps. */
export interface Storages {
  readonly clusterIPs: Elements
  readonly serviceIPs: Elements
  readonly firewallIPs: Elements
  readonly noEndpointServices: Elements
  readonly noEndpointNodePorts: Elements
  readonly serviceNodePorts: Elements
}

export interface Sync {
  readonly tx: Transaction
  readonly config: NftablesProxyConfig
  readonly storages: Storages
  readonly activeChains: Set<string>
  readonly activeAffinitySets: Set<string>
  /** Chains and sets that the first sync of this kube-proxy finds; later syncs know what they wrote. */
  readonly earlier: ReadonlySet<string>
}

const VERDICTS: Readonly<Record<NoEndpointVerdict, string>> = { reject: `goto ${REJECT_CHAIN}`, drop: 'drop' }

/**
 * The loop of syncProxyRules for one service port. With `unchanged` its chains are left as they are; elements are looked at all
 * the same, for those that nobody names go.
 */
export function writeService(sync: Sync, plan: ServicePlan, unchanged: boolean): void {
  const { port } = plan
  const chains = serviceChains(port)
  const ensure = (chain: string) => ensureChain(sync, chain, unchanged)
  for (const e of plan.reachable) {
    const names = endpointNames(port, e.text)
    ensureChain(sync, names.chain, unchanged || isWritten(sync, port, names))
    if (port.affinitySeconds !== undefined) sync.activeAffinitySets.add(names.affinity)
  }
  if (plan.cluster.length > 0) ensure(chains.cluster)
  if (plan.local.length > 0) ensure(chains.local)
  if (plan.usesExternal) ensure(chains.external)
  const usesFirewall = port.loadBalancerVIPs.length > 0 && port.loadBalancerSourceRanges.length > 0
  capture(sync, plan)
  if (usesFirewall) {
    ensure(chains.firewall)
    for (const ip of port.loadBalancerVIPs) {
      sync.storages.firewallIPs.ensure(sync.tx, [ip.text, port.protocol, `${port.port}`], `goto ${chains.firewall}`)
    }
  }
  captureNodePort(sync, plan)
  if (unchanged) return
  writeInternal(sync, plan)
  if (plan.usesExternal) writeExternal(sync, plan)
  if (usesFirewall) writeFirewall(sync, port)
  if (port.affinitySeconds !== undefined) writeAffinitySets(sync, port, port.affinitySeconds, plan.reachable)
  if (plan.cluster.length > 0) writeServiceToEndpoints(sync, port, chains.cluster, plan.cluster)
  if (plan.local.length > 0) writeServiceToEndpoints(sync, port, chains.local, plan.local)
  writeEndpoints(sync, port, plan.reachable)
}

/**
 * epChainSkipUpdate: an endpoint's chain that an earlier kube-proxy left is right, for its name tells its rules, all but the one for
 * affinity, which stands and falls with its set.
 */
const isWritten = ({ earlier }: Sync, port: ProxyServicePort, { chain, affinity }: EndpointNames): boolean =>
  earlier.has(chain) && (port.affinitySeconds !== undefined) === earlier.has(affinity)

/** Made and emptied once a transaction, unless it is only noted as still in use. */
function ensureChain({ tx, activeChains }: Sync, name: string, onlyNoted: boolean): void {
  if (activeChains.has(name)) return
  activeChains.add(name)
  if (onlyNoted) return
  tx.add({ kind: 'chain', name })
  tx.flush({ kind: 'chain', name })
}

/** Cluster IP, external IPs and load balancer IPs. */
function capture({ tx, storages }: Sync, plan: ServicePlan): void {
  const { port } = plan
  const chains = serviceChains(port)
  const key = (ip: { text: string }) => [ip.text, port.protocol, `${port.port}`]
  storages.clusterIPs.ensure(tx, [port.clusterIP.text])
  if (plan.internalVerdict === undefined) {
    const chain = port.internalPolicyLocal ? chains.local : chains.cluster
    storages.serviceIPs.ensure(tx, key(port.clusterIP), `goto ${chain}`)
  } else storages.noEndpointServices.ensure(tx, key(port.clusterIP), VERDICTS[plan.internalVerdict], port.name)
  const external = [...port.externalIPs, ...port.loadBalancerVIPs]
  for (const ip of external) {
    if (plan.hasEndpoints) storages.serviceIPs.ensure(tx, key(ip), `goto ${chains.external}`)
    if (plan.externalVerdict === undefined) continue
    storages.noEndpointServices.ensure(tx, key(ip), VERDICTS[plan.externalVerdict], port.name)
  }
}

/** Node ports are not subject to loadBalancerSourceRanges. */
function captureNodePort({ tx, storages }: Sync, plan: ServicePlan): void {
  const { port } = plan
  if (port.nodePort === 0) return
  const key = [port.protocol, `${port.nodePort}`]
  if (plan.hasEndpoints) storages.serviceNodePorts.ensure(tx, key, `goto ${serviceChains(port).external}`)
  if (plan.externalVerdict === undefined) return
  storages.noEndpointNodePorts.ensure(tx, key, VERDICTS[plan.externalVerdict], port.name)
}

/** IfLocalNFT and IfNotLocalNFT. Undefined: the detector cannot tell. */
function ifLocal(detector: LocalDetector, ip: string, invert: boolean): string | undefined {
  const not = invert ? '!= ' : ''
  switch (detector.kind) {
    case 'none':
      return undefined
    case 'cidr':
      return `${ip} saddr ${not}${detector.cidr.text}`
    case 'bridge-interface':
      return `iifname ${not}${detector.name}`
    case 'interface-name-prefix':
      return `iifname ${not}${detector.prefix}*`
    default:
      return assertNever(detector)
  }
}

function writeInternal({ tx, config }: Sync, plan: ServicePlan): void {
  const { port } = plan
  if (!plan.hasInternalEndpoints) return
  const chains = serviceChains(port)
  const chain = port.internalPolicyLocal ? chains.local : chains.cluster
  const to = `${ipX(config)} daddr ${port.clusterIP.text}`
  const notLocal = ifLocal(config.localDetector, ipX(config), true)
  if (config.masqueradeAll) tx.rule(chain, `${to} jump ${MARK_MASQ}`)
  // A cluster IP can be routed to any node from outside: the answer has to come back through this one.
  else if (notLocal !== undefined) tx.rule(chain, `${to} ${notLocal} jump ${MARK_MASQ}`)
}

function writeExternal({ tx, config }: Sync, plan: ServicePlan): void {
  const { port } = plan
  const { external, cluster, local } = serviceChains(port)
  if (!port.externalPolicyLocal) tx.rule(external, `jump ${MARK_MASQ}`)
  else {
    const pods = ifLocal(config.localDetector, ipX(config), false)
    if (pods !== undefined) tx.rule(external, `${pods} goto ${cluster}`, 'short-circuit pod traffic')
    tx.rule(external, `fib saddr type local jump ${MARK_MASQ}`, 'masquerade local traffic')
    tx.rule(external, `fib saddr type local goto ${cluster}`, 'short-circuit local traffic')
  }
  if (plan.hasExternalEndpoints) tx.rule(external, `goto ${port.externalPolicyLocal ? local : cluster}`)
}

function writeFirewall({ tx, config }: Sync, port: ProxyServicePort): void {
  const { nodeIP } = config
  const allowNode = nodeIP !== undefined && port.loadBalancerSourceRanges.some((r) => cidrContains(r, nodeIP))
  // The load balancer's address may be one of the node's own: what the node sends there then has it as its source.
  const sources = [...port.loadBalancerSourceRanges, ...(allowNode ? port.loadBalancerVIPs : [])].map((s) => s.text)
  tx.rule(serviceChains(port).firewall, `${ipX(config)} saddr != { ${sources.join(' , ')} } drop`)
}

function writeAffinitySets(
  { tx, config }: Sync,
  port: ProxyServicePort,
  timeout: number,
  endpoints: readonly ProxyEndpoint[],
): void {
  for (const e of endpoints) {
    const name = endpointNames(port, e.text).affinity
    tx.add({ kind: 'set', name, type: addrType(config), flags: ['dynamic', 'timeout'], timeout })
  }
}

/** First the endpoint that a client was sent to lately (ClientIP affinity), else one of all at random. */
function writeServiceToEndpoints(
  { tx, config }: Sync,
  port: ProxyServicePort,
  chain: string,
  endpoints: readonly ProxyEndpoint[],
): void {
  const names = endpoints.map((e) => endpointNames(port, e.text))
  if (port.affinitySeconds !== undefined) {
    for (const n of names) tx.rule(chain, `${ipX(config)} saddr @${n.affinity} goto ${n.chain}`)
  }
  const choices = names.map((n, i) => `${i} : goto ${n.chain}`)
  tx.rule(chain, `numgen random mod ${names.length} vmap { ${choices.join(' , ')} }`)
}

function writeEndpoints(sync: Sync, port: ProxyServicePort, endpoints: readonly ProxyEndpoint[]): void {
  const { tx } = sync
  const ip = ipX(sync.config)
  for (const e of endpoints) {
    const names = endpointNames(port, e.text)
    const { chain, affinity } = names
    if (isWritten(sync, port, names)) continue
    // The endpoint reaches itself: without masquerade its answer would not come back here.
    tx.rule(chain, `${ip} saddr ${e.address.text} jump ${MARK_MASQ}`)
    if (port.affinitySeconds !== undefined) tx.rule(chain, `update @${affinity} { ${ip} saddr }`)
    tx.rule(chain, `meta l4proto ${port.protocol} dnat to ${e.text}`)
  }
}
