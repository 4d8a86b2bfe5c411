import { get8, get16, get32, get48, set16, set32, set48 } from '../base/bytes.ts'
import { ok, type Result } from '../base/result.ts'
import { formatIpv4, formatMac, type Ipv4, ipv4, type Mac } from './address.ts'
import { ARP_OP, ETH_P } from './packet.ts'
import { type ParseError, parseError } from './parse-error.ts'

/** RFC 826 for Ethernet and IPv4. */
export interface ArpHeader {
  readonly op: number
  readonly sha: Mac
  readonly spa: Ipv4
  readonly tha: Mac
  readonly tpa: Ipv4
}

export const ARP = { HTYPE: 0, PTYPE: 2, HLEN: 4, PLEN: 5, OP: 6, SHA: 8, SPA: 14, THA: 18, TPA: 24, LENGTH: 28 } as const
/** ARPHRD_ETHER. */
export const ARP_HTYPE_ETHERNET = 1

/** Reads an ARP message at `at`. Errors: fewer than 28 bytes, or not Ethernet and IPv4. */
export function parseArp(bytes: Uint8Array, at = 0): Result<ArpHeader, ParseError> {
  if (bytes.length - at < ARP.LENGTH) return parseError('arp', bytes.length, '28 bytes of ARP message')
  const known =
    get16(bytes, at + ARP.HTYPE) === ARP_HTYPE_ETHERNET &&
    get16(bytes, at + ARP.PTYPE) === ETH_P.IP &&
    get8(bytes, at + ARP.HLEN) === 6 &&
    get8(bytes, at + ARP.PLEN) === 4
  if (!known) return parseError('arp', at, 'ARP for Ethernet and IPv4')
  return ok({
    op: get16(bytes, at + ARP.OP),
    sha: get48(bytes, at + ARP.SHA) as Mac,
    spa: ipv4(get32(bytes, at + ARP.SPA)),
    tha: get48(bytes, at + ARP.THA) as Mac,
    tpa: ipv4(get32(bytes, at + ARP.TPA)),
  })
}

/** Writes 28 bytes at `at`. */
export function emitArp(h: ArpHeader, out: Uint8Array, at = 0): void {
  set16(out, at + ARP.HTYPE, ARP_HTYPE_ETHERNET)
  set16(out, at + ARP.PTYPE, ETH_P.IP)
  out[at + ARP.HLEN] = 6
  out[at + ARP.PLEN] = 4
  set16(out, at + ARP.OP, h.op)
  set48(out, at + ARP.SHA, h.sha)
  set32(out, at + ARP.SPA, h.spa)
  set48(out, at + ARP.THA, h.tha)
  set32(out, at + ARP.TPA, h.tpa)
}

/** As tcpdump says it; an announcement (RFC 5227: sender and target address are one) is named as such. */
export function summarizeArp(h: ArpHeader): string {
  if (h.op === ARP_OP.REQUEST) {
    return h.spa === h.tpa
      ? `ARP announcement ${formatIpv4(h.spa)}`
      : `ARP who-has ${formatIpv4(h.tpa)} tell ${formatIpv4(h.spa)}`
  }
  if (h.op === ARP_OP.REPLY) return `ARP reply ${formatIpv4(h.spa)} is-at ${formatMac(h.sha)}`
  return `ARP op ${h.op} ${formatIpv4(h.spa)} > ${formatIpv4(h.tpa)}`
}
