import { IPPROTO, type Packet } from '../../net/packet.ts'
import { parseQuoted } from '../../net/quoted.ts'

/**
 * struct nf_conntrack_tuple: the five values that name a flow in one direction. For ICMP `sport` is the id and `dport` is
 * type << 8 | code; protocols without ports leave both 0.
 */
export class FlowTuple {
  src = 0
  dst = 0
  sport = 0
  dport = 0
  protocol = 0

  set(src: number, dst: number, sport: number, dport: number, protocol: number): void {
    this.src = src
    this.dst = dst
    this.sport = sport
    this.dport = dport
    this.protocol = protocol
  }

  copy(t: FlowTuple): void {
    this.set(t.src, t.dst, t.sport, t.dport, t.protocol)
  }

  equals(t: FlowTuple): boolean {
    return (
      this.src === t.src && this.dst === t.dst && this.sport === t.sport && this.dport === t.dport && this.protocol === t.protocol
    )
  }
}

/** icmp_invert_tuple(): the type that answers an ICMP query, -1 for a type that is no query. */
export function invertIcmpType(type: number): number {
  switch (type) {
    case 8: // ECHO
      return 0
    case 0:
      return 8
    case 13: // TIMESTAMP
      return 14
    case 14:
      return 13
    case 15: // INFO_REQUEST
      return 16
    case 16:
      return 15
    case 17: // ADDRESS
      return 18
    case 18:
      return 17
    default:
      return -1
  }
}

/** nf_ct_get_tuple(). `into` is overwritten; false when the packet has no whole layer 4 header (a later fragment). */
export function tupleOfPacket(p: Packet, into: FlowTuple): boolean {
  if (p.fragmentOffset !== 0) return false
  let sport = 0
  let dport = 0
  if (p.protocol === IPPROTO.TCP || p.protocol === IPPROTO.UDP) {
    sport = p.sport
    dport = p.dport
  } else if (p.protocol === IPPROTO.ICMP) {
    sport = p.icmpRest >>> 16
    dport = (p.icmpType << 8) | p.icmpCode
  }
  into.set(p.src, p.dst, sport, dport, p.protocol)
  return true
}

/** nf_ct_get_tuplepr(): of the packet that an ICMP error's payload quotes. False when it cannot be read or is a later fragment. */
export function tupleOfQuoted(payload: Uint8Array, into: FlowTuple): boolean {
  const parsed = parseQuoted(payload)
  if (!parsed.ok || parsed.value.header.fragmentOffset !== 0) return false
  const q = parsed.value
  if (q.protocol === IPPROTO.ICMP) into.set(q.src, q.dst, q.icmpRest >>> 16, (q.icmpType << 8) | q.icmpCode, q.protocol)
  else if (q.protocol === IPPROTO.TCP || q.protocol === IPPROTO.UDP) into.set(q.src, q.dst, q.sport, q.dport, q.protocol)
  else into.set(q.src, q.dst, 0, 0, q.protocol)
  return true
}

/** nf_ct_invert_tuple(): the reply's tuple; false for an ICMP message that has no reply. `into` may be `from`. */
export function invertTuple(from: FlowTuple, into: FlowTuple): boolean {
  if (from.protocol === IPPROTO.ICMP) {
    const type = invertIcmpType(from.dport >>> 8)
    if (type < 0) return false
    into.set(from.dst, from.src, from.sport, (type << 8) | (from.dport & 255), from.protocol)
  } else into.set(from.dst, from.src, from.dport, from.sport, from.protocol)
  return true
}

/** Spreads a tuple over buckets; not the kernel's siphash, whose key is random anyway. */
export function hashTuple(t: FlowTuple): number {
  let h = Math.imul(t.src ^ 0x9e3779b9, 0x85ebca6b)
  h = Math.imul((h >>> 15) ^ h ^ t.dst, 0xc2b2ae35)
  h = Math.imul((h >>> 13) ^ h ^ ((t.sport << 16) | t.dport), 0x27d4eb2f)
  h ^= t.protocol
  return (h ^ (h >>> 16)) >>> 0
}

/** hash_by_src(): key of the entries that share protocol, source address and source port. */
export const hashSource = (src: number, sport: number, protocol: number): number =>
  (Math.imul(src ^ (sport << 11), 0x85ebca6b) ^ Math.imul(sport + protocol * 65599, 0xc2b2ae35)) >>> 0
