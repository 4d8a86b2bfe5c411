import { dnsBrief, dnsChip } from './dns-brief.ts'
import { httpLabel, httpStart } from './http.ts'
import { ICMP_UNREACH, icmpName } from './icmp.ts'
import { protocolName } from './ipv4.ts'
import { ARP_OP, ETH_P, ICMP, IPPROTO, type Packet, TCP } from './packet.ts'
import { tunnelled } from './vxlan.ts'

// What a packet is called where there is room for a few characters: on the diagram, which is drawn before anything is summarized.

export const isIp = (p: Packet): boolean => p.etherType === ETH_P.IP || p.etherType === 0
export const etherTypeText = (p: Packet): string => `0x${p.etherType.toString(16).padStart(4, '0')}`

/** A few characters for a chip: `ARP ?`, `ARP !`, `SYN`, `SYN ACK`, `GET /`, `200 OK`, `FIN`, `RST`, `echo ?`, `unreachable`, `78 B`. */
export function chipLabel(p: Packet): string {
  if (p.etherType === ETH_P.ARP) return p.arpOp === ARP_OP.REQUEST ? 'ARP ?' : p.arpOp === ARP_OP.REPLY ? 'ARP !' : 'ARP'
  if (p.etherType === ETH_P.IPV6) return 'IPv6'
  if (!isIp(p)) return etherTypeText(p)
  if (p.fragmentOffset > 0) return 'fragment'
  if (p.protocol === IPPROTO.TCP) return tcpChip(p)
  if (p.protocol === IPPROTO.UDP) return udpChip(p)
  return p.protocol === IPPROTO.ICMP ? icmpChip(p) : protocolName(p.protocol)
}

function udpChip(p: Packet): string {
  if (tunnelled(p) !== undefined) return 'VXLAN'
  const dns = dnsBrief(p)
  return dns ? dnsChip(dns) : 'UDP'
}

function tcpChip(p: Packet): string {
  const f = p.tcpFlags
  if (f & TCP.RST) return 'RST'
  if (f & TCP.SYN) return f & TCP.ACK ? 'SYN ACK' : 'SYN'
  if (p.payload.length > 0) {
    const http = httpStart(p.payload)
    return http ? httpLabel(http) : `${p.payload.length} B`
  }
  return f & TCP.FIN ? 'FIN' : f & TCP.ACK ? 'ACK' : 'TCP'
}

function icmpChip(p: Packet): string {
  if (p.icmpType === ICMP.ECHO) return 'echo ?'
  if (p.icmpType === ICMP.ECHO_REPLY) return 'echo !'
  if (p.icmpType === ICMP.UNREACHABLE) {
    if (p.icmpCode === ICMP_UNREACH.FRAG_NEEDED) return 'frag needed'
    return p.icmpCode === ICMP_UNREACH.NET_PROHIBITED ||
      p.icmpCode === ICMP_UNREACH.HOST_PROHIBITED ||
      p.icmpCode === ICMP_UNREACH.ADMIN_PROHIBITED
      ? 'prohibited'
      : 'unreachable'
  }
  if (p.icmpType === ICMP.TIME_EXCEEDED) return 'time exceeded'
  return icmpName(p.icmpType, p.icmpCode)
}
