import { get8, get16, get32, set16, set32 } from '../base/bytes.ts'
import { ok, type Result } from '../base/result.ts'
import { addBytes, finish, pseudoHeaderSum } from './checksum.ts'
import { IPPROTO, TCP } from './packet.ts'
import { type ParseError, parseError } from './parse-error.ts'

/** RFC 9293. */
export interface TcpHeader {
  readonly sport: number
  readonly dport: number
  readonly seq: number
  readonly ack: number
  /** Header and options, bytes: 20 to 60. */
  readonly headerLength: number
  /** CWR=128 ECE=64 URG=32 ACK=16 PSH=8 RST=4 SYN=2 FIN=1. */
  readonly flags: number
  readonly window: number
  /** As read; the emitter computes it. */
  readonly checksum: number
}

export const TCP_HEADER = {
  SPORT: 0,
  DPORT: 2,
  SEQ: 4,
  ACK: 8,
  OFFSET: 12,
  FLAGS: 13,
  WINDOW: 14,
  CHECKSUM: 16,
  URGENT: 18,
  LENGTH: 20,
} as const

/** Reads a header at `at`. Errors: fewer than 20 bytes, a data offset below 5 or beyond the bytes. */
export function parseTcp(bytes: Uint8Array, at = 0): Result<TcpHeader, ParseError> {
  if (bytes.length - at < TCP_HEADER.LENGTH) return parseError('tcp', bytes.length, '20 bytes of TCP header')
  const headerLength = (get8(bytes, at + TCP_HEADER.OFFSET) >>> 4) * 4
  if (headerLength < TCP_HEADER.LENGTH || headerLength > bytes.length - at) {
    return parseError('tcp', at + TCP_HEADER.OFFSET, 'a data offset of 20 to 60 bytes that are there')
  }
  return ok({
    sport: get16(bytes, at + TCP_HEADER.SPORT),
    dport: get16(bytes, at + TCP_HEADER.DPORT),
    seq: get32(bytes, at + TCP_HEADER.SEQ),
    ack: get32(bytes, at + TCP_HEADER.ACK),
    headerLength,
    flags: get8(bytes, at + TCP_HEADER.FLAGS),
    window: get16(bytes, at + TCP_HEADER.WINDOW),
    checksum: get16(bytes, at + TCP_HEADER.CHECKSUM),
  })
}

/** Writes 20 bytes at `at`, with the checksum given; urgent pointer and reserved bits are zero. */
export function emitTcp(h: TcpHeader, out: Uint8Array, at = 0): void {
  set16(out, at + TCP_HEADER.SPORT, h.sport)
  set16(out, at + TCP_HEADER.DPORT, h.dport)
  set32(out, at + TCP_HEADER.SEQ, h.seq)
  set32(out, at + TCP_HEADER.ACK, h.ack)
  out[at + TCP_HEADER.OFFSET] = (h.headerLength >>> 2) << 4
  out[at + TCP_HEADER.FLAGS] = h.flags
  set16(out, at + TCP_HEADER.WINDOW, h.window)
  set16(out, at + TCP_HEADER.CHECKSUM, h.checksum)
  set16(out, at + TCP_HEADER.URGENT, 0)
}

/** Checksum of the segment at [at, at + length), whose checksum field must be zero. */
export function tcpChecksum(bytes: Uint8Array, at: number, length: number, src: number, dst: number): number {
  return finish(addBytes(pseudoHeaderSum(src, dst, IPPROTO.TCP, length), bytes, at, at + length))
}

// In the order people say them: SYN ACK, FIN ACK, PSH ACK.
const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [TCP.SYN, 'SYN'],
  [TCP.FIN, 'FIN'],
  [TCP.RST, 'RST'],
  [TCP.PSH, 'PSH'],
  [TCP.ACK, 'ACK'],
  [TCP.URG, 'URG'],
  [64, 'ECE'],
  [128, 'CWR'],
]

/** `SYN ACK`; `none` for a segment without any flag. */
export const tcpFlagNames = (flags: number): string =>
  FLAG_NAMES.filter(([bit]) => flags & bit)
    .map(([, name]) => name)
    .join(' ') || 'none'

export const summarizeTcp = (h: TcpHeader): string => `TCP ${h.sport} > ${h.dport} ${tcpFlagNames(h.flags)}`
