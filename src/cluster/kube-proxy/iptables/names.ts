import { base32, sha256 } from '../sha256.ts'

// The names of kube-proxy's chains (pkg/proxy/iptables/proxier.go: portProtoHash, servicePortEndpointChainName).

/** 16 characters of base32(SHA-256): what SVC, SVL, EXT and FW chains of one service port share. `protocol` in lower case. */
export const servicePortHash = (servicePortName: string, protocol: string): string =>
  base32(sha256(servicePortName + protocol), 16)

export interface ServiceChains {
  /** KUBE-SVC: all endpoints that the node may use. */
  readonly cluster: string
  /** KUBE-SVL: endpoints of this node, for internalTrafficPolicy and externalTrafficPolicy Local. */
  readonly local: string
  /** KUBE-EXT: whatever comes to a node port, an external IP or a load balancer's IP. */
  readonly external: string
  /** KUBE-FW: what loadBalancerSourceRanges let through to KUBE-EXT. */
  readonly firewall: string
}

export function serviceChains(servicePortName: string, protocol: string): ServiceChains {
  const hash = servicePortHash(servicePortName, protocol)
  return {
    cluster: `KUBE-SVC-${hash}`,
    local: `KUBE-SVL-${hash}`,
    external: `KUBE-EXT-${hash}`,
    firewall: `KUBE-FW-${hash}`,
  }
}

/** `endpoint` is `ip:port`. */
export const endpointChain = (servicePortName: string, protocol: string, endpoint: string): string =>
  `KUBE-SEP-${base32(sha256(servicePortName + protocol + endpoint), 16)}`

/** isServiceChainName: chains that a sync removes when no service port uses them any more. */
export const isServiceChain = (name: string): boolean => /^KUBE-(SVC|SVL|EXT|FW|SEP|XLB)-/.test(name)

/**
 * The chance of taking the first of `n` endpoints that are left, as kube-proxy writes it: `fmt.Sprintf("%0.10f", 1.0/n)`. Go rounds
 * what is halfway (1/2048) to the even digit, and toFixed upwards.
 */
export function probability(n: number): string {
  let known = chances[n]
  if (known === undefined) {
    known = chanceOf(n)
    chances[n] = known
  }
  return known
}

/** By n: with many Services, the same few are asked for again and again. */
const chances: string[] = []

function chanceOf(n: number): string {
  const exact = (1 / n).toFixed(60)
  const kept = exact.slice(0, exact.indexOf('.') + 11)
  return /^50*$/.test(exact.slice(kept.length)) && Number(kept.at(-1)) % 2 === 0 ? kept : (1 / n).toFixed(10)
}
