import { cidrContains, LOOPBACK_V4 } from '../ip.ts'
import type { NoEndpointVerdict, ServicePlan } from '../plan.ts'
import {
  ACCEPT,
  type Argument,
  comment,
  DROP,
  dport,
  dstType,
  fromCidr,
  fromIp,
  jump,
  nfacct,
  protocol,
  REJECT,
  srcType,
  toCidr,
  toIp,
} from '../rule.ts'
import type { ProxyServicePort } from '../service-map.ts'
import type { IptablesProxyConfig } from './config.ts'
import { ifLocal, MASQ, made, type TableDraft } from './draft.ts'
import { writeEndpointChains, writeServiceToEndpoints } from './endpoints.ts'
import type { ServiceChains } from './names.ts'

/** One sync as it writes itself. */
export interface Sync {
  readonly filter: TableDraft
  readonly nat: TableDraft
  readonly config: IptablesProxyConfig
  /** Rules of endpoints say which Service they are of. */
  readonly withComments: boolean
  /** An endpoint's KUBE-SEP chain. */
  readonly chainOf: (port: ProxyServicePort, endpoint: string) => string
}

interface Writing extends Sync {
  readonly plan: ServicePlan
  readonly chains: ServiceChains
  /** loadBalancerSourceRanges are in use. */
  readonly usesFirewall: boolean
}

const VERDICTS = {
  reject: { text: 'has no endpoints', target: REJECT },
  drop: { text: 'has no local endpoints', target: DROP },
} as const satisfies Record<NoEndpointVerdict, unknown>

/** The loop of syncProxyRules for one service port. Without `chains`, only what dispatches to its chains, as a partial sync has it. */
export function writeService(sync: Sync, plan: ServicePlan, chains: ServiceChains, withChains: boolean): void {
  const { port } = plan
  const usesFirewall = plan.hasEndpoints && port.loadBalancerVIPs.length > 0 && port.loadBalancerSourceRanges.length > 0
  const w: Writing = { ...sync, plan, chains, usesFirewall }
  captureClusterIP(w)
  captureExternalIPs(w)
  captureLoadBalancer(w)
  captureNodePort(w)
  acceptHealthCheck(w)
  if (!withChains) return
  writeInternal(w)
  if (plan.usesExternal) writeExternal(w)
  if (usesFirewall) writeFirewall(w)
  if (plan.cluster.length > 0) {
    sync.nat.chain(chains.cluster, made('cluster policy chain', port))
    writeServiceToEndpoints(sync, chains.cluster, port, plan.cluster)
  }
  if (plan.local.length > 0) {
    sync.nat.chain(chains.local, made('local policy chain', port))
    writeServiceToEndpoints(sync, chains.local, port, plan.local)
  }
  writeEndpointChains(sync, port, plan.reachable)
}

/** Chains of the nat table that a service port has use for. */
export function activeChains(plan: ServicePlan, chains: ServiceChains): string[] {
  const { port } = plan
  const firewall = plan.hasEndpoints && port.loadBalancerVIPs.length > 0 && port.loadBalancerSourceRanges.length > 0
  return [
    ...(plan.cluster.length > 0 ? [chains.cluster] : []),
    ...(plan.local.length > 0 ? [chains.local] : []),
    ...(plan.usesExternal ? [chains.external] : []),
    ...(firewall ? [chains.firewall] : []),
  ]
}

const internalChain = ({ plan, chains }: Writing): string => (plan.port.internalPolicyLocal ? chains.local : chains.cluster)

const toClusterIP = ({ port }: ServicePlan): readonly Argument[] => [
  protocol(port.protocol),
  toIp(port.clusterIP),
  dport(port.port),
]

function captureClusterIP(w: Writing): void {
  const { port, internalVerdict } = w.plan
  if (internalVerdict === undefined) {
    const args = [comment(`${port.name} cluster IP`), ...toClusterIP(w.plan)]
    w.nat.add('KUBE-SERVICES', made('cluster IP', port), ...args, jump(internalChain(w)))
    return
  }
  const { text, target } = VERDICTS[internalVerdict]
  const origin = made(`cluster IP ${text.replace('has', 'with')}`, port)
  w.filter.add('KUBE-SERVICES', origin, comment(`${port.name} ${text}`), ...toClusterIP(w.plan), target)
}

/** In filter, for what no rule of nat has sent to an endpoint. */
function refuseExternal(w: Writing, what: string, ...match: readonly Argument[]): void {
  const { port, externalVerdict } = w.plan
  if (externalVerdict === undefined) return
  const { text, target } = VERDICTS[externalVerdict]
  const origin = made(`${what} ${text.replace('has', 'with')}`, port)
  w.filter.add('KUBE-EXTERNAL-SERVICES', origin, comment(`${port.name} ${text}`), ...match, target)
}

function captureExternalIPs(w: Writing): void {
  const { port, hasEndpoints } = w.plan
  for (const ip of port.externalIPs) {
    const to = [protocol(port.protocol), toIp(ip), dport(port.port)]
    if (hasEndpoints) {
      w.nat.add('KUBE-SERVICES', made('external IP', port), comment(`${port.name} external IP`), ...to, jump(w.chains.external))
    }
    refuseExternal(w, 'external IP', ...to)
  }
}

