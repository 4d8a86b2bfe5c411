import { assertNever } from '../../base/assert-never.ts'
import {
  type LocalDetector,
  type NodePortAddresses,
  nodePortAddresses,
  type ProxyConfig,
} from '../../cluster/kube-proxy/config.ts'
import { type EndpointsMap, endpointsMap } from '../../cluster/kube-proxy/endpoints-map.ts'
import { type IpFamily, parseCidrSloppy, parseIpSloppy } from '../../cluster/kube-proxy/ip.ts'
import { type ProxyServicePort, servicePorts } from '../../cluster/kube-proxy/service-map.ts'
import type { Manifest } from '../../scenario/document.ts'

// kube-proxy's own expectations as data ("vectors"): Services, EndpointSlices and one node's configuration, what kube-proxy
// writes for them, and where given packets end. The schema is that of ../shared/conformance/kube-proxy.

export interface Objects {
  readonly services: readonly Manifest[]
  readonly endpointSlices: readonly Manifest[]
}

export const PROTOCOLS = ['TCP', 'UDP', 'SCTP'] as const
/** --detect-local-mode, and `none` for a kube-proxy that cannot tell. */
export const LOCAL_DETECTORS = ['ClusterCIDR', 'NodeCIDR', 'BridgeInterface', 'InterfaceNamePrefix', 'none'] as const

export interface FlowSpec {
  readonly name: string
  readonly sourceIP: string
  readonly destIP: string
  readonly destPort: number
  readonly protocol: (typeof PROTOCOLS)[number]
}
/** Where a flow's first packet can end: targets and verdicts in the order they are found, '' when no rule acted. */
export interface FlowAnswer {
  readonly name: string
  readonly expect: string
  /** Some rule marked it for masquerading on the way. */
  readonly masq: boolean
}

export interface NodeConfig {
  readonly proxyMode: 'iptables' | 'nftables'
  readonly ipFamily: IpFamily
  readonly nodeName: string
  readonly nodeIP: string
  readonly tracerLocalIPs: readonly string[]
  readonly interfaces: readonly { readonly name: string; readonly addresses: readonly string[] }[]
  readonly nodeLabels: Readonly<Record<string, string>>
  readonly localDetector: {
    readonly kind: (typeof LOCAL_DETECTORS)[number]
    readonly cidr?: string | null
    readonly bridgeInterface?: string
    readonly interfaceNamePrefix?: string
  }
  readonly masqueradeAll: boolean
  readonly masqueradeBit: number
  readonly nodePortAddresses: readonly string[]
  // iptables
  readonly localhostNodePorts?: boolean
  readonly hasRandomFully?: boolean
  readonly conntrackTCPLiberal?: boolean
  readonly nfAcctCounters?: Readonly<Record<string, boolean>>
  readonly largeClusterEndpointsThreshold?: number
  // nftables
  readonly serviceCIDRs?: readonly string[]
}

export interface RulesetVector extends Objects {
  readonly id: string
  readonly nodeConfig: NodeConfig
  readonly orphanSlices?: readonly string[]
  readonly sync: { readonly kind: 'full' | 'partial'; readonly previous: Objects | null }
  readonly flows: readonly FlowSpec[]
  readonly inputIptables?: string | null
  readonly initialNftables?: string | null
  readonly expectedIptables?: string | null
  readonly expectedNftables?: string | null
  readonly expectedChains?: readonly { readonly table: string; readonly chain: string; readonly rules: string }[]
  readonly expectedLines?: readonly string[]
  readonly expectedCounts?: Readonly<Record<string, number>>
  readonly expectedNoLocalEndpoints?: { readonly internal: number; readonly external: number }
  readonly expectedDestinationRules?: readonly {
    readonly table: string
    readonly chain: string
    readonly destination: string
    readonly exists: boolean
  }[]
  readonly expectedElements?: readonly { readonly map: string; readonly key: readonly string[]; readonly exists: boolean }[]
  readonly staleChains?: readonly string[]
  readonly expectedOperations?: number | null
}

/** kube-proxy's settings, those that every mode has. */
export function configOf(n: NodeConfig): ProxyConfig {
  const zone = n.nodeLabels['topology.kubernetes.io/zone']
  const addresses: NodePortAddresses = nodePortAddresses(n.ipFamily, n.nodePortAddresses)
  return {
    family: n.ipFamily,
    nodeName: n.nodeName,
    nodeIP: parseIpSloppy(n.nodeIP),
    ...(zone === undefined ? {} : { zone }),
    interfaceAddresses: n.interfaces.flatMap((i) => i.addresses.flatMap((a) => parseIpSloppy(a.split('/')[0] ?? '') ?? [])),
    localDetector: detectorOf(n),
    masqueradeAll: n.masqueradeAll,
    masqueradeMark: 2 ** n.masqueradeBit,
    nodePortAddresses: addresses,
  }
}

/** A block of the other family tells nothing. */
function detectorOf({ localDetector, ipFamily }: NodeConfig): LocalDetector {
  switch (localDetector.kind) {
    case 'ClusterCIDR':
    case 'NodeCIDR': {
      const cidr = parseCidrSloppy(localDetector.cidr ?? '')
      return cidr?.base.family === ipFamily ? { kind: 'cidr', cidr } : { kind: 'none' }
    }
    case 'BridgeInterface':
      return { kind: 'bridge-interface', name: localDetector.bridgeInterface ?? '' }
    case 'InterfaceNamePrefix':
      return { kind: 'interface-name-prefix', prefix: localDetector.interfaceNamePrefix ?? '' }
    case 'none':
      return { kind: 'none' }
    default:
      return assertNever(localDetector.kind)
  }
}

/** What kube-proxy makes of the objects: ports in order, and their endpoints. */
export interface ProxyState {
  readonly ports: readonly ProxyServicePort[]
  readonly endpoints: EndpointsMap
}
export const stateOf = (o: Objects, config: ProxyConfig): ProxyState => ({
  ports: servicePorts(o.services, config.family),
  endpoints: endpointsMap(o.endpointSlices, config.family),
})

/** Services (`ns/name`) that differ between two states, or whose endpoints do: what a partial sync writes again. */
export function changedServices(before: ProxyState, after: ProxyState): ReadonlySet<string> {
  const index = ({ ports, endpoints }: ProxyState) => {
    const byService = new Map<string, string>()
    for (const p of ports) {
      const key = `${p.namespace}/${p.service}`
      byService.set(key, (byService.get(key) ?? '') + plain([p, endpoints(p)]))
    }
    return byService
  }
  const [a, b] = [index(before), index(after)]
  return new Set([...a.keys(), ...b.keys()].filter((k) => a.get(k) !== b.get(k)))
}

const plain = (value: unknown): string => JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? v.toString() : v))
