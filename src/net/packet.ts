/**
 * A frame as the engine carries it: header fields as plain integers, so that a forwarding step is a few stores.
 * Its bytes, with every checksum, come from `emitPacket` (emit.ts) whenever somebody wants to see or capture them, and
 * `parsePacket` (parse.ts) is the way back. One flat class keeps every packet the same hidden shape for the JIT.
 *
 * Which fields are meaningful follows from `etherType`, `protocol` and `fragmentOffset` alone.
 */
export class Packet {
  // Ethernet. `etherType` is skb->protocol and always set; both addresses stay 0 until a neighbour gives the packet its
  // link-layer header. With etherType 0, emitPacket gives the bare IPv4 datagram.
  ethSrc = 0
  ethDst = 0
  etherType = 0
  // IPv4, RFC 791
  tos = 0
  ident = 0
  /** Bit 1 DF, bit 0 MF. */
  ipFlags = 0
  /** In bytes. When not 0 there is no layer 4 header: `payload` is the raw continuation. */
  fragmentOffset = 0
  ttl = 0
  protocol = 0
  src = 0
  dst = 0
  // TCP and UDP
  sport = 0
  dport = 0
  /** Only on the first fragment of a datagram: the checksum and the UDP length of the whole; -1 and 0 elsewhere (computed). */
  l4Checksum = -1
  udpLength = 0
  // TCP, RFC 9293
  seq = 0
  ack = 0
  /** FIN=1 SYN=2 RST=4 PSH=8 ACK=16 URG=32 ECE=64 CWR=128. */
  tcpFlags = 0
  window = 0
  // ICMPv4, RFC 792. `icmpRest` is the second header word: id << 16 | seq for echo, the next-hop MTU for type 3 code 4.
  icmpType = 0
  icmpCode = 0
  icmpRest = 0
  // ARP, RFC 826 (Ethernet and IPv4 only)
  arpOp = 0
  arpSha = 0
  arpSpa = 0
  arpTha = 0
  arpTpa = 0
  /** TCP options, already padded to a multiple of four. Shared, never written in place. */
  options: Uint8Array = EMPTY
  /** What follows the innermost header above. Shared between copies: replace it, never write into it. */
  payload: Uint8Array = EMPTY

  copyFrom(p: Packet): this {
    this.ethSrc = p.ethSrc
    this.ethDst = p.ethDst
    this.etherType = p.etherType
    this.tos = p.tos
    this.ident = p.ident
    this.ipFlags = p.ipFlags
    this.fragmentOffset = p.fragmentOffset
    this.ttl = p.ttl
    this.protocol = p.protocol
    this.src = p.src
    this.dst = p.dst
    this.sport = p.sport
    this.dport = p.dport
    this.l4Checksum = p.l4Checksum
    this.udpLength = p.udpLength
    this.seq = p.seq
    this.ack = p.ack
    this.tcpFlags = p.tcpFlags
    this.window = p.window
    this.icmpType = p.icmpType
    this.icmpCode = p.icmpCode
    this.icmpRest = p.icmpRest
    this.arpOp = p.arpOp
    this.arpSha = p.arpSha
    this.arpSpa = p.arpSpa
    this.arpTha = p.arpTha
    this.arpTpa = p.arpTpa
    this.options = p.options
    this.payload = p.payload
    return this
  }
}

export const EMPTY = new Uint8Array(0)

export const ETH_P = { IP: 0x0800, ARP: 0x0806, IPV6: 0x86dd } as const
export const IPPROTO = { ICMP: 1, IPIP: 4, TCP: 6, UDP: 17, GRE: 47, SCTP: 132 } as const
export const TCP = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32 } as const
export const ICMP = { ECHO_REPLY: 0, UNREACHABLE: 3, REDIRECT: 5, ECHO: 8, TIME_EXCEEDED: 11 } as const
export const ARP_OP = { REQUEST: 1, REPLY: 2 } as const
export const IP_DF = 2
export const IP_MF = 1

/**
 * Every field that a hop can rewrite, in the order their numbers are written into a trace. `meta.mark` is skb metadata, not
 * on the wire; `payload` marks a change inside the bytes (an ICMP error's quoted header), its old and new value are facts.
 */
export const PACKET_FIELDS = [
  'eth.src',
  'eth.dst',
  'ip.tos',
  'ip.id',
  'ip.flags',
  'ip.fragment',
  'ip.ttl',
  'ip.src',
  'ip.dst',
  'l4.sport',
  'l4.dport',
  'icmp.rest',
  'meta.mark',
  'payload',
] as const
export type PacketField = (typeof PACKET_FIELDS)[number]
/** The fields' numbers, for hot paths. */
export const FIELD = {
  ETH_SRC: 0,
  ETH_DST: 1,
  TOS: 2,
  IP_ID: 3,
  IP_FLAGS: 4,
  FRAGMENT: 5,
  TTL: 6,
  SRC: 7,
  DST: 8,
  SPORT: 9,
  DPORT: 10,
  ICMP_REST: 11,
  MARK: 12,
  PAYLOAD: 13,
} as const

/** IPv4 total length of the packet as it stands, in bytes. */
export function ipLength(p: Packet): number {
  let l4 = 0
  if (p.fragmentOffset === 0) {
    if (p.protocol === IPPROTO.TCP) l4 = 20 + p.options.length
    else if (p.protocol === IPPROTO.UDP || p.protocol === IPPROTO.ICMP) l4 = 8
  }
  return 20 + l4 + p.payload.length
}

/** skb->len as a network-layer hook sees it. */
export const skbLength = (p: Packet): number => (p.etherType === ETH_P.ARP ? 28 : ipLength(p))
