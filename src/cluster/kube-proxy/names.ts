import { base32, sha256 } from './sha256.ts'

// The names of kube-proxy's chains (pkg/proxy/iptables/proxier.go: portProtoHash, servicePortEndpointChainName).

/** 16 characters of base32(SHA-256): what SVC, SVL, EXT and FW chains of one service port share. `protocol` in lower case. */
export const servicePortHash = (servicePortName: string, protocol: string): string =>
  base32(sha256(servicePortName + protocol), 16)

export const serviceChain = (servicePortName: string, protocol: string): string =>
  `KUBE-SVC-${servicePortHash(servicePortName, protocol)}`

/** internalTrafficPolicy and externalTrafficPolicy Local have their own chain of local endpoints. */
export const localServiceChain = (servicePortName: string, protocol: string): string =>
  `KUBE-SVL-${servicePortHash(servicePortName, protocol)}`

/** `endpoint` is `ip:port`. */
export const endpointChain = (servicePortName: string, protocol: string, endpoint: string): string =>
  `KUBE-SEP-${base32(sha256(servicePortName + protocol + endpoint), 16)}`

/** The chance of taking the first of `n` endpoints that are left, as kube-proxy writes it: `fmt.Sprintf("%0.10f", 1.0/n)`. */
export const probability = (n: number): string => (1 / n).toFixed(10)
