import { ETH_P, IPPROTO, type Packet } from '../net/packet.ts'

/** The colour role of what a packet is for: its innermost protocol, or its payload when it carries some. */
export function colourOf(p: Packet): 'arp' | 'icmp' | 'pay' | 'tcp' | 'ip' | 'eth' {
  if (p.etherType === ETH_P.ARP) return 'arp'
  if (p.etherType !== 0 && p.etherType !== ETH_P.IP) return 'eth'
  if (p.protocol === IPPROTO.ICMP) return 'icmp'
  if (p.protocol === IPPROTO.TCP) return p.payload.length > 0 ? 'pay' : 'tcp'
  if (p.protocol === IPPROTO.UDP) return 'pay'
  return 'ip'
}
