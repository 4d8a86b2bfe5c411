import { formatIpv4, type Ipv4, type Mac } from './address.ts'
import { summarizeArp } from './arp.ts'
import { etherTypeText, isIp } from './chip.ts'
import { dnsBrief, summarizeDns } from './dns-brief.ts'
import { httpLabel, httpStart } from './http.ts'
import { summarizeIcmp } from './icmp.ts'
import { protocolName } from './ipv4.ts'
import { ETH_P, IP_MF, IPPROTO, type Packet } from './packet.ts'
import { parsePacket } from './parse.ts'
import { isQuoting, parseQuoted } from './quoted.ts'
import { tcpFlagNames } from './tcp.ts'
import { summarizeVxlan, tunnelled, VXLAN } from './vxlan.ts'

export { chipLabel } from './chip.ts'

// What people call a packet. Protocol notation, not prose: the same in every language.

const isFragment = (p: Packet): boolean => p.fragmentOffset > 0 || (p.ipFlags & IP_MF) !== 0

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
