import { get16, set16 } from '../base/bytes.ts'
import { ok, type Result } from '../base/result.ts'
import { addBytes, finish, pseudoHeaderSum } from './checksum.ts'
import { IPPROTO } from './packet.ts'
import { type ParseError, parseError } from './parse-error.ts'

/** RFC 768. */
export interface UdpHeader {
  readonly sport: number
  readonly dport: number
  /** Header and data, bytes. */
  readonly length: number
  /** As read, 0 when the sender made none; the emitter computes it. */
  readonly checksum: number
}

export const UDP = { SPORT: 0, DPORT: 2, LENGTH_FIELD: 4, CHECKSUM: 6, LENGTH: 8 } as const

/** Reads a header at `at`. Errors: fewer than 8 bytes, a length field below 8. */
export function parseUdp(bytes: Uint8Array, at = 0): Result<UdpHeader, ParseError> {
  if (bytes.length - at < UDP.LENGTH) return parseError('udp', bytes.length, '8 bytes of UDP header')
  const length = get16(bytes, at + UDP.LENGTH_FIELD)
  if (length < UDP.LENGTH) return parseError('udp', at + UDP.LENGTH_FIELD, 'a UDP length of at least 8')
  return ok({
    sport: get16(bytes, at + UDP.SPORT),
    dport: get16(bytes, at + UDP.DPORT),
    length,
    checksum: get16(bytes, at + UDP.CHECKSUM),
  })
}

/** Writes 8 bytes at `at`, with the checksum given. */
export function emitUdp(h: UdpHeader, out: Uint8Array, at = 0): void {
  set16(out, at + UDP.SPORT, h.sport)
  set16(out, at + UDP.DPORT, h.dport)
  set16(out, at + UDP.LENGTH_FIELD, h.length)
  set16(out, at + UDP.CHECKSUM, h.checksum)
}

/** Checksum of the datagram at [at, at + length), whose checksum field must be zero. A sum of zero goes out as all ones. */
export function udpChecksum(bytes: Uint8Array, at: number, length: number, src: number, dst: number): number {
  return finish(addBytes(pseudoHeaderSum(src, dst, IPPROTO.UDP, length), bytes, at, at + length)) || 0xffff
}

export const summarizeUdp = (h: UdpHeader): string => `UDP ${h.sport} > ${h.dport} len ${h.length - UDP.LENGTH}`
