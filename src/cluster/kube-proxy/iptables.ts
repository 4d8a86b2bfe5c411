import { formatIpv4, type Ipv4Prefix, ipv4 } from '../../net/address.ts'
import type { HookName, TableName } from '../../world/netfilter.ts'
import type { Origin } from '../../world/records.ts'
import { endpointChain, localServiceChain, probability, serviceChain } from './names.ts'
import {
  ACCEPT,
  type Argument,
  comment,
  ctstate,
  DROP,
  destination,
  dnatTo,
  dport,
  dstType,
  fromHost,
  type GeneratedRule,
  type GeneratedTable,
  hasMark,
  jump,
  masquerade,
  nfacct,
  orMark,
  protocol,
  REJECT,
  RETURN,
  recentCheck,
  recentSet,
  rule,
  source,
  statisticRandom,
  toHost,
  xorMark,
} from './rule.ts'
import type { ProxyEndpoint, ProxyServicePort } from './service-map.ts'
import { categorizeEndpoints } from './topology.ts'

// kube-proxy's iptables mode (pkg/proxy/iptables/proxier.go: syncProxyRules), ClusterIP Services.

export interface IptablesProxyConfig {
  readonly nodeName: string
  readonly zone?: string
  /** --detect-local-mode=ClusterCIDR; undefined: no detector. */
  readonly clusterCIDR: Ipv4Prefix | undefined
  readonly masqueradeAll: boolean
  readonly masqueradeMark: number
  /** iptables knows --random-fully (1.6.2 and later). */
  readonly randomFully: boolean
  readonly conntrackTCPLiberal: boolean
  /** The nfacct counters that exist on this node. */
  readonly nfacct: ReadonlySet<string>
  readonly localhostNodePorts: boolean
  /** Above this many endpoints, rules for endpoints lose their comments. */
  readonly largeClusterEndpoints: number
}

export const DEFAULT_PROXY_CONFIG: Omit<IptablesProxyConfig, 'nodeName' | 'clusterCIDR'> = {
  masqueradeAll: false,
  masqueradeMark: 1 << 14,
  randomFully: true,
  conntrackTCPLiberal: false,
  nfacct: new Set(),
  localhostNodePorts: true,
  largeClusterEndpoints: 1000,
}

const MASQ = 'KUBE-MARK-MASQ'
const ACCEPTED_CHAINS: Readonly<Record<'filter' | 'nat', readonly string[]>> = {
  filter: ['KUBE-SERVICES', 'KUBE-EXTERNAL-SERVICES', 'KUBE-FORWARD', 'KUBE-NODEPORTS', 'KUBE-PROXY-FIREWALL'],
  nat: ['KUBE-SERVICES', 'KUBE-NODEPORTS', 'KUBE-POSTROUTING', MASQ],
}
const LOOPBACK: Ipv4Prefix = { address: ipv4(0x7f000000), length: 8 }

const made = (detail: string, port?: ProxyServicePort): Origin => ({
  component: 'kube-proxy',
  ...(port === undefined ? {} : { object: { kind: 'Service', namespace: port.namespace, name: port.service } }),
  detail,
})

/**
 * What one sync of kube-proxy feeds to iptables-restore on this node: the filter and the nat table's KUBE chains.
 * `ports` decide the order of the rules; the real one is that of a Go map.
 */
export function proxyTables(
  ports: readonly ProxyServicePort[],
  endpointsOf: (port: ProxyServicePort) => readonly ProxyEndpoint[],
  config: IptablesProxyConfig,
): { filter: GeneratedTable; nat: GeneratedTable } {
  const filter = new TableDraft('filter')
  const nat = new TableDraft('nat')
  const byPort = ports.map((p) => [p, endpointsOf(p)] as const)
  const total = byPort.reduce((n, [, e]) => n + e.length, 0)
  const withComments = total <= config.largeClusterEndpoints
  const firewall = config.localhostNodePorts ? ['KUBE-FIREWALL'] : []
  for (const name of [...ACCEPTED_CHAINS.filter, ...firewall]) filter.chain(name, made('iptablesJumpChains'))
  for (const name of ACCEPTED_CHAINS.nat) nat.chain(name, made('iptablesJumpChains'))

  if (config.localhostNodePorts) {
    filter.add(
      'KUBE-FIREWALL',
      made('localnet protection'),
      comment('block incoming localnet connections'),
      destination(LOOPBACK),
      source(LOOPBACK, true),
      ctstate(['RELATED', 'ESTABLISHED', 'DNAT'], true),
      DROP,
    )
  }
  for (const [port, endpoints] of byPort) writeServicePort({ filter, nat, config, withComments }, port, endpoints)
  writeStaticNat(nat, config)
  writeForward(filter, config)
  return { filter: filter.done(), nat: nat.done() }
}

