import { get8, get16, get32, set16, set32 } from '../base/bytes.ts'
import { ok, type Result } from '../base/result.ts'
import { formatIpv4, type Ipv4, ipv4 } from './address.ts'
import { checksum } from './checksum.ts'
import { type ParseError, parseError } from './parse-error.ts'

/** RFC 791. */
export interface Ipv4Header {
  /** In bytes, options included: 20 to 60. */
  readonly headerLength: number
  readonly tos: number
  /** Header and payload, bytes. */
  readonly totalLength: number
  readonly ident: number
  /** Bit 1 DF, bit 0 MF. */
  readonly flags: number
  /** In bytes. */
  readonly fragmentOffset: number
  readonly ttl: number
  readonly protocol: number
  /** As read; `emitIpv4` computes it. */
  readonly checksum: number
  readonly src: Ipv4
  readonly dst: Ipv4
}

export const IPV4 = {
  VERSION: 0,
  TOS: 1,
  TOTAL_LENGTH: 2,
  IDENT: 4,
  FRAGMENT: 6,
  TTL: 8,
  PROTOCOL: 9,
  CHECKSUM: 10,
  SRC: 12,
  DST: 16,
  LENGTH: 20,
} as const

/**
 * Reads a header at `at`. Errors: too short, another version, a header length outside [20, total length].
 * The total length may exceed what is there (a quoted or cut datagram): callers that need all of it compare.
 */
export function parseIpv4Header(bytes: Uint8Array, at = 0): Result<Ipv4Header, ParseError> {
  if (bytes.length - at < IPV4.LENGTH) return parseError('ipv4', bytes.length, '20 bytes of IPv4 header')
  const first = get8(bytes, at)
  if (first >>> 4 !== 4) return parseError('ipv4', at, 'IP version 4')
  const headerLength = (first & 15) * 4
  const totalLength = get16(bytes, at + IPV4.TOTAL_LENGTH)
  if (headerLength < IPV4.LENGTH || headerLength > bytes.length - at) {
    return parseError('ipv4', at, 'a header length of 20 to 60 bytes that is there')
  }
  if (totalLength < headerLength) return parseError('ipv4', at + IPV4.TOTAL_LENGTH, 'a total length not below the header length')
  const fragment = get16(bytes, at + IPV4.FRAGMENT)
  return ok({
    headerLength,
    tos: get8(bytes, at + IPV4.TOS),
    totalLength,
    ident: get16(bytes, at + IPV4.IDENT),
    flags: (fragment >>> 13) & 3,
    fragmentOffset: (fragment & 0x1fff) * 8,
    ttl: get8(bytes, at + IPV4.TTL),
    protocol: get8(bytes, at + IPV4.PROTOCOL),
    checksum: get16(bytes, at + IPV4.CHECKSUM),
    src: ipv4(get32(bytes, at + IPV4.SRC)),
    dst: ipv4(get32(bytes, at + IPV4.DST)),
  })
}

/** Writes 20 bytes at `at` with a valid checksum. Options, if `headerLength` is more, must stand behind them already. */
export function emitIpv4(h: Omit<Ipv4Header, 'checksum'>, out: Uint8Array, at = 0): void {
  out[at] = 0x40 | (h.headerLength >>> 2)
  out[at + IPV4.TOS] = h.tos
  set16(out, at + IPV4.TOTAL_LENGTH, h.totalLength)
  set16(out, at + IPV4.IDENT, h.ident)
  set16(out, at + IPV4.FRAGMENT, ((h.flags & 3) << 13) | (h.fragmentOffset >>> 3))
  out[at + IPV4.TTL] = h.ttl
  out[at + IPV4.PROTOCOL] = h.protocol
  set16(out, at + IPV4.CHECKSUM, 0)
  set32(out, at + IPV4.SRC, h.src)
  set32(out, at + IPV4.DST, h.dst)
  set16(out, at + IPV4.CHECKSUM, checksum(out, at, at + h.headerLength))
}

const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  1: 'ICMP',
  2: 'IGMP',
  4: 'IPIP',
  6: 'TCP',
  17: 'UDP',
  41: 'IPv6',
  47: 'GRE',
  50: 'ESP',
  51: 'AH',
  89: 'OSPF',
  112: 'VRRP',
  132: 'SCTP',
}
/** The IANA keyword of a protocol number, or its digits. */
export const protocolName = (protocol: number): string => PROTOCOL_NAMES[protocol] ?? String(protocol)

export function summarizeIpv4(h: Ipv4Header): string {
  const fragment = h.fragmentOffset > 0 || h.flags & 1 ? ` fragment offset ${h.fragmentOffset}` : ''
  const length = h.totalLength - h.headerLength

  return `IP ${formatIpv4(h.src)} > ${formatIpv4(h.dst)} ${protocolName(h.protocol)}${fragment} len ${length}`
}
