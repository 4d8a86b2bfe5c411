import { nodePortIPs, type ProxyConfig, topologyNode } from '../config.ts'
import type { EndpointsMap, ProxyEndpoint } from '../endpoints-map.ts'
import { cidrContains, type IpAddress, isLoopbackIp, joinHostPort } from '../ip.ts'
import type { GeneratedTable, L4Protocol } from '../rule.ts'
import { externallyAccessible, type ProxyServicePort } from '../service-map.ts'
import { categorizeEndpoints } from '../topology.ts'
import { type BlockedEntry, ipvsTables } from './rules.ts'
import { ipPort, SET_NAMES, SETS, SetEntries, type SetType, setName, setOptions } from './sets.ts'

export interface IpvsProxyConfig extends ProxyConfig {
  /** --ipvs-scheduler: rr unless said. */
  readonly scheduler: string
  readonly randomFully: boolean
}

/** struct ip_vs_service as kube-proxy asks for it. */
export interface VirtualServer {
  readonly address: IpAddress
  readonly port: number
  readonly protocol: L4Protocol
  readonly scheduler: string
  /** `sh-port`'s neighbour for scheduler mh: the source port takes part in the hash. */
  readonly flags: readonly string[]
  /** Session affinity: how long a client keeps its real server, seconds. */
  readonly persistence?: number
  readonly destinations: readonly RealServer[]
  readonly servicePort: ProxyServicePort
}
/** Forwarding is always masq; the weight is 1. */
export interface RealServer {
  readonly address: IpAddress
  readonly port: number
  readonly weight: number
}

export interface Ipset {
  readonly name: string
  readonly type: SetType
  readonly comment: string
  readonly options: readonly string[]
  readonly entries: readonly string[]
}

/** What one sync leaves on the node. */
export interface IpvsSync {
  /** On the dummy device kube-ipvs0, each as a host address: what makes the node take packets to them as its own. */
  readonly addresses: readonly IpAddress[]
  readonly virtualServers: readonly VirtualServer[]
  readonly ipsets: readonly Ipset[]
  readonly nat: GeneratedTable
  readonly filter: GeneratedTable
}

/** One full sync of kube-proxy's IPVS mode (pkg/proxy/ipvs/proxier.go: syncProxyRules). */
export function syncIpvs(ports: readonly ProxyServicePort[], endpoints: EndpointsMap, config: IpvsProxyConfig): IpvsSync {
  const w = new IpvsWriter(config)
  for (const port of ports) w.service(port, endpoints(port))
  return w.done()
}

class IpvsWriter {
  readonly #config: IpvsProxyConfig
  readonly #sets = new SetEntries()
  readonly #bound = new Map<string, IpAddress>()
  readonly #servers = new Map<string, VirtualServer>()
  /** Load balancer addresses that the node itself may not reach: no source range holds the node's address. */
  readonly #blocked: BlockedEntry[] = []
  /** GetAllLocalAddressesExcept(kube-ipvs0). */
  readonly #nodeAddresses: readonly IpAddress[]
  readonly #nodePortAddresses: readonly IpAddress[]

