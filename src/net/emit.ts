import { set16 } from '../base/bytes.ts'
import { ok, type Result } from '../base/result.ts'
import type { Ipv4, Mac } from './address.ts'
import { ARP, emitArp, parseArp } from './arp.ts'
import { checksum } from './checksum.ts'
import { ETHERNET, emitEthernet, parseEthernet } from './ethernet.ts'
import { emitIcmp, ICMP_HEADER, parseIcmp } from './icmp.ts'
import { emitIpv4, IPV4, parseIpv4Header } from './ipv4.ts'
import { EMPTY, ETH_P, IP_MF, IPPROTO, ipLength, Packet } from './packet.ts'
import { type ParseError, parseError } from './parse-error.ts'
import { emitTcp, parseTcp, TCP_HEADER, tcpChecksum } from './tcp.ts'
import { emitUdp, parseUdp, UDP, udpChecksum } from './udp.ts'

/** What the first byte of a frame is: an Ethernet header, or an IP header where there is no link layer. */
export type LinkType = 'ethernet' | 'ip'

/**
 * The bytes of a packet as a capture would hold them, checksums valid; from the IP header on when `etherType` is 0.
 * An EtherType other than IPv4 and ARP, and an ARP whose `arpOp` is 0 (not for Ethernet and IPv4), is header plus payload.
 */
export function emitPacket(p: Packet): Uint8Array {
  if (p.etherType === 0) return emitDatagram(p)
  const out = new Uint8Array(ETHERNET.LENGTH + networkLength(p))
  emitEthernet({ dst: p.ethDst as Mac, src: p.ethSrc as Mac, etherType: p.etherType }, out)
  if (p.etherType === ETH_P.IP) writeDatagram(p, out, ETHERNET.LENGTH)
  else if (p.etherType === ETH_P.ARP && p.arpOp !== 0) writeArp(p, out, ETHERNET.LENGTH)
  else out.set(p.payload, ETHERNET.LENGTH)
  return out
}

/** The IPv4 datagram alone, whatever link header the packet carries. */
export function emitDatagram(p: Packet): Uint8Array {
  const out = new Uint8Array(ipLength(p))
  writeDatagram(p, out, 0)
  return out
}

function networkLength(p: Packet): number {
  if (p.etherType === ETH_P.IP) return ipLength(p)
  return p.etherType === ETH_P.ARP && p.arpOp !== 0 ? ARP.LENGTH : p.payload.length
}

function writeArp(p: Packet, out: Uint8Array, at: number): void {
  const { arpOp: op, arpSha, arpSpa, arpTha, arpTpa } = p
  emitArp({ op, sha: arpSha as Mac, spa: arpSpa as Ipv4, tha: arpTha as Mac, tpa: arpTpa as Ipv4 }, out, at)
}

function writeDatagram(p: Packet, out: Uint8Array, at: number): void {
  const totalLength = ipLength(p)
  if (totalLength > 0xffff) throw new Error(`an IPv4 datagram of ${totalLength} bytes`)
  emitIpv4(
    {
      headerLength: IPV4.LENGTH,
      tos: p.tos,
      totalLength,
      ident: p.ident,
      flags: p.ipFlags,
      fragmentOffset: p.fragmentOffset,
      ttl: p.ttl,
      protocol: p.protocol,
      src: p.src as Ipv4,
      dst: p.dst as Ipv4,
    },
    out,
    at,
  )
  writeLayer4(p, out, at + IPV4.LENGTH, totalLength - IPV4.LENGTH)
}

function writeLayer4(p: Packet, out: Uint8Array, at: number, length: number): void {
  out.set(p.payload, at + length - p.payload.length)
  if (p.fragmentOffset !== 0) return
  // A first fragment keeps what its header says of the whole datagram.
  const kept = p.l4Checksum
  const { sport, dport } = p
  switch (p.protocol) {
    case IPPROTO.TCP: {
      const headerLength = TCP_HEADER.LENGTH + p.options.length
      if (headerLength > 60 || headerLength % 4 !== 0) throw new Error(`${p.options.length} bytes of TCP options`)
      const { seq, ack, tcpFlags: flags, window } = p
      emitTcp({ sport, dport, seq, ack, headerLength, flags, window, checksum: 0 }, out, at)
      out.set(p.options, at + TCP_HEADER.LENGTH)
      set16(out, at + TCP_HEADER.CHECKSUM, kept >= 0 ? kept : tcpChecksum(out, at, length, p.src, p.dst))
      return
    }
    case IPPROTO.UDP:
      emitUdp({ sport, dport, length: p.udpLength || length, checksum: 0 }, out, at)
      set16(out, at + UDP.CHECKSUM, kept >= 0 ? kept : udpChecksum(out, at, length, p.src, p.dst))
      return
    case IPPROTO.ICMP:
      emitIcmp({ type: p.icmpType, code: p.icmpCode, rest: p.icmpRest, checksum: 0 }, out, at)
      set16(out, at + ICMP_HEADER.CHECKSUM, kept >= 0 ? kept : checksum(out, at, at + length))
      return
  }
}

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