interface Sync {
  readonly filter: TableDraft
  readonly nat: TableDraft
  readonly config: IptablesProxyConfig
  readonly withComments: boolean
}

function writeServicePort(sync: Sync, port: ProxyServicePort, all: readonly ProxyEndpoint[]): void {
  const { nat, filter, config } = sync
  const policy = { internalPolicyLocal: port.internalPolicyLocal, externalPolicyLocal: false, externallyAccessible: false }
  const local = all.map((e) => ({ ...e, isLocal: e.nodeName === config.nodeName }))
  const chosen = categorizeEndpoints(local, policy, config.zone)
  const usable = (port.internalPolicyLocal ? chosen.local : chosen.cluster) ?? []
  const toClusterIP = [protocol(port.protocol), toHost(port.clusterIP), dport(port.port)]

  if (usable.length === 0) {
    const verdict = chosen.any ? { text: 'has no local endpoints', target: DROP } : { text: 'has no endpoints', target: REJECT }
    filter.add(
      'KUBE-SERVICES',
      made(`cluster IP ${verdict.text.replace('has ', 'with ')}`, port),
      comment(`${port.name} ${verdict.text}`),
      ...toClusterIP,
      verdict.target,
    )
    return
  }
  const chain = port.internalPolicyLocal ? localServiceChain(port.name, port.protocol) : serviceChain(port.name, port.protocol)
  nat.chain(chain, made(port.internalPolicyLocal ? 'local policy chain' : 'cluster policy chain', port))
  nat.add('KUBE-SERVICES', made('cluster IP', port), comment(`${port.name} cluster IP`), ...toClusterIP, jump(chain))
  writeMasquerade(sync, chain, port, toClusterIP)
  writeEndpoints(sync, chain, port, usable)
}

/** Traffic to the cluster IP that no pod sent has to come back through this node. */
function writeMasquerade({ nat, config }: Sync, chain: string, port: ProxyServicePort, toClusterIP: readonly Argument[]): void {
  const args = [comment(`${port.name} cluster IP`), ...toClusterIP]
  if (config.masqueradeAll) nat.add(chain, made('masqueradeAll', port), ...args, jump(MASQ))
  else if (config.clusterCIDR !== undefined) {
    nat.add(chain, made('masquerade off-cluster traffic', port), ...args, source(config.clusterCIDR, true), jump(MASQ))
  }
}

/**
 * First a rule an endpoint for clients that were there lately (ClientIP affinity), then a rule an endpoint, each taking its
 * share of what the rules before it left; then each endpoint's own chain. In byte order of `ip:port`.
 */
function writeEndpoints(
  { nat, withComments }: Sync,
  chain: string,
  port: ProxyServicePort,
  usable: readonly ProxyEndpoint[],
): void {
  const { affinitySeconds } = port
  const endpoints = usable
    .map((e) => ({ ...e, text: `${formatIpv4(e.address)}:${e.port}` }))
    .sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
    .map((e) => ({ ...e, sep: endpointChain(port.name, port.protocol, e.text) }))
  const note = (text: string) => (withComments ? [comment(text)] : [])
  if (affinitySeconds !== undefined) {
    for (const { sep, text } of endpoints) {
      nat.add(
        chain,
        made(`affinity to ${text}`, port),
        ...note(`${port.name} -> ${text}`),
        recentCheck(sep, affinitySeconds),
        jump(sep),
      )
    }
  }
  endpoints.forEach(({ sep, text }, i) => {
    const left = endpoints.length - i
    const share = left > 1 ? [statisticRandom(probability(left))] : []
    nat.add(
      chain,
      made(`endpoint ${i + 1} of ${endpoints.length}`, port),
      ...note(`${port.name} -> ${text}`),
      ...share,
      jump(sep),
    )
  })
  for (const { sep, text, address, port: number } of endpoints) {
    const remember = affinitySeconds === undefined ? [] : [recentSet(sep)]
    nat.chain(sep, made(`endpoint ${text}`, port))
    nat.add(sep, made('hairpin: the endpoint reaches itself', port), ...note(port.name), fromHost(address), jump(MASQ))
    nat.add(
      sep,
      made(`endpoint ${text}`, port),
      ...note(port.name),
      ...remember,
      protocol(port.protocol),
      dnatTo(address, number),
    )
  }
}