function captureLoadBalancer(w: Writing): void {
  const { port, hasEndpoints } = w.plan
  const chain = w.usesFirewall ? w.chains.firewall : w.chains.external
  const vips = port.loadBalancerVIPs.map((ip) => [protocol(port.protocol), toIp(ip), dport(port.port)])
  for (const to of vips) {
    if (hasEndpoints) {
      w.nat.add('KUBE-SERVICES', made('load balancer IP', port), comment(`${port.name} loadbalancer IP`), ...to, jump(chain))
    }
    if (w.usesFirewall) {
      const text = `${port.name} traffic not accepted by ${w.chains.firewall}`
      w.filter.add('KUBE-PROXY-FIREWALL', made('outside loadBalancerSourceRanges', port), comment(text), ...to, DROP)
    }
  }
  for (const to of vips) refuseExternal(w, 'load balancer IP', ...to)
}

/** Node ports are not subject to loadBalancerSourceRanges. */
function captureNodePort(w: Writing): void {
  const { config } = w
  const { port, hasEndpoints } = w.plan
  if (port.nodePort === 0) return
  const counter = 'localhost_nps_accepted_pkts'
  const args = [comment(port.name), protocol(port.protocol)]
  if (hasEndpoints) {
    if (config.localhostNodePorts && config.family === 'IPv4' && config.nfacct.has(counter)) {
      w.nat.add(
        'KUBE-NODEPORTS',
        made('count node ports on localhost', port),
        ...args,
        toCidr(LOOPBACK_V4),
        dport(port.nodePort),
        nfacct(counter),
        jump(w.chains.external),
      )
    }
    w.nat.add('KUBE-NODEPORTS', made('node port', port), ...args, dport(port.nodePort), jump(w.chains.external))
  }
  refuseExternal(w, 'node port', dstType('LOCAL'), protocol(port.protocol), dport(port.nodePort))
}

/** Whether or not the node has an endpoint: the answer tells which. */
function acceptHealthCheck(w: Writing): void {
  const { port } = w.plan
  if (port.healthCheckNodePort === 0) return
  const text = comment(`${port.name} health check node port`)
  w.filter.add('KUBE-NODEPORTS', made('health check', port), text, protocol('tcp'), dport(port.healthCheckNodePort), ACCEPT)
}

/** Traffic to the cluster IP that no pod sent has to come back through this node. */
function writeInternal(w: Writing): void {
  const { plan, config } = w
  if (!plan.hasInternalEndpoints) return
  const args = [comment(`${plan.port.name} cluster IP`), ...toClusterIP(plan)]
  const notLocal = ifLocal(config.localDetector, true)
  if (config.masqueradeAll) w.nat.add(internalChain(w), made('masqueradeAll', plan.port), ...args, jump(MASQ))
  else if (notLocal !== undefined) {
    w.nat.add(internalChain(w), made('masquerade off-cluster traffic', plan.port), ...args, notLocal, jump(MASQ))
  }
}

/**
 * With Cluster policy everything is masqueraded, for the endpoint may be on another node. With Local policy the source address
 * stays, but for the node's own traffic; pods and the node are sent to any endpoint, as if they had gone out and come back.
 */
function writeExternal(w: Writing): void {
  const { nat, config } = w
  const { port, hasExternalEndpoints } = w.plan
  const { external, cluster, local } = w.chains
  const what = `${port.name} external destinations`
  nat.chain(external, made('external traffic chain', port))
  if (!port.externalPolicyLocal) {
    nat.add(external, made('masquerade external traffic', port), comment(`masquerade traffic for ${what}`), jump(MASQ))
  } else {
    const pods = ifLocal(config.localDetector)
    if (pods !== undefined) {
      nat.add(external, made('short-circuit pod traffic', port), comment(`pod traffic for ${what}`), pods, jump(cluster))
    }
    const own = srcType('LOCAL')
    nat.add(external, made('masquerade local traffic', port), comment(`masquerade LOCAL traffic for ${what}`), own, jump(MASQ))
    nat.add(external, made('short-circuit local traffic', port), comment(`route LOCAL traffic for ${what}`), own, jump(cluster))
  }
  if (hasExternalEndpoints) {
    nat.add(external, made('external traffic', port), jump(port.externalPolicyLocal ? local : cluster))
  }
}

/** What gets through here is DNATed; what does not meets the DROP in KUBE-PROXY-FIREWALL. */
function writeFirewall(w: Writing): void {
  const { nat, config, chains } = w
  const { port } = w.plan
  const text = comment(`${port.name} loadbalancer IP`)
  nat.chain(chains.firewall, made('loadBalancerSourceRanges', port))
  for (const range of port.loadBalancerSourceRanges) {
    nat.add(chains.firewall, made(`source range ${range.text}`, port), text, fromCidr(range), jump(chains.external))
  }
  // A load balancer's address is often a local one of the node as well: a request from the node then has it as its source.
  const { nodeIP } = config
  if (nodeIP !== undefined && port.loadBalancerSourceRanges.some((r) => cidrContains(r, nodeIP))) {
    for (const ip of port.loadBalancerVIPs) {
      nat.add(chains.firewall, made('the node itself', port), text, fromIp(ip), jump(chains.external))
    }
  }
  const rest = comment(`other traffic to ${port.name} will be dropped by KUBE-PROXY-FIREWALL`)
  nat.add(chains.firewall, made('everything else', port), rest)
}
