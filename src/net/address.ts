import type { Brand } from '../base/brand.ts'
import { err, ok, type Result } from '../base/result.ts'

/** An IPv4 address as an unsigned 32-bit integer, most significant octet first. */
export type Ipv4 = Brand<number, 'Ipv4'>
/** A MAC address as an unsigned 48-bit integer, most significant octet first. */
export type Mac = Brand<number, 'Mac'>

export interface AddressError {
  readonly kind: 'address'
  readonly text: string
  readonly expected: string
}

/** A CIDR block. `address` keeps its host bits: `10.0.0.1/24` is a valid interface address. */
export interface Ipv4Prefix {
  readonly address: Ipv4
  readonly length: number
}

export const IPV4_ANY = 0 as Ipv4
export const IPV4_BROADCAST = 0xffffffff as Ipv4
export const MAC_BROADCAST = 0xffffffffffff as Mac
export const MAC_ZERO = 0 as Mac

/** An integer that the caller has masked or masks here: the one way from arithmetic back into the brand. */
export const ipv4 = (n: number): Ipv4 => (n >>> 0) as Ipv4
/** A 48-bit integer from its high 16 and low 32 bits. */
export const macOf = (hi: number, lo: number): Mac => ((hi & 0xffff) * 0x1_0000_0000 + (lo >>> 0)) as Mac
export const macHi = (mac: number): number => (mac / 0x1_0000_0000) | 0
export const macLo = (mac: number): number => mac >>> 0

/** RFC 791 dotted quad: four decimal octets, no leading zeros, nothing around them. */
export function parseIpv4(text: string): Result<Ipv4, AddressError> {
  const bad = () => err<AddressError>({ kind: 'address', text, expected: 'an IPv4 address such as 10.0.0.1' })
  let value = 0
  let octet = -1
  let dots = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 46) {
      if (octet < 0) return bad()
      value = value * 256 + octet
      octet = -1
      dots++
    } else if (c >= 48 && c <= 57) {
      if (octet === 0) return bad()
      octet = (octet < 0 ? 0 : octet * 10) + c - 48
      if (octet > 255) return bad()
    } else return bad()
  }
  if (dots !== 3 || octet < 0) return bad()
  return ok((value * 256 + octet) as Ipv4)
}

export const formatIpv4 = (a: number): string => `${a >>> 24}.${(a >>> 16) & 255}.${(a >>> 8) & 255}.${a & 255}`

/** `a.b.c.d/len`, or a bare address as /32. */
export function parsePrefix(text: string): Result<Ipv4Prefix, AddressError> {
  const bad = () => err<AddressError>({ kind: 'address', text, expected: 'an IPv4 prefix such as 10.0.0.0/24' })
  const slash = text.indexOf('/')
  const address = parseIpv4(slash < 0 ? text : text.slice(0, slash))
  if (!address.ok) return bad()
  if (slash < 0) return ok({ address: address.value, length: 32 })
  const tail = text.slice(slash + 1)
  if (!/^(0|[1-9]\d?)$/.test(tail) || Number(tail) > 32) return bad()
  return ok({ address: address.value, length: Number(tail) })
}

export const formatPrefix = (p: Ipv4Prefix): string => `${formatIpv4(p.address)}/${p.length}`

/** Netmask of a prefix length, 0 to 32. */
export const maskOf = (length: number): Ipv4 => (length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0) as Ipv4
export const networkOf = (p: Ipv4Prefix): Ipv4 => ipv4(p.address & maskOf(p.length))
export const broadcastOf = (p: Ipv4Prefix): Ipv4 => ipv4(p.address | ~maskOf(p.length))
export const contains = (p: Ipv4Prefix, a: number): boolean => ((p.address ^ a) & maskOf(p.length)) === 0
/** 224.0.0.0/4, RFC 5771. */
export const isMulticast = (a: number): boolean => a >>> 28 === 14
/** 127.0.0.0/8, RFC 1122 section 3.2.1.3. */
export const isLoopback = (a: number): boolean => a >>> 24 === 127

/** Six colon-separated hex octets, as `ip link` prints them. */
export function parseMac(text: string): Result<Mac, AddressError> {
  if (!/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(text)) {
    return err({ kind: 'address', text, expected: 'a MAC address such as 0a:58:0a:f4:01:05' })
  }
  return ok(Number.parseInt(text.replaceAll(':', ''), 16) as Mac)
}

export const formatMac = (mac: number): string =>
  mac
    .toString(16)
    .padStart(12, '0')
    .replace(/(..)(?=.)/g, '$1:')

/** Broadcast counts as multicast: the group bit of the first octet, IEEE 802-2014 section 8.2.2. */
export const isGroupMac = (mac: number): boolean => (macHi(mac) & 0x0100) !== 0
