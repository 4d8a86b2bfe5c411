import { nodePortIPs } from '../config.ts'
import type { EndpointsMap } from '../endpoints-map.ts'
import { isLoopbackIp, LOOPBACK_V4, parseCidrSloppy } from '../ip.ts'
import { noLocalEndpoints, planService } from '../plan.ts'
import {
  ACCEPT,
  comment,
  ctstate,
  DROP,
  dstType,
  fromCidr,
  type GeneratedTable,
  hasMark,
  jump,
  masquerade,
  nfacct,
  orMark,
  RETURN,
  rule,
  toCidr,
  toIp,
  wordlessRule,
  xorMark,
} from '../rule.ts'
import type { ProxyServicePort } from '../service-map.ts'
import type { IptablesProxyConfig } from './config.ts'
import { MASQ, made, TableDraft } from './draft.ts'
import { endpointChain, isServiceChain, serviceChains } from './names.ts'
import { activeChains, writeService } from './service.ts'

// kube-proxy's iptables mode (pkg/proxy/iptables/proxier.go: syncProxyRules).

const TOP_CHAINS = {
  filter: ['KUBE-SERVICES', 'KUBE-EXTERNAL-SERVICES', 'KUBE-FORWARD', 'KUBE-NODEPORTS', 'KUBE-PROXY-FIREWALL'],
  nat: ['KUBE-SERVICES', 'KUBE-NODEPORTS', 'KUBE-POSTROUTING', MASQ],
} as const

export interface SyncOptions {
  /** A partial sync: Services (`ns/name`) that changed, or whose endpoints did. Only their own chains are written again. */
  readonly changed?: ReadonlySet<string>
  /** Chains of the nat table as it is now; those of no Service any more are emptied and removed. */
  readonly existing?: Iterable<string>
  /**
   * In a large cluster stale chains, which nothing jumps to, are left until the sync period has passed since they were last
   * looked for.
   */
  readonly cleanupDue?: boolean
  /** The rules are for a world, and nobody reads their texts. */
  readonly wordless?: boolean
}

export interface IptablesSync {
  readonly filter: GeneratedTable
  readonly nat: GeneratedTable
  /** Chains of Services and endpoints in the nat table once this is loaded. */
  readonly active: ReadonlySet<string>
  readonly noLocalEndpoints: { readonly internal: number; readonly external: number }
}

/**
 * What one sync feeds to iptables-restore on this node: the filter and the nat table's KUBE chains. `ports` decide the order
 * of the rules; the real one is that of a Go map.
 */
export function syncIptables(
  ports: readonly ProxyServicePort[],
  endpoints: EndpointsMap,
  config: IptablesProxyConfig,
  options: SyncOptions = {},
): IptablesSync {
  const write = options.wordless === true ? wordlessRule : rule
  const filter = new TableDraft('filter', write)
  const nat = new TableDraft('nat', write)
  const large = ports.reduce((n, p) => n + endpoints(p).length, 0) > config.largeClusterEndpoints
  for (const name of TOP_CHAINS.filter) filter.chain(name, made('iptablesJumpChains'))
  for (const name of TOP_CHAINS.nat) nat.chain(name, made('iptablesJumpChains'))
  writeMasquerading(nat, config)
  guardLocalnet(filter, config)
  const active = new Set<string>()
  const chainOf = chainNames()
  const plans = ports.map((p) => planService(p, endpoints, config))
  for (const plan of plans) {
    const { port } = plan
    const written = options.changed?.has(`${port.namespace}/${port.service}`) ?? true
    const chains = serviceChains(port.name, port.protocol)
    writeService({ filter, nat, config, withComments: !large, chainOf }, plan, chains, written)
    for (const chain of activeChains(plan, chains)) active.add(chain)
    for (const e of plan.reachable) active.add(chainOf(port, e.text))
  }
  const clean = !large || (options.cleanupDue ?? false)
  const stale = clean ? [...(options.existing ?? [])].filter((c) => isServiceChain(c) && !active.has(c)) : []
  toNodePorts(nat, config)
  writeForward(filter, config)
  return { filter: filter.done(), nat: nat.done(stale), active, noLocalEndpoints: noLocalEndpoints(plans) }
}

