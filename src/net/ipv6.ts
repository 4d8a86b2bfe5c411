import type { Brand } from '../base/brand.ts'
import { get8, get16, get32, set16, set32 } from '../base/bytes.ts'
import { ok, type Result } from '../base/result.ts'
import { protocolName } from './ipv4.ts'
import { type ParseError, parseError } from './parse-error.ts'

/** An IPv6 address as an unsigned 128-bit integer. `parseIpv6` (ipv6-text.ts) reads one from text. */
export type Ipv6 = Brand<bigint, 'Ipv6'>

/** RFC 8200, the fixed header. Extension headers are payload. */
export interface Ipv6Header {
  readonly trafficClass: number
  readonly flowLabel: number
  /** What follows this header, bytes. */
  readonly payloadLength: number
  readonly nextHeader: number
  readonly hopLimit: number
  readonly src: Ipv6
  readonly dst: Ipv6
}

export const IPV6 = { VERSION: 0, PAYLOAD_LENGTH: 4, NEXT_HEADER: 6, HOP_LIMIT: 7, SRC: 8, DST: 24, LENGTH: 40 } as const

/** Sixteen bytes at `at`, missing ones zero. */
export function readIpv6(bytes: Uint8Array, at: number): Ipv6 {
  let value = 0n
  for (let i = 0; i < 16; i += 4) value = (value << 32n) | BigInt(get32(bytes, at + i))
  return value as Ipv6
}

export function writeIpv6(address: Ipv6, out: Uint8Array, at: number): void {
  for (let i = 0; i < 4; i++) set32(out, at + 4 * i, Number((address >> BigInt(96 - 32 * i)) & 0xffffffffn))
}

/** Reads a fixed header at `at`. Errors: fewer than 40 bytes, another version. */
export function parseIpv6Header(bytes: Uint8Array, at = 0): Result<Ipv6Header, ParseError> {
  if (bytes.length - at < IPV6.LENGTH) return parseError('ipv6', bytes.length, '40 bytes of IPv6 header')
  const word = get32(bytes, at)
  if (word >>> 28 !== 6) return parseError('ipv6', at, 'IP version 6')
  return ok({
    trafficClass: (word >>> 20) & 255,
    flowLabel: word & 0xfffff,
    payloadLength: get16(bytes, at + IPV6.PAYLOAD_LENGTH),
    nextHeader: get8(bytes, at + IPV6.NEXT_HEADER),
    hopLimit: get8(bytes, at + IPV6.HOP_LIMIT),
    src: readIpv6(bytes, at + IPV6.SRC),
    dst: readIpv6(bytes, at + IPV6.DST),
  })
}

/** Writes 40 bytes at `at`. */
export function emitIpv6(h: Ipv6Header, out: Uint8Array, at = 0): void {
  set32(out, at, ((6 << 28) | (h.trafficClass << 20) | h.flowLabel) >>> 0)
  set16(out, at + IPV6.PAYLOAD_LENGTH, h.payloadLength)
  out[at + IPV6.NEXT_HEADER] = h.nextHeader
  out[at + IPV6.HOP_LIMIT] = h.hopLimit
  writeIpv6(h.src, out, at + IPV6.SRC)
  writeIpv6(h.dst, out, at + IPV6.DST)
}

/** RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups (the first of equals) as `::`. */
export function formatIpv6(address: Ipv6): string {
  const groups = Array.from({ length: 8 }, (_, i) => Number((address >> BigInt(112 - 16 * i)) & 0xffffn))
  let best = -1
  let bestLength = 1
  for (let i = 0; i < 8; i++) {
    let n = 0
    while (i + n < 8 && groups[i + n] === 0) n++
    if (n > bestLength) {
      best = i
      bestLength = n
    }
  }
  // Section 5: an IPv4-mapped address shows its IPv4 part in dotted quads.
  if (address >> 32n === 0xffffn) {
    const v4 = Number(address & 0xffffffffn)
    return `::ffff:${[v4 >>> 24, (v4 >>> 16) & 255, (v4 >>> 8) & 255, v4 & 255].join('.')}`
  }
  const hex = (part: readonly number[]) => part.map((g) => g.toString(16)).join(':')
  return best < 0 ? hex(groups) : `${hex(groups.slice(0, best))}::${hex(groups.slice(best + bestLength))}`
}

export const summarizeIpv6 = (h: Ipv6Header): string =>
  `IP6 ${formatIpv6(h.src)} > ${formatIpv6(h.dst)} ${protocolName(h.nextHeader)} len ${h.payloadLength}`
