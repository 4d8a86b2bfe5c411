import { ETH_P, IP_MF, IPPROTO, type Packet } from '../../net/packet.ts'

/** net.ipv4.ip_local_port_range, which udp_flow_src_port() takes where the tunnel sets no range of its own. */
const LOW = 32768
const HIGH = 60999

/**
 * udp_flow_src_port(): the source port of a tunnel's datagram says which flow is inside (`hash`, unsigned 32 bits), so that routers on
 * the way spread flows and keep each in order.
 */
export const flowSourcePort = (hash: number): number => LOW + Math.floor((hash / 0x1_0000_0000) * (HIGH - LOW))

/**
 * The fields that __skb_flow_dissect() reads for a hash, the same for both directions (__flow_hash_consistentify()): protocols,
 * addresses, and ports where the datagram is whole. Of anything but IP it knows the EtherType alone: all of ARP is one flow.
 * The kernel draws the key of its hash at random. Never 0.
 */
export function flowHash(p: Packet): number {
  if (p.etherType !== ETH_P.IP) return mix(p.etherType, 0) || 1
  const [a, b] = p.src <= p.dst ? [p.src, p.dst] : [p.dst, p.src]
  const first = mix(mix(p.protocol, a), b)
  return mix(first, hashesPorts(p) ? Math.min(p.sport, p.dport) * 0x10000 + Math.max(p.sport, p.dport) : 0) || 1
}

/** flow_keys_have_l4(): a hash with ports in it (skb->l4_hash) stays with the packet, whatever is wrapped around it or cut off. */
export const hashesPorts = (p: Packet): boolean =>
  p.etherType === ETH_P.IP &&
  p.fragmentOffset === 0 &&
  (p.ipFlags & IP_MF) === 0 &&
  (p.protocol === IPPROTO.TCP || p.protocol === IPPROTO.UDP)

/** One round of MurmurHash3's mixing; unsigned 32 bits. */
function mix(hash: number, word: number): number {
  let h = Math.imul(hash ^ Math.imul(word, 0xcc9e2d51), 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
