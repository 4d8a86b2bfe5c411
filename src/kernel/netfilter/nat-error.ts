import { ICMP, IPPROTO } from '../../net/packet.ts'
import type { TraceRecorder } from '../../trace/recorder.ts'
import { type ConntrackEntry, IPS_NAT_DONE_MASK, IPS_NAT_MASK } from '../conntrack/entry.ts'
import { headerLength } from '../conntrack/quoted.ts'
import { type FlowTuple, invertIcmpType } from '../conntrack/tuple.ts'
import type { Skb } from '../types.ts'
import { MANIP_DST, MANIP_SRC } from './nat-range.ts'
import { setDestination, setPayload, setSource } from './rewrite.ts'

export interface ErrorTranslation {
  readonly manip: number
  /** Of the error: 0 when it travels as the flow's original packets do. */
  readonly direction: number
  /** The flow is translated on this side at this hook. */
  readonly translates: boolean
  /** Called once, before the first rewrite. */
  readonly announce: () => void
}

/**
 * nf_nat_icmp_reply_translation(): an ICMP error about a translated flow gets the quoted packet's own addresses and ports
 * back, and outside looks like a reply. False: drop.
 */
export function translateError(rec: TraceRecorder, skb: Skb, entry: ConntrackEntry, how: ErrorTranslation): boolean {
  // Redirects about translated flows would set both ends talking past the NAT.
  if (skb.pkt.icmpType === ICMP.REDIRECT) {
    if ((entry.status & IPS_NAT_DONE_MASK) !== IPS_NAT_DONE_MASK || (entry.status & IPS_NAT_MASK) !== 0) return false
  }
  if (!how.translates) return true
  const other = entry.tuple(1 - how.direction)
  if (headerLength(skb.pkt.payload) < 0) return false
  how.announce()
  mangleQuoted(rec, skb, other, how.manip === MANIP_SRC ? MANIP_DST : MANIP_SRC)
  // The other direction's inverse, on this hook's side.
  if (how.manip === MANIP_SRC) setSource(rec, skb, other.dst)
  else setDestination(rec, skb, other.src)
  return true
}

const get16 = (b: Uint8Array, at: number): number => ((b[at] as number) << 8) | (b[at + 1] as number)
function put16(b: Uint8Array, at: number, value: number): void {
  b[at] = value >>> 8
  b[at + 1] = value & 255
}

/** RFC 1624: the checksum at `at` after one 16-bit word changed from `from` to `to`. */
function updateChecksum(b: Uint8Array, at: number, from: number, to: number): void {
  let sum = (~get16(b, at) & 0xffff) + (~from & 0xffff) + to
  sum = (sum & 0xffff) + (sum >>> 16)
  sum = (sum & 0xffff) + (sum >>> 16)
  put16(b, at, ~sum & 0xffff)
}

/** nf_nat_ipv4_manip_pkt() on the quoted packet: half of `tuple` into its header, with the checksums that are there to update. */
function mangleQuoted(rec: TraceRecorder, skb: Skb, tuple: FlowTuple, manip: number): void {
  const source = manip === MANIP_SRC
  const l4 = headerLength(skb.pkt.payload)
  const protocol = skb.pkt.payload[9]
  const sumAt = checksumOffset(skb.pkt.payload, l4)

  const address = source ? tuple.src : tuple.dst
  const at = source ? 12 : 16
  const before = ((get16(skb.pkt.payload, at) << 16) | get16(skb.pkt.payload, at + 2)) >>> 0
  if (before !== address) {
    const bytes = skb.pkt.payload.slice()
    for (let i = 0; i < 4; i += 2) {
      const from = get16(bytes, at + i)
      const to = (address >>> (16 - 8 * i)) & 0xffff
      put16(bytes, at + i, to)
      updateChecksum(bytes, 10, from, to)
      // The pseudo header, RFC 768 and RFC 9293; ICMP has none.
      if (sumAt >= 0 && protocol !== IPPROTO.ICMP) updateChecksum(bytes, sumAt, from, to)
    }
    setPayload(rec, skb, bytes, { from: before, to: address, what: source ? 'ip.src' : 'ip.dst' })
  }

  const field = quotedPortField(skb.pkt.payload, l4, source)
  if (field === undefined) return
  const port = protocol === IPPROTO.ICMP || source ? tuple.sport : tuple.dport
  const portBefore = get16(skb.pkt.payload, field.at)
  if (portBefore === port) return
  const bytes = skb.pkt.payload.slice()
  put16(bytes, field.at, port)
  if (sumAt >= 0) updateChecksum(bytes, sumAt, portBefore, port)
  setPayload(rec, skb, bytes, { from: portBefore, to: port, what: field.name })
}

function quotedPortField(b: Uint8Array, l4: number, source: boolean): { readonly at: number; readonly name: string } | undefined {
  const protocol = b[9]
  if (b.length < l4 + 8) return undefined
  if (protocol === IPPROTO.TCP || protocol === IPPROTO.UDP) {
    return source ? { at: l4, name: 'l4.sport' } : { at: l4 + 2, name: 'l4.dport' }
  }
  const query = protocol === IPPROTO.ICMP && invertIcmpType(b[l4] as number) >= 0
  return query ? { at: l4 + 4, name: 'icmp.id' } : undefined
}

/** Where the quoted layer 4 checksum is, -1 when it was cut off or is not used (UDP 0). */
function checksumOffset(b: Uint8Array, l4: number): number {
  const protocol = b[9]
  if (protocol === IPPROTO.TCP) return b.length >= l4 + 20 ? l4 + 16 : -1
  if (protocol === IPPROTO.UDP) return b.length >= l4 + 8 && get16(b, l4 + 6) !== 0 ? l4 + 6 : -1
  if (protocol === IPPROTO.ICMP) return b.length >= l4 + 8 ? l4 + 2 : -1
  return -1
}