/** Hashing is most of the work of a large sync: each name is made once. */
function chainNames(): (port: ProxyServicePort, endpoint: string) => string {
  const known = new WeakMap<ProxyServicePort, Map<string, string>>()
  return (port, endpoint) => {
    const own = known.get(port) ?? new Map<string, string>()
    known.set(port, own)
    const chain = own.get(endpoint) ?? endpointChain(port.name, port.protocol, endpoint)
    own.set(endpoint, chain)
    return chain
  }
}

function writeMasquerading(nat: TableDraft, config: IptablesProxyConfig): void {
  nat.add('KUBE-POSTROUTING', made('masquerade marked traffic'), hasMark(config.masqueradeMark, true), RETURN)
  // Cleared, so that a packet that passes the stack again (a tunnel's outer packet) is not masqueraded twice.
  nat.add('KUBE-POSTROUTING', made('clear the mark'), xorMark(config.masqueradeMark))
  nat.add(
    'KUBE-POSTROUTING',
    made('masquerade marked traffic'),
    comment('kubernetes service traffic requiring SNAT'),
    masquerade(config.randomFully),
  )
  nat.add(MASQ, made('mark for masquerade'), orMark(config.masqueradeMark))
}

/** route_localnet, which node ports on 127.0.0.1 need, would let neighbours reach the node's loopback addresses. */
function guardLocalnet(filter: TableDraft, config: IptablesProxyConfig): void {
  if (!config.localhostNodePorts || config.family !== 'IPv4') return
  filter.chain('KUBE-FIREWALL', made('iptablesJumpChains'))
  filter.add(
    'KUBE-FIREWALL',
    made('localnet protection'),
    comment('block incoming localnet connections'),
    toCidr(LOOPBACK_V4),
    fromCidr(LOOPBACK_V4, true),
    ctstate(['RELATED', 'ESTABLISHED', 'DNAT'], true),
    DROP,
  )
}

/** Last in KUBE-SERVICES. Node ports on localhost never work in IPv6, and in IPv4 only with route_localnet. */
function toNodePorts(nat: TableDraft, config: IptablesProxyConfig): void {
  const text = comment('kubernetes service nodeports; NOTE: this must be the last rule in this chain')
  if (config.nodePortAddresses.matchAll) {
    const loopback = config.family === 'IPv6' ? parseCidrSloppy('::1/128') : config.localhostNodePorts ? undefined : LOOPBACK_V4
    const notLoopback = loopback === undefined ? [] : [toCidr(loopback, true)]
    nat.add('KUBE-SERVICES', made('node ports'), text, dstType('LOCAL'), ...notLoopback, jump('KUBE-NODEPORTS'))
    return
  }
  const loopbackWorks = config.family === 'IPv4' && config.localhostNodePorts
  for (const ip of nodePortIPs(config)) {
    if (isLoopbackIp(ip) && !loopbackWorks) continue
    nat.add('KUBE-SERVICES', made('node ports'), text, toIp(ip), jump('KUBE-NODEPORTS'))
  }
}

function writeForward(filter: TableDraft, config: IptablesProxyConfig): void {
  const counter = 'ct_state_invalid_dropped_pkts'
  if (!config.conntrackTCPLiberal) {
    const counted = config.nfacct.has(counter) ? [nfacct(counter)] : []
    filter.add('KUBE-FORWARD', made('drop invalid'), ctstate(['INVALID']), ...counted, DROP)
  }
  filter.add(
    'KUBE-FORWARD',
    made('accept marked traffic'),
    comment('kubernetes forwarding rules'),
    hasMark(config.masqueradeMark),
    ACCEPT,
  )
  filter.add(
    'KUBE-FORWARD',
    made('accept replies'),
    comment('kubernetes forwarding conntrack rule'),
    ctstate(['RELATED', 'ESTABLISHED']),
    ACCEPT,
  )
}