  constructor(config: IpvsProxyConfig) {
    this.#config = config
    this.#nodeAddresses = config.interfaceAddresses.filter(
      (a) => a.family === config.family && !isLoopbackIp(a) && !isLinkLocal(a),
    )
    this.#nodePortAddresses = config.nodePortAddresses.matchAll
      ? this.#nodeAddresses
      : nodePortIPs(config).filter((a) => !isLoopbackIp(a))
  }

  service(port: ProxyServicePort, all: readonly ProxyEndpoint[]): void {
    const { protocol } = port
    for (const e of all) {
      if (e.nodeName !== this.#config.nodeName) continue
      this.#sets.add('KUBE-LOOP-BACK', `${ipPort(e.address, protocol, e.port)},${e.address.text}`)
    }
    const choose = this.#chooser(port, all)
    this.#sets.add('KUBE-CLUSTER-IP', ipPort(port.clusterIP, protocol, port.port))
    this.#serve(port, port.clusterIP, port.port, choose(port.internalPolicyLocal), true)
    for (const ip of port.externalIPs) {
      this.#sets.add(port.externalPolicyLocal ? 'KUBE-EXTERNAL-IP-LOCAL' : 'KUBE-EXTERNAL-IP', ipPort(ip, protocol, port.port))
      this.#serve(port, ip, port.port, choose(port.externalPolicyLocal), !this.#isNodeAddress(ip))
    }
    for (const ip of port.loadBalancerVIPs) {
      this.#loadBalancer(port, ip)
      this.#serve(port, ip, port.port, choose(port.externalPolicyLocal), !this.#isNodeAddress(ip))
    }
    if (port.nodePort !== 0 && this.#nodePortAddresses.length > 0) {
      this.#nodePort(port)
      for (const ip of this.#nodePortAddresses) this.#serve(port, ip, port.nodePort, choose(port.externalPolicyLocal), false)
    }
    if (port.healthCheckNodePort !== 0) this.#sets.add('KUBE-HEALTH-CHECK-NODE-PORT', `${port.healthCheckNodePort}`)
  }

  /**
   * syncEndpoint: with a Local policy and no local endpoint, those of the whole cluster, so that at least this node's pods
   * are served.
   */
  #chooser(port: ProxyServicePort, all: readonly ProxyEndpoint[]): (onlyLocal: boolean) => readonly ProxyEndpoint[] {
    const { internalPolicyLocal, externalPolicyLocal } = port
    const here = all.map((e) => ({ ...e, isLocal: e.nodeName === this.#config.nodeName }))
    const policy = { internalPolicyLocal, externalPolicyLocal, externallyAccessible: externallyAccessible(port) }
    const { cluster = [], local = [] } = categorizeEndpoints(here, policy, topologyNode(this.#config))
    return (onlyLocal) => (onlyLocal && local.length > 0 ? local : cluster)
  }

  #serve(port: ProxyServicePort, address: IpAddress, number: number, endpoints: readonly ProxyEndpoint[], bind: boolean): void {
    const { scheduler } = this.#config
    this.#servers.set(`${port.protocol}/${joinHostPort(address, number)}`, {
      address,
      port: number,
      protocol: port.protocol,
      scheduler,
      flags: scheduler === 'mh' ? ['mh-port'] : [],
      ...(port.affinitySeconds === undefined ? {} : { persistence: port.affinitySeconds }),
      destinations: endpoints.map((e) => ({ address: e.address, port: e.port, weight: 1 })),
      servicePort: port,
    })
    // An address that another interface has already must not be on kube-ipvs0 too.
    if (bind) this.#bound.set(address.text, address)
  }

  #loadBalancer(port: ProxyServicePort, ip: IpAddress): void {
    const entry = ipPort(ip, port.protocol, port.port)
    const { nodeIP } = this.#config
    this.#sets.add('KUBE-LOAD-BALANCER', entry)
    if (port.externalPolicyLocal) this.#sets.add('KUBE-LOAD-BALANCER-LOCAL', entry)
    if (port.loadBalancerSourceRanges.length === 0) return
    this.#sets.add('KUBE-LOAD-BALANCER-FW', entry)
    for (const range of port.loadBalancerSourceRanges) this.#sets.add('KUBE-LOAD-BALANCER-SOURCE-CIDR', `${entry},${range.text}`)
    if (nodeIP !== undefined && port.loadBalancerSourceRanges.some((r) => cidrContains(r, nodeIP))) {
      this.#sets.add('KUBE-LOAD-BALANCER-SOURCE-IP', `${entry},${ip.text}`)
    } else this.#blocked.push({ ip, protocol: port.protocol, port: port.port })
  }

  #nodePort({ protocol, nodePort, externalPolicyLocal }: ProxyServicePort): void {
    if (protocol === 'sctp') {
      for (const ip of this.#nodePortAddresses) {
        this.#sets.add('KUBE-NODE-PORT-SCTP-HASH', ipPort(ip, protocol, nodePort))
        if (externalPolicyLocal) this.#sets.add('KUBE-NODE-PORT-LOCAL-SCTP-HASH', ipPort(ip, protocol, nodePort))
      }
      return
    }
    this.#sets.add(protocol === 'tcp' ? 'KUBE-NODE-PORT-TCP' : 'KUBE-NODE-PORT-UDP', `${nodePort}`)
    if (!externalPolicyLocal) return
    this.#sets.add(protocol === 'tcp' ? 'KUBE-NODE-PORT-LOCAL-TCP' : 'KUBE-NODE-PORT-LOCAL-UDP', `${nodePort}`)
  }

  #isNodeAddress(ip: IpAddress): boolean {
    return this.#nodeAddresses.some((a) => a.text === ip.text)
  }

  done(): IpvsSync {
    const { family } = this.#config
    for (const a of this.#bound.values()) this.#sets.add('KUBE-IPVS-IPS', a.text)
    const ipsets = SET_NAMES.map((n): Ipset => {
      const { type, comment } = SETS[n]
      return { name: setName(n, family), type, comment, options: setOptions(type, family), entries: this.#sets.of(n) }
    })
    const tables = ipvsTables(this.#sets, this.#blocked, this.#config)
    return { addresses: [...this.#bound.values()], virtualServers: [...this.#servers.values()], ipsets, ...tables }
  }
}

/** fe80::/10. */
const isLinkLocal = (a: IpAddress): boolean => a.family === 'IPv6' && a.value >> 118n === 0x3fan
