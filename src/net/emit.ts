import { set16 } from '../base/bytes.ts'
import type { Ipv4, Mac } from './address.ts'
import { ARP, emitArp } from './arp.ts'
import { checksum } from './checksum.ts'
import { ETHERNET, emitEthernet } from './ethernet.ts'
import { emitIcmp, ICMP_HEADER } from './icmp.ts'
import { emitIpv4, IPV4 } from './ipv4.ts'
import { ETH_P, IPPROTO, ipLength, type Packet } from './packet.ts'
import { emitTcp, TCP_HEADER, tcpChecksum } from './tcp.ts'
import { emitUdp, UDP, udpChecksum } from './udp.ts'

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
