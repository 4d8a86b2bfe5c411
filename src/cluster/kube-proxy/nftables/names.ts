import { type IpFamily, parseCidrSloppy } from '../ip.ts'
import { base32, sha256 } from '../sha256.ts'

// The names of kube-proxy's chains and sets (pkg/proxy/nftables/proxier.go: servicePortChainNameBase and its neighbours).

/** NFT_NAME_MAXLEN less the longest prefix: the kernel takes names of up to 255 characters. */
const MAX_LENGTH = 240

/** Eight characters of base32(SHA-256), then the name, cut at 240 characters in all. */
function hashAndTruncate(name: string): string {
  const full = `${base32(sha256(name), 8)}-${name}`
  return full.length > MAX_LENGTH ? `${full.slice(0, MAX_LENGTH - 3)}...` : full
}

export interface ServicePortName {
  readonly namespace: string
  readonly service: string
  readonly portName: string
  /** In lower case. */
  readonly protocol: string
}

const plainName = (p: ServicePortName) => `${p.namespace}/${p.service}/${p.protocol}/${p.portName}`

/** `HASH-ns/name/protocol/port`. */
export const serviceBaseName = (p: ServicePortName): string => hashAndTruncate(plainName(p))

/** `HASH-ns/name/protocol/port__ip/port`; `endpoint` is `ip:port`, whose colons no chain name may have. */
export function endpointBaseName(p: ServicePortName, endpoint: string): string {
  const colon = endpoint.lastIndexOf(':')
  const ip = endpoint
    .slice(0, colon)
    .replace(/^\[|\]$/g, '')
    .replaceAll(':', '.')
  return hashAndTruncate(`${plainName(p)}__${ip}/${endpoint.slice(colon + 1)}`)
}

export interface ServiceChains {
  /** Cluster policy. */
  readonly cluster: string
  /** Local policy. */
  readonly local: string
  readonly external: string
  readonly firewall: string
}
export function serviceChains(p: ServicePortName): ServiceChains {
  const known = chainsOf.get(p)
  if (known !== undefined) return known
  const base = serviceBaseName(p)
  const chains = {
    cluster: `service-${base}`,
    local: `local-${base}`,
    external: `external-${base}`,
    firewall: `firewall-${base}`,
  }
  chainsOf.set(p, chains)
  return chains
}

export interface EndpointNames {
  readonly chain: string
  /** The set of clients that keep this endpoint (ClientIP affinity). */
  readonly affinity: string
}
export function endpointNames(p: ServicePortName, endpoint: string): EndpointNames {
  let known = endpointsOf.get(p)
  if (known === undefined) {
    known = new Map()
    endpointsOf.set(p, known)
  }
  let names = known.get(endpoint)
  if (names === undefined) {
    const base = endpointBaseName(p, endpoint)
    names = { chain: `endpoint-${base}`, affinity: `affinity-${base}` }
    known.set(endpoint, names)
  }
  return names
}

// A sync asks for each name several times, and a digest is what it costs.
const chainsOf = new WeakMap<ServicePortName, ServiceChains>()
const endpointsOf = new WeakMap<ServicePortName, Map<string, EndpointNames>>()

/** Names of Services and endpoints always hold a slash; kube-proxy's own chains never do. */
export const isServiceChain = (name: string): boolean => name.includes('/')
export const isAffinitySet = (name: string): boolean => name.startsWith('affinity-')

/** The service CIDRs of one family, as they stand in the rule that drops what is unallocated. */
export const serviceCIDRs = (cidrs: readonly string[], family: IpFamily): string =>
  cidrs.filter((c) => parseCidrSloppy(c)?.base.family === family).join(',')