function writeStaticNat(nat: TableDraft, config: IptablesProxyConfig): void {
  nat.add(
    'KUBE-SERVICES',
    made('node ports'),
    comment('kubernetes service nodeports; NOTE: this must be the last rule in this chain'),
    dstType('LOCAL'),
    jump('KUBE-NODEPORTS'),
  )
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

class TableDraft {
  readonly #table: TableName
  readonly #chains: { name: string; origin: Origin }[] = []
  readonly #rules: GeneratedRule[] = []
  constructor(table: TableName) {
    this.#table = table
  }
  chain(name: string, origin: Origin): void {
    this.#chains.push({ name, origin })
  }
  add(chain: string, origin: Origin, ...args: readonly Argument[]): void {
    this.#rules.push(rule(chain, origin, ...args))
  }
  done(): GeneratedTable {
    return { table: this.#table, chains: this.#chains, rules: this.#rules }
  }
}

/** A jump from a base chain into one of kube-proxy's, as it is when all are in place: each was prepended, so this is the order. */
export interface JumpRule {
  readonly table: TableName
  readonly chain: HookName
  readonly rule: GeneratedRule
}

/** iptablesJumpChains and iptablesKubeletJumpChains, in kube-proxy's own order; it prepends each, so the last comes first. */
const JUMPS: readonly (readonly [table: 'filter' | 'nat', to: string, from: HookName, text: string, newOnly: boolean])[] = [
  ['filter', 'KUBE-EXTERNAL-SERVICES', 'INPUT', 'kubernetes externally-visible service portals', true],
  ['filter', 'KUBE-EXTERNAL-SERVICES', 'FORWARD', 'kubernetes externally-visible service portals', true],
  ['filter', 'KUBE-NODEPORTS', 'INPUT', 'kubernetes health check service ports', false],
  ['filter', 'KUBE-SERVICES', 'FORWARD', 'kubernetes service portals', true],
  ['filter', 'KUBE-SERVICES', 'OUTPUT', 'kubernetes service portals', true],
  ['filter', 'KUBE-FORWARD', 'FORWARD', 'kubernetes forwarding rules', false],
  ['filter', 'KUBE-PROXY-FIREWALL', 'INPUT', 'kubernetes load balancer firewall', true],
  ['filter', 'KUBE-PROXY-FIREWALL', 'OUTPUT', 'kubernetes load balancer firewall', true],
  ['filter', 'KUBE-PROXY-FIREWALL', 'FORWARD', 'kubernetes load balancer firewall', true],
  ['nat', 'KUBE-SERVICES', 'OUTPUT', 'kubernetes service portals', false],
  ['nat', 'KUBE-SERVICES', 'PREROUTING', 'kubernetes service portals', false],
  ['nat', 'KUBE-POSTROUTING', 'POSTROUTING', 'kubernetes postrouting rules', false],
  ['filter', 'KUBE-FIREWALL', 'INPUT', '', false],
  ['filter', 'KUBE-FIREWALL', 'OUTPUT', '', false],
]

export function jumpRules(config: IptablesProxyConfig): JumpRule[] {
  return JUMPS.filter(([, to]) => to !== 'KUBE-FIREWALL' || config.localhostNodePorts)
    .map(([table, to, from, text, newOnly]): JumpRule => {
      const state = newOnly ? [ctstate(['NEW'])] : []
      const note = text === '' ? [] : [comment(text)]
      return { table, chain: from, rule: rule(from, made('iptablesJumpChains'), ...state, ...note, jump(to)) }
    })
    .reverse()
}
