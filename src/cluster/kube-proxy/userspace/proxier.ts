import { hash32 } from '../../../base/prng.ts'
import type { IpAddress } from '../ip.ts'
import { made, TableDraft } from '../iptables/draft.ts'
import {
  ACCEPT,
  type Argument,
  comment,
  dnatToEndpoint,
  dport,
  dstType,
  type GeneratedRule,
  type GeneratedTable,
  jump,
  notFromBridgePort,
  protocol,
  redirectTo,
  rule,
  stateNew,
  toIp,
} from '../rule.ts'
import type { ProxyServicePort } from '../service-map.ts'

/** kube-proxy's own socket for one service port. */
export interface UserspaceSocket {
  readonly port: ProxyServicePort
  readonly number: number
  /** `proxyPort`: what the rules lead to. `nodePort`: held open so that nobody else takes it; the rules lead past it. */
  readonly what: 'proxyPort' | 'nodePort'
}

export interface UserspaceSync {
  readonly nat: GeneratedTable
  readonly filter: GeneratedTable
  /** Jumps into its chains: `first` are prepended (`iptables -I`), `last` appended. */
  readonly jumps: { readonly first: readonly TableRule[]; readonly last: readonly TableRule[] }
  readonly sockets: readonly UserspaceSocket[]
}
interface TableRule {
  readonly table: 'nat' | 'filter'
  readonly rule: GeneratedRule
}

export interface UserspaceConfig {
  readonly nodeName: string
  /** ChooseHostInterface(): where locally made traffic is sent, since REDIRECT would lead it to 127.0.0.1. */
  readonly hostIP: IpAddress
}

const CONTAINER = 'KUBE-PORTALS-CONTAINER'
const HOST = 'KUBE-PORTALS-HOST'
const NODEPORT_CONTAINER = 'KUBE-NODEPORT-CONTAINER'
const NODEPORT_HOST = 'KUBE-NODEPORT-HOST'
const NON_LOCAL = 'KUBE-NODEPORT-NON-LOCAL'

/**
 * What the userspace proxier of Kubernetes 1.0 to 1.25 keeps on a node: a socket for each service port, and rules that lead the
 * Service's traffic to it. Endpoints are not in the rules; the process picks them, connection by connection.
 * Source: pkg/proxy/userspace/proxier.go (iptablesInit, openPortal, openNodePort). A Go map has no order: here the names have.
 */
export function syncUserspace(ports: readonly ProxyServicePort[], config: UserspaceConfig): UserspaceSync {
  const nat = new TableDraft('nat')
  const filter = new TableDraft('filter')
  nat.chain(CONTAINER, made('iptablesContainerPortalChain'))
  nat.chain(HOST, made('iptablesHostPortalChain'))
  nat.chain(NODEPORT_CONTAINER, made('iptablesContainerNodePortChain'))
  nat.chain(NODEPORT_HOST, made('iptablesHostNodePortChain'))
  filter.chain(NON_LOCAL, made('iptablesNonLocalNodePortChain'))
  const proxied = ports.filter((p) => p.protocol !== 'sctp')
  const numbers = proxyPorts(proxied, config.nodeName)
  proxied.forEach((p, i) => {
    openService(p, { nat, filter, proxyPort: numbers[i] ?? 0, hostIP: config.hostIP })
  })
  return {
    nat: nat.done(),
    filter: filter.done(),
    jumps: JUMPS,
    sockets: proxied.flatMap((port, i): UserspaceSocket[] => [
      { port, number: numbers[i] ?? 0, what: 'proxyPort' },
      ...(port.nodePort === 0 ? [] : [{ port, number: port.nodePort, what: 'nodePort' } as const]),
    ]),
  }
}

const PORTALS = comment('handle ClusterIPs; NOTE: this must be before the NodePort rules')
const NODEPORTS = comment('handle service NodePorts; NOTE: this must be the last rule in the chain')
const LOCAL = dstType('LOCAL')

