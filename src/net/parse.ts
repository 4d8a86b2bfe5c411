import { ok, type Result } from '../base/result.ts'
import { parseArp } from './arp.ts'
import { ETHERNET, parseEthernet } from './ethernet.ts'
import { ICMP_HEADER, parseIcmp } from './icmp.ts'
import { IPV4, parseIpv4Header } from './ipv4.ts'
import { EMPTY, ETH_P, IP_MF, IPPROTO, Packet } from './packet.ts'
import { type ParseError, parseError } from './parse-error.ts'
import { parseTcp, TCP_HEADER } from './tcp.ts'
import { parseUdp, UDP } from './udp.ts'

/** What the first byte of a frame is: an Ethernet header, or an IP header where there is no link layer. */
export type LinkType = 'ethernet' | 'ip'

/**
 * Reads a frame. `parsePacket(emitPacket(p), …)` equals `p` in every field that its headers carry; the others are 0.
 * Checksums are not verified (dissect.ts shows them); Ethernet padding is dropped. An unknown EtherType or IP protocol keeps
 * its bytes as payload. Errors: cut or inconsistent headers, and IPv4 options, which `Packet` cannot carry.
 */
export function parsePacket(bytes: Uint8Array, linkType: LinkType): Result<Packet, ParseError> {
  const p = new Packet()
  if (linkType === 'ip') return readDatagram(p, bytes, 0)
  const ethernet = parseEthernet(bytes)
  if (!ethernet.ok) return ethernet
  p.ethDst = ethernet.value.dst
  p.ethSrc = ethernet.value.src
  p.etherType = ethernet.value.etherType
  if (p.etherType === ETH_P.IP) return readDatagram(p, bytes, ETHERNET.LENGTH)
  if (p.etherType === ETH_P.ARP) {
    const arp = parseArp(bytes, ETHERNET.LENGTH)
    if (arp.ok && arp.value.op !== 0) {
      p.arpOp = arp.value.op
      p.arpSha = arp.value.sha
      p.arpSpa = arp.value.spa
      p.arpTha = arp.value.tha
      p.arpTpa = arp.value.tpa
      return ok(p)
    }
  }
  p.payload = slice(bytes, ETHERNET.LENGTH, bytes.length)
  return ok(p)
}

function readDatagram(p: Packet, bytes: Uint8Array, at: number): Result<Packet, ParseError> {
  const header = parseIpv4Header(bytes, at)
  if (!header.ok) return header
  const h = header.value
  if (h.headerLength !== IPV4.LENGTH) return parseError('ipv4', at + IPV4.LENGTH, 'no IPv4 options')
  const end = at + h.totalLength
  if (end > bytes.length) return parseError('ipv4', bytes.length, `${h.totalLength} bytes of IPv4 datagram`)
  p.tos = h.tos
  p.ident = h.ident
  p.ipFlags = h.flags
  p.fragmentOffset = h.fragmentOffset
  p.ttl = h.ttl
  p.protocol = h.protocol
  p.src = h.src
  p.dst = h.dst
  return readLayer4(p, bytes.length === end ? bytes : bytes.subarray(0, end), at + IPV4.LENGTH)
}

function readLayer4(p: Packet, bytes: Uint8Array, at: number): Result<Packet, ParseError> {
  const firstFragment = (p.ipFlags & IP_MF) !== 0
  let from = at
  let to = bytes.length
  if (p.fragmentOffset === 0 && p.protocol === IPPROTO.TCP) {
    const tcp = parseTcp(bytes, at)
    if (!tcp.ok) return tcp
    const h = tcp.value
    p.sport = h.sport
    p.dport = h.dport
    p.seq = h.seq
    p.ack = h.ack
    p.tcpFlags = h.flags
    p.window = h.window
    if (firstFragment) p.l4Checksum = h.checksum
    from = at + h.headerLength
    p.options = slice(bytes, at + TCP_HEADER.LENGTH, from)
  } else if (p.fragmentOffset === 0 && p.protocol === IPPROTO.UDP) {
    const udp = parseUdp(bytes, at)
    if (!udp.ok) return udp
    const h = udp.value
    if (!firstFragment && at + h.length > to) return parseError('udp', at + UDP.LENGTH_FIELD, 'a UDP length that is there')
    p.sport = h.sport
    p.dport = h.dport
    if (firstFragment) {
      p.l4Checksum = h.checksum
      p.udpLength = h.length
    } else to = at + h.length
    from = at + UDP.LENGTH
  } else if (p.fragmentOffset === 0 && p.protocol === IPPROTO.ICMP) {
    const icmp = parseIcmp(bytes, at)
    if (!icmp.ok) return icmp
    const h = icmp.value
    p.icmpType = h.type
    p.icmpCode = h.code
    p.icmpRest = h.rest
    if (firstFragment) p.l4Checksum = h.checksum
    from = at + ICMP_HEADER.LENGTH
  }
  p.payload = slice(bytes, from, to)
  return ok(p)
}

const slice = (bytes: Uint8Array, from: number, to: number): Uint8Array => (to > from ? bytes.slice(from, to) : EMPTY)
