import type { IpFamily } from '../../cluster/kube-proxy/ip.ts'
import { endpointChain, probability, servicePortHash } from '../../cluster/kube-proxy/iptables/names.ts'
import { endpointBaseName, serviceBaseName, serviceCIDRs } from '../../cluster/kube-proxy/nftables/names.ts'
import { compare, healthCheckNodePorts, servicePorts } from '../../cluster/kube-proxy/service-map.ts'
import { categorizeEndpoints } from '../../cluster/kube-proxy/topology.ts'
import type { Manifest } from '../../scenario/document.ts'

/** One function of kube-proxy, by `kind`, with its arguments. */
export type NameVector = { readonly id: string } & (
  | { readonly kind: 'iptables-service-hash'; readonly servicePortName: string; readonly protocol: string }
  | {
      readonly kind: 'iptables-endpoint-chain'
      readonly servicePortName: string
      readonly protocol: string
      readonly endpoint: string
    }
  | { readonly kind: 'iptables-probability'; readonly n: number }
  | {
      readonly kind: 'nftables-service-base-name' | 'nftables-endpoint-base-name'
      readonly namespace: string
      readonly name: string
      readonly port: string
      readonly protocol: string
      readonly endpoint?: string
    }
  | { readonly kind: 'nftables-service-cidrs'; readonly ipFamily: IpFamily; readonly cidrs: readonly string[] }
  | { readonly kind: 'endpoint-order'; readonly input: readonly string[] }
)

export function answerName(v: NameVector): object {
  return { id: v.id, kind: v.kind, expect: nameOf(v) }
}

function nameOf(v: NameVector): unknown {
  switch (v.kind) {
    case 'iptables-service-hash':
      return servicePortHash(v.servicePortName, v.protocol)
    case 'iptables-endpoint-chain':
      return endpointChain(v.servicePortName, v.protocol, v.endpoint)
    case 'iptables-probability':
      return probability(v.n)
    case 'nftables-service-base-name':
    case 'nftables-endpoint-base-name': {
      const port = { namespace: v.namespace, service: v.name, portName: v.port, protocol: v.protocol }
      return v.endpoint === undefined ? serviceBaseName(port) : endpointBaseName(port, v.endpoint)
    }
    case 'nftables-service-cidrs':
      return serviceCIDRs(v.cidrs, v.ipFamily)
    case 'endpoint-order':
      return v.input.toSorted(compare)
    default:
      return null
  }
}

/** CategorizeEndpoints. */
export interface TopologyVector {
  readonly id: string
  readonly nodeLabels: Readonly<Record<string, string>>
  readonly service: { readonly internalPolicyLocal: boolean; readonly externalPolicyLocal: boolean; readonly nodePort: number }
  readonly endpoints: readonly {
    readonly endpoint: string
    readonly zoneHints?: readonly string[] | null
    readonly nodeHints?: readonly string[] | null
    readonly ready: boolean
    readonly serving: boolean
    readonly terminating: boolean
    readonly isLocal: boolean
  }[]
  readonly nodeName?: string
}

export function answerTopology(v: TopologyVector): object {
  const endpoints = v.endpoints.map(({ zoneHints, nodeHints, ...e }) => ({
    ...e,
    ...(zoneHints ? { zoneHints } : {}),
    ...(nodeHints ? { nodeHints } : {}),
  }))
  const zone = v.nodeLabels['topology.kubernetes.io/zone']
  const name = v.nodeName ?? v.nodeLabels['kubernetes.io/hostname']
  const policy = { ...v.service, externallyAccessible: v.service.nodePort !== 0 }
  const node = { ...(zone === undefined ? {} : { zone }), ...(name === undefined ? {} : { name }) }
  const got = categorizeEndpoints(endpoints, policy, node)
  const names = (list: readonly { endpoint: string }[]) => list.map((e) => e.endpoint).sort(compare)
  return {
    id: v.id,
    expect: {
      clusterEndpoints: got.cluster === undefined ? null : names(got.cluster),
      localEndpoints: got.local === undefined ? null : names(got.local),
      allLocallyReachableEndpoints: names(got.reachable),
      hasAnyEndpoints: got.any,
    },
  }
}

/** Which Services become service ports. */
export interface ServiceMapVector {
  readonly id: string
  readonly ipFamily: IpFamily
  readonly services: readonly Manifest[]
}

export function answerServiceMap(v: ServiceMapVector): object {
  const ports = servicePorts(v.services, v.ipFamily)
  return { id: v.id, expect: { servicePortCount: ports.length, healthCheckNodePorts: healthCheckNodePorts(ports) } }
}