const JUMPS: UserspaceSync['jumps'] = {
  first: [
    { table: 'nat', rule: rule('PREROUTING', made('iptablesInit'), PORTALS, jump(CONTAINER)) },
    { table: 'nat', rule: rule('OUTPUT', made('iptablesInit'), PORTALS, jump(HOST)) },
    {
      table: 'filter',
      rule: rule('INPUT', made('iptablesInit'), comment('Ensure that non-local NodePort traffic can flow'), jump(NON_LOCAL)),
    },
  ],
  last: [
    { table: 'nat', rule: rule('PREROUTING', made('iptablesInit'), LOCAL, NODEPORTS, jump(NODEPORT_CONTAINER)) },
    { table: 'nat', rule: rule('OUTPUT', made('iptablesInit'), LOCAL, NODEPORTS, jump(NODEPORT_HOST)) },
  ],
}

interface Opening {
  readonly nat: TableDraft
  readonly filter: TableDraft
  readonly proxyPort: number
  readonly hostIP: IpAddress
}

/** openPortal(): cluster IP, external IPs, load balancer addresses; then the node port. */
function openService(p: ProxyServicePort, { nat, filter, proxyPort, hostIP }: Opening): void {
  const origin = (what: string) => made(what, p)
  const redirect = redirectTo(proxyPort)
  const dnat = dnatToEndpoint(hostIP, proxyPort)
  const portal = (ip: IpAddress, isExternal: boolean) => {
    const args = (...more: readonly Argument[]) => [comment(p.name), layer4(p, p.port), hostOf(ip), ...more]
    const fromContainers = origin('iptablesContainerPortalArgs')
    const fromHost = origin('iptablesHostPortalArgs')
    if (!isExternal) {
      nat.add(CONTAINER, fromContainers, ...args(redirect))
      nat.add(HOST, fromHost, ...args(dnat))
      return
    }
    // An external IP counts where it does not come in over a bridge port, and from anywhere when it is this machine's own.
    nat.add(CONTAINER, fromContainers, ...args(notFromBridgePort, redirect))
    nat.add(CONTAINER, fromContainers, ...args(LOCAL, redirect))
    nat.add(HOST, fromHost, ...args(LOCAL, dnat))
  }
  portal(p.clusterIP, false)
  for (const ip of p.externalIPs) portal(ip, true)
  for (const ip of p.loadBalancerVIPs) portal(ip, false)
  if (p.nodePort === 0) return
  const args = [comment(p.name), layer4(p, p.nodePort)]
  nat.add(NODEPORT_CONTAINER, origin('iptablesContainerPortalArgs'), ...args, redirect)
  nat.add(NODEPORT_HOST, origin('iptablesHostNodePortArgs'), ...args, dnat)
  filter.add(NON_LOCAL, origin('iptablesNonLocalNodePortArgs'), comment(p.name), layer4(p, proxyPort), stateNew, ACCEPT)
}

/** `-p tcp -m tcp --dport 80`, in this proxier's own order. */
const layer4 = (p: ProxyServicePort, port: number): Argument => ({
  text: `-p ${p.protocol} -m ${p.protocol} --dport ${port}`,
  apply: (draft) => {
    protocol(p.protocol).apply(draft)
    dport(port).apply(draft)
  },
})

/** utilproxy.ToCIDR() */
const hostOf = (ip: IpAddress): Argument => ({ ...toIp(ip), text: `-d ${ip.text}/${ip.family === 'IPv4' ? 32 : 128}` })

/** net.ipv4.ip_local_port_range */
const FIRST = 32768
const COUNT = 60999 - FIRST + 1

/** The kernel picks a free port for each socket (--proxy-port-range is empty); here the names do, so that a world can be built again. */
function proxyPorts(ports: readonly ProxyServicePort[], nodeName: string): number[] {
  const taken = new Set<string>()
  return ports.map((p) => {
    const start = hash32(`${nodeName}/${p.name}/${p.protocol}`) % COUNT
    for (let i = 0; i < COUNT; i++) {
      const number = FIRST + ((start + i) % COUNT)
      const key = `${p.protocol}/${number}`
      if (taken.has(key)) continue
      taken.add(key)
      return number
    }
    return 0
  })
}
