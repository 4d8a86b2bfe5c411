import { get8, get16, get32, set16, set32 } from '../base/bytes.ts'
import { ok, type Result } from '../base/result.ts'
import { ICMP } from './packet.ts'
import { type ParseError, parseError } from './parse-error.ts'

/** RFC 792. */
export interface IcmpHeader {
  readonly type: number
  readonly code: number
  /** As read; the emitter computes it. */
  readonly checksum: number
  /** Second header word: id << 16 | seq for echo, the next-hop MTU for fragmentation needed, a gateway for redirect. */
  readonly rest: number
}

export const ICMP_HEADER = { TYPE: 0, CODE: 1, CHECKSUM: 2, REST: 4, LENGTH: 8 } as const

/** Reads a header at `at`. Errors: fewer than 8 bytes. */
export function parseIcmp(bytes: Uint8Array, at = 0): Result<IcmpHeader, ParseError> {
  if (bytes.length - at < ICMP_HEADER.LENGTH) return parseError('icmp', bytes.length, '8 bytes of ICMP header')
  return ok({
    type: get8(bytes, at + ICMP_HEADER.TYPE),
    code: get8(bytes, at + ICMP_HEADER.CODE),
    checksum: get16(bytes, at + ICMP_HEADER.CHECKSUM),
    rest: get32(bytes, at + ICMP_HEADER.REST),
  })
}

/** Writes 8 bytes at `at`, with the checksum given. */
export function emitIcmp(h: IcmpHeader, out: Uint8Array, at = 0): void {
  out[at + ICMP_HEADER.TYPE] = h.type
  out[at + ICMP_HEADER.CODE] = h.code
  set16(out, at + ICMP_HEADER.CHECKSUM, h.checksum)
  set32(out, at + ICMP_HEADER.REST, h.rest)
}

/** ICMP_PORT_UNREACH and its kin, include/uapi/linux/icmp.h. */
export const ICMP_UNREACH = {
  NET: 0,
  HOST: 1,
  PROTOCOL: 2,
  PORT: 3,
  FRAG_NEEDED: 4,
  NET_PROHIBITED: 9,
  HOST_PROHIBITED: 10,
  ADMIN_PROHIBITED: 13,
} as const

/** Whether the message quotes the datagram that caused it (icmp_pointers[].error in net/ipv4/icmp.c). */
export const isIcmpError = (type: number): boolean => type === 3 || type === 4 || type === 5 || type === 11 || type === 12

const UNREACHABLE: Readonly<Record<number, string>> = {
  0: 'net unreachable',
  1: 'host unreachable',
  2: 'protocol unreachable',
  3: 'port unreachable',
  4: 'fragmentation needed',
  5: 'source route failed',
  6: 'net unknown',
  7: 'host unknown',
  9: 'net prohibited',
  10: 'host prohibited',
  11: 'net unreachable for TOS',
  12: 'host unreachable for TOS',
  13: 'admin prohibited',
}
const NAMES: Readonly<Record<number, string>> = {
  0: 'echo reply',
  4: 'source quench',
  5: 'redirect',
  8: 'echo request',
  12: 'parameter problem',
  13: 'timestamp request',
  14: 'timestamp reply',
}

/** `echo request`, `host unreachable`, `time exceeded in-transit` …: what tcpdump calls it, without addresses. */
export function icmpName(type: number, code: number): string {
  if (type === ICMP.UNREACHABLE) return UNREACHABLE[code] ?? `unreachable code ${code}`
  if (type === ICMP.TIME_EXCEEDED) return code === 1 ? 'reassembly time exceeded' : 'time exceeded in-transit'
  return NAMES[type] ?? `type ${type} code ${code}`
}

/** `ICMP echo request id 1 seq 1`, `ICMP fragmentation needed mtu 1450`, `ICMP host unreachable`. */
export function summarizeIcmp(h: Pick<IcmpHeader, 'type' | 'code' | 'rest'>): string {
  const name = `ICMP ${icmpName(h.type, h.code)}`
  if (h.type === ICMP.ECHO || h.type === ICMP.ECHO_REPLY) return `${name} id ${h.rest >>> 16} seq ${h.rest & 0xffff}`
  if (h.type === ICMP.UNREACHABLE && h.code === ICMP_UNREACH.FRAG_NEEDED) return `${name} mtu ${h.rest & 0xffff}`
  return name
}
