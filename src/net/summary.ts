import { formatIpv4, type Ipv4, type Mac } from './address.ts'
import { summarizeArp } from './arp.ts'
import { dnsBrief, dnsChip, summarizeDns } from './dns-brief.ts'
import { httpLabel, httpStart } from './http.ts'
import { ICMP_UNREACH, icmpName, summarizeIcmp } from './icmp.ts'
import { protocolName } from './ipv4.ts'
import { ARP_OP, ETH_P, ICMP, IP_MF, IPPROTO, type Packet, TCP } from './packet.ts'
import { parsePacket } from './parse.ts'
import { isQuoting, parseQuoted } from './quoted.ts'
import { tcpFlagNames } from './tcp.ts'
import { summarizeVxlan, tunnelled, VXLAN } from './vxlan.ts'

// What people call a packet. Protocol notation, not prose: the same in every language.

const isIp = (p: Packet): boolean => p.etherType === ETH_P.IP || p.etherType === 0
const isFragment = (p: Packet): boolean => p.fragmentOffset > 0 || (p.ipFlags & IP_MF) !== 0
const etherTypeText = (p: Packet): string => `0x${p.etherType.toString(16).padStart(4, '0')}`

/**
 * One tcpdump-like line: `TCP 10.244.1.5:41522 > 10.96.0.10:80 SYN`, `ARP who-has 10.244.1.1 tell 10.244.1.5`,
 * `ICMP echo request id 1 seq 1`, `HTTP GET /`, `DNS A? web.`. An ICMP error names the flow that it quotes.
 */
export function summarize(p: Packet): string {
  if (p.etherType === ETH_P.ARP && p.arpOp !== 0) return summarizeArpFields(p)
  if (p.etherType === ETH_P.IPV6) return `IP6 len ${p.payload.length}`
  if (!isIp(p)) return `ethertype ${etherTypeText(p)} len ${p.payload.length}`
  if (p.fragmentOffset > 0) {
    return `${protocolName(p.protocol)} ${formatIpv4(p.src)} > ${formatIpv4(p.dst)} fragment offset ${p.fragmentOffset} len ${p.payload.length}`
  }
  switch (p.protocol) {
    case IPPROTO.TCP: {
      const http = p.payload.length > 0 ? httpStart(p.payload) : undefined
      if (http) return `HTTP ${httpLabel(http)}`
      return `TCP ${endpoints(p)} ${tcpFlagNames(p.tcpFlags)}${p.payload.length > 0 ? ` len ${p.payload.length}` : ''}`
    }
    case IPPROTO.UDP: {
      const dns = dnsBrief(p)
      if (dns) return summarizeDns(dns)
      return `UDP ${endpoints(p)} ${tunnelText(p) ?? `len ${p.payload.length}`}${isFragment(p) ? ' first fragment' : ''}`
    }
    case IPPROTO.ICMP: {
      const line = summarizeIcmp({ type: p.icmpType, code: p.icmpCode, rest: p.icmpRest })
      return isQuoting(p) ? `${line} for ${quotedFlow(p.payload)}` : `${line}${isFragment(p) ? ' first fragment' : ''}`
    }
    default:
      return `${protocolName(p.protocol)} ${formatIpv4(p.src)} > ${formatIpv4(p.dst)} len ${p.payload.length}`
  }
}

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

/** `VXLAN vni 1: ICMP echo request id 1 seq 1`, by the frame inside. */
function tunnelText(p: Packet): string | undefined {
  const inner = tunnelled(p)
  if (inner === undefined) return undefined
  const frame = isFragment(p) ? undefined : parsePacket(p.payload.subarray(VXLAN.LENGTH), 'ethernet')
  return `${summarizeVxlan(inner)}${frame?.ok ? `: ${summarize(frame.value)}` : ''}`
}

const endpoints = (p: Packet): string => `${formatIpv4(p.src)}:${p.sport} > ${formatIpv4(p.dst)}:${p.dport}`

const summarizeArpFields = (p: Packet): string =>
  summarizeArp({ op: p.arpOp, sha: p.arpSha as Mac, spa: p.arpSpa as Ipv4, tha: p.arpTha as Mac, tpa: p.arpTpa as Ipv4 })

function quotedFlow(payload: Uint8Array): string {
  const q = parseQuoted(payload)
  if (!q.ok) return 'an unreadable datagram'
  const { src, dst, sport, dport, protocol } = q.value
  if (protocol === IPPROTO.TCP || protocol === IPPROTO.UDP) {
    return `${protocolName(protocol)} ${formatIpv4(src)}:${sport} > ${formatIpv4(dst)}:${dport}`
  }
  return `${protocolName(protocol)} ${formatIpv4(src)} > ${formatIpv4(dst)}`
}
