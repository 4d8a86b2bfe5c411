import { get16, get32, set16, set32 } from '../base/bytes.ts'
import { ok, type Result } from '../base/result.ts'
import { updateChecksum16, updateChecksum32 } from './checksum.ts'
import { ICMP_HEADER, isIcmpError } from './icmp.ts'
import { IPV4, type Ipv4Header, parseIpv4Header } from './ipv4.ts'
import { IPPROTO, type Packet } from './packet.ts'
import { type ParseError, parseError } from './parse-error.ts'
import { TCP_HEADER } from './tcp.ts'
import { UDP } from './udp.ts'

// The datagram that an ICMP error quotes in its payload: RFC 792, RFC 1812 section 4.3.2.3.

/** What a quoted datagram says of the flow it belongs to. Ports are 0 where its protocol or fragment has none. */
export interface Quoted {
  readonly header: Ipv4Header
  readonly protocol: number
  readonly src: number
  readonly dst: number
  readonly sport: number
  readonly dport: number
  /** TCP only. */
  readonly seq: number
  /** ICMP only; `icmpRest` is id << 16 | seq for echo. */
  readonly icmpType: number
  readonly icmpCode: number
  readonly icmpRest: number
}

/** Reads the payload of an ICMP error. Errors: no IPv4 header, or fewer than the 8 bytes behind it that RFC 792 promises. */
export function parseQuoted(payload: Uint8Array): Result<Quoted, ParseError> {
  const parsed = parseIpv4Header(payload)
  if (!parsed.ok) return parsed
  const h = parsed.value
  const at = h.headerLength
  if (payload.length < at + 8) return parseError('icmp', payload.length, '8 bytes behind the quoted IPv4 header')
  const whole = h.fragmentOffset === 0
  const ports = whole && (h.protocol === IPPROTO.TCP || h.protocol === IPPROTO.UDP || h.protocol === IPPROTO.SCTP)
  const icmp = whole && h.protocol === IPPROTO.ICMP
  return ok({
    header: h,
    protocol: h.protocol,
    src: h.src,
    dst: h.dst,
    sport: ports ? get16(payload, at) : 0,
    dport: ports ? get16(payload, at + 2) : 0,
    seq: whole && h.protocol === IPPROTO.TCP ? get32(payload, at + TCP_HEADER.SEQ) : 0,
    icmpType: icmp ? (payload[at] ?? 0) : 0,
    icmpCode: icmp ? (payload[at + 1] ?? 0) : 0,
    icmpRest: icmp ? get32(payload, at + ICMP_HEADER.REST) : 0,
  })
}

/** New header fields of a quoted datagram; absent ones stay. `icmpId` is the echo identifier. */
export interface QuotedChange {
  readonly src?: number
  readonly dst?: number
  readonly sport?: number
  readonly dport?: number
  readonly icmpId?: number
  /** False: the quoted layer 4 checksum is left as it is. */
  readonly layer4Checksum?: boolean
}

/**
 * A copy of an ICMP error's payload with the quoted header rewritten, and its checksums with it, as nf_nat_manip_pkt() does for
 * nf_nat_icmp_reply_translation(). A layer 4 checksum that the quote cut off, or a UDP one of zero, stays as it is.
 * A payload that does not parse comes back unchanged.
 */
export function rewriteQuoted(payload: Uint8Array, change: QuotedChange): Uint8Array {
  const parsed = parseQuoted(payload)
  if (!parsed.ok) return payload
  const h = parsed.value.header
  const out = payload.slice()
  const at = h.headerLength
  const checkAt = h.fragmentOffset === 0 && change.layer4Checksum !== false ? layer4ChecksumAt(out, h) : -1
  const addresses = h.protocol !== IPPROTO.ICMP

  const address = (offset: number, to: number | undefined) => {
    if (to === undefined) return
    const from = get32(out, offset)
    set32(out, offset, to)
    set16(out, IPV4.CHECKSUM, updateChecksum32(get16(out, IPV4.CHECKSUM), from, to))
    if (checkAt >= 0 && addresses) setLayer4(out, checkAt, h.protocol, updateChecksum32(get16(out, checkAt), from, to))
  }
  const port = (offset: number, to: number | undefined) => {
    if (to === undefined || h.fragmentOffset !== 0) return
    const from = get16(out, at + offset)
    set16(out, at + offset, to)
    if (checkAt >= 0) setLayer4(out, checkAt, h.protocol, updateChecksum16(get16(out, checkAt), from, to))
  }
  address(IPV4.SRC, change.src)
  address(IPV4.DST, change.dst)
  if (h.protocol === IPPROTO.ICMP) port(ICMP_HEADER.REST, change.icmpId)
  else {
    port(0, change.sport)
    port(2, change.dport)
  }
  return out
}

/** Where the quoted layer 4 checksum is, -1 when there is none to keep right. */
function layer4ChecksumAt(bytes: Uint8Array, h: Ipv4Header): number {
  const at = h.headerLength
  if (h.protocol === IPPROTO.TCP) return bytes.length >= at + TCP_HEADER.LENGTH ? at + TCP_HEADER.CHECKSUM : -1
  if (h.protocol === IPPROTO.UDP) return get16(bytes, at + UDP.CHECKSUM) === 0 ? -1 : at + UDP.CHECKSUM
  return h.protocol === IPPROTO.ICMP ? at + ICMP_HEADER.CHECKSUM : -1
}

const setLayer4 = (out: Uint8Array, at: number, protocol: number, check: number) =>
  set16(out, at, protocol === IPPROTO.UDP ? check || 0xffff : check)

/** Whether this packet is an ICMP error that quotes a datagram. */
export const isQuoting = (p: Packet): boolean => p.protocol === IPPROTO.ICMP && p.fragmentOffset === 0 && isIcmpError(p.icmpType)
