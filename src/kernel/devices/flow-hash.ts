import { ETH_P, IP_MF, IPPROTO, type Packet } from '../../net/packet.ts'

/** net.ipv4.ip_local_port_range, which udp_flow_src_port() takes where the tunnel sets no range of its own. */
const LOW = 32768
const HIGH = 60999

/**
 * udp_flow_src_port(): the source port of a tunnel's datagram says which flow is inside, so that routers on the way spread flows
 * and keep each in order. A connected socket marks its packets (`hash`, not 0); for all others the flow's fields decide, the
 * same for both directions (__flow_hash_consistentify()). The kernel draws the marks and the key of its hash at random.
 */
export const flowSourcePort = (inner: Packet, hash: number): number =>
  LOW + Math.floor(((hash || flowHash(inner)) / 0x1_0000_0000) * (HIGH - LOW))

/** The fields that __skb_flow_dissect() reads for a hash: protocols, addresses, and ports where the datagram is whole. */
function flowHash(p: Packet): number {
  if (p.etherType !== ETH_P.IP) return mix(mix(p.etherType, low(p.ethSrc) ^ low(p.ethDst)), 0)
  const fragment = p.fragmentOffset !== 0 || (p.ipFlags & IP_MF) !== 0
  const ports = !fragment && (p.protocol === IPPROTO.TCP || p.protocol === IPPROTO.UDP)
  const [a, b] = p.src <= p.dst ? [p.src, p.dst] : [p.dst, p.src]
  const first = mix(mix(p.protocol, a), b)
  return ports ? mix(first, Math.min(p.sport, p.dport) * 0x10000 + Math.max(p.sport, p.dport)) : mix(first, 0)
}

const low = (mac: number): number => mac % 0x1_0000_0000

/** One round of MurmurHash3's mixing; unsigned 32 bits. */
function mix(hash: number, word: number): number {
  let h = Math.imul(hash ^ Math.imul(word, 0xcc9e2d51), 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
