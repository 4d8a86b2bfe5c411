import { cidrContains, type IpAddress, type IpCidr, type IpFamily, isLoopbackIp, parseCidrSloppy } from './ip.ts'
import type { TopologyNode } from './topology.ts'

/**
 * --detect-local-mode: how kube-proxy tells traffic of this node's pods from the rest (pkg/proxy/util/localdetector.go).
 * `none`: it cannot, and leaves the rules out that would need it.
 */
export type LocalDetector =
  | { readonly kind: 'none' }
  /** ClusterCIDR and NodeCIDR. */
  | { readonly kind: 'cidr'; readonly cidr: IpCidr }
  | { readonly kind: 'bridge-interface'; readonly name: string }
  | { readonly kind: 'interface-name-prefix'; readonly prefix: string }

/** What every mode needs to know of the node and of kube-proxy's flags. One family: a dual-stack node runs two. */
export interface ProxyConfig {
  readonly family: IpFamily
  readonly nodeName: string
  readonly nodeIP: IpAddress | undefined
  /** Zone label, for topology. */
  readonly zone?: string
  /** All addresses of the node's interfaces, both families. */
  readonly interfaceAddresses: readonly IpAddress[]
  readonly localDetector: LocalDetector
  readonly masqueradeAll: boolean
  /** 1 << --iptables-masquerade-bit. */
  readonly masqueradeMark: number
  readonly nodePortAddresses: NodePortAddresses
}

export const topologyNode = (c: ProxyConfig): TopologyNode => ({
  name: c.nodeName,
  ...(c.zone === undefined ? {} : { zone: c.zone }),
})

/** --nodeport-addresses, of one family (pkg/proxy/util/nodeport_addresses.go). */
export interface NodePortAddresses {
  /** Any local address. */
  readonly matchAll: boolean
  readonly containsIPv4Loopback: boolean
  /** Empty when `matchAll`. */
  readonly cidrs: readonly IpCidr[]
}

/** Without a block of the family, every address counts; so it does with a block of length 0. */
export function nodePortAddresses(family: IpFamily, cidrs: readonly string[]): NodePortAddresses {
  const own = cidrs.flatMap((t) => parseCidrSloppy(t) ?? []).filter((c) => c.base.family === family)
  const zero = own.findIndex((c) => c.length === 0)
  const read = zero < 0 ? own : own.slice(0, zero)
  const matchAll = own.length === 0 || zero >= 0
  const loopback = read.some((c) => c.base.family === 'IPv4' && (isLoopbackIp(c.base) || c.base.value >>> 24 === 127))
  return { matchAll, containsIPv4Loopback: loopback || (matchAll && family === 'IPv4'), cidrs: matchAll ? [] : own }
}

/** GetNodeIPs: this node's addresses inside the blocks, each once, block by block. */
export function nodePortIPs(config: ProxyConfig): IpAddress[] {
  const found = new Map<string, IpAddress>()
  for (const c of config.nodePortAddresses.cidrs) {
    for (const a of config.interfaceAddresses) if (cidrContains(c, a)) found.set(a.text, a)
  }
  return [...found.values()]
}
