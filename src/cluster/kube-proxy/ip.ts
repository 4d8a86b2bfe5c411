import { formatIpv4, type Ipv4, ipv4 } from '../../net/address.ts'
import { formatIpv6, type Ipv6 } from '../../net/ipv6.ts'
import { ipv6Value } from '../../net/ipv6-value.ts'

// Addresses of either family, as kube-proxy handles them: read leniently, written in Go's canonical form. The engine is IPv4;
// what is made of IPv6 addresses stays text.

export type IpFamily = 'IPv4' | 'IPv6'

export type IpAddress =
  | { readonly family: 'IPv4'; readonly value: Ipv4; readonly text: string }
  | { readonly family: 'IPv6'; readonly value: Ipv6; readonly text: string }

/** A block without host bits. `text` is `a.b.c.d/len`. */
export type IpCidr = { readonly base: IpAddress; readonly length: number; readonly text: string }

const v4 = (value: number): IpAddress => ({ family: 'IPv4', value: ipv4(value), text: formatIpv4(value) })
/** A parsed address, or one with bits masked off. */
const v6 = (value: bigint): IpAddress => ({ family: 'IPv6', value: value as Ipv6, text: formatIpv6(value as Ipv6) })

/**
 * ParseIPSloppy (k8s.io/utils/net): octets may have leading zeros, which count as decimal. Undefined: no address.
 * An IPv4-mapped IPv6 address is an IPv4 one, as in Go's net.IP.
 */
export function parseIpSloppy(text: string): IpAddress | undefined {
  if (text.includes(':')) {
    const value = ipv6Value(text)
    if (value === undefined) return undefined
    return value >> 32n === 0xffffn ? v4(Number(value & 0xffffffffn)) : v6(value)
  }
  const octets = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text)?.slice(1).map(Number)
  if (octets === undefined || octets.some((o) => o > 255)) return undefined
  return v4(octets.reduce((sum, o) => sum * 256 + o, 0))
}

/** ParseCIDRSloppy: host bits are dropped, as net.IPNet has none. */
export function parseCidrSloppy(text: string): IpCidr | undefined {
  const slash = text.lastIndexOf('/')
  const address = slash < 0 ? undefined : parseIpSloppy(text.slice(0, slash))
  const digits = text.slice(slash + 1)
  if (address === undefined || !/^\d+$/.test(digits)) return undefined
  const length = Number(digits)
  return length > bits(address.family) ? undefined : cidr(address, length)
}

const bits = (family: IpFamily): number => (family === 'IPv4' ? 32 : 128)

function cidr(address: IpAddress, length: number): IpCidr {
  const drop = BigInt(bits(address.family) - length)
  const network = (BigInt(address.value) >> drop) << drop
  const base = address.family === 'IPv4' ? v4(Number(network)) : v6(network)
  return { base, length, text: `${base.text}/${length}` }
}

/** A single address as a block; written without its length, as kube-proxy writes hosts. */
export const hostCidr = (a: IpAddress): IpCidr => ({ base: a, length: bits(a.family), text: a.text })

export function cidrContains(c: IpCidr, a: IpAddress): boolean {
  if (c.base.family !== a.family) return false
  const drop = BigInt(bits(a.family) - c.length)
  return BigInt(c.base.value) >> drop === BigInt(a.value) >> drop
}

export const isLoopbackIp = (a: IpAddress): boolean => (a.family === 'IPv4' ? a.value >>> 24 === 127 : a.value === 1n)

/** net.JoinHostPort: `10.0.0.1:80`, `[2001:db8::1]:80`. */
export const joinHostPort = (a: IpAddress, port: number): string =>
  a.family === 'IPv4' ? `${a.text}:${port}` : `[${a.text}]:${port}`

export const LOOPBACK_V4 = cidr(v4(0x7f000000), 8)
