import { assertNever } from '../../base/assert-never.ts'
import { type Fields, isObject } from '../../base/fields.ts'
import { err, ok, type Result } from '../../base/result.ts'
import type { IpFamily } from '../../cluster/kube-proxy/ip.ts'
import { endpointChain, probability, servicePortHash } from '../../cluster/kube-proxy/iptables/names.ts'
import { endpointBaseName, serviceBaseName, serviceCIDRs } from '../../cluster/kube-proxy/nftables/names.ts'
import { compare, healthCheckNodePorts, servicePorts } from '../../cluster/kube-proxy/service-map.ts'
import { categorizeEndpoints } from '../../cluster/kube-proxy/topology.ts'
import type { Manifest } from '../../scenario/document.ts'

type Type = 'text' | 'number' | 'texts'
const TEXT_PORT = { namespace: 'text', name: 'text', port: 'text', protocol: 'text' } as const
/** What each kind of name vector needs. */
const ARGUMENTS: Readonly<Record<NameVector['kind'], Readonly<Record<string, Type>>>> = {
  'iptables-service-hash': { servicePortName: 'text', protocol: 'text' },
  'iptables-endpoint-chain': { servicePortName: 'text', protocol: 'text', endpoint: 'text' },
  'iptables-probability': { n: 'number' },
  'nftables-service-base-name': TEXT_PORT,
  'nftables-endpoint-base-name': { ...TEXT_PORT, endpoint: 'text' },
  'nftables-service-cidrs': { ipFamily: 'text', cidrs: 'texts' },
  'endpoint-order': { input: 'texts' },
}
const IS: Readonly<Record<Type, { readonly what: string; readonly test: (v: unknown) => boolean }>> = {
  text: { what: 'a string', test: (v) => typeof v === 'string' },
  number: { what: 'a number', test: (v) => typeof v === 'number' },
  texts: { what: 'a list of strings', test: (v) => Array.isArray(v) && v.every((t) => typeof t === 'string') },
}

/** A vector of anything but rulesets. Errors: what is missing in it, with its path. */
export function readNameVector(v: Fields): Result<NameVector | TopologyVector | ServiceMapVector, string> {
  // Each cast comes after its shape was looked at.
  if ('kind' in v) {
    const needed = Object.hasOwn(ARGUMENTS, String(v.kind)) ? ARGUMENTS[v.kind as NameVector['kind']] : undefined
    if (needed === undefined) return err(`kind: expected one of ${Object.keys(ARGUMENTS).join(', ')}`)
    for (const [key, type] of Object.entries(needed)) {
      if (!IS[type].test(v[key])) return err(`${key}: expected ${IS[type].what}`)
    }
    return ok(v as unknown as NameVector)
  }
  if ('nodeLabels' in v || 'endpoints' in v) {
    if (!isObject(v.nodeLabels)) return err('nodeLabels: expected labels')
    if (!isObject(v.service)) return err('service: expected {internalPolicyLocal, externalPolicyLocal, nodePort}')
    if (!Array.isArray(v.endpoints)) return err('endpoints: expected a list')
    const bad = v.endpoints.findIndex((e) => !isObject(e) || typeof e.endpoint !== 'string')
    return bad < 0 ? ok(v as unknown as TopologyVector) : err(`endpoints[${bad}].endpoint: expected a string such as 10.0.0.1:80`)
  }
  if (v.ipFamily !== 'IPv4' && v.ipFamily !== 'IPv6')
    return err('expected nodeConfig, kind, nodeLabels or ipFamily with what belongs to it')
  if (!Array.isArray(v.services)) return err('services: expected a list')
  const bad = v.services.findIndex((s) => !isObject(s) || !isObject(s.metadata) || typeof s.metadata.name !== 'string')
  return bad < 0 ? ok(v as unknown as ServiceMapVector) : err(`services[${bad}].metadata.name: expected a name`)
}

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
      return assertNever(v)
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
