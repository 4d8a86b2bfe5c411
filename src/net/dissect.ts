import { assertNever } from '../base/assert-never.ts'
import { get8, toHex } from '../base/bytes.ts'
import { formatIpv4, formatMac } from './address.ts'
import { ARP, parseArp } from './arp.ts'
import { checksum } from './checksum.ts'
import { dissectLayer4, type Layer4Context } from './dissect-layer4.ts'
import { ETHERNET, parseEthernet } from './ethernet.ts'
import { IPV4, parseIpv4Header, protocolName } from './ipv4.ts'
import { formatIpv6, IPV6, parseIpv6Header } from './ipv6.ts'
import { bytesText, type Layer, LayerBuilder } from './layer.ts'
import { ARP_OP, ETH_P, IP_DF, IP_MF } from './packet.ts'
import type { LinkType } from './parse.ts'
import type { ParseError } from './parse-error.ts'

const hex16 = (n: number): string => `0x${n.toString(16).padStart(4, '0')}`

/** What to read next. */
type Next =
  | { readonly kind: 'ethernet'; readonly at: number; readonly end: number; readonly quoted: boolean }
  | { readonly kind: 'arp'; readonly at: number; readonly end: number; readonly quoted: boolean }
  | { readonly kind: 'network'; readonly at: number; readonly end: number; readonly quoted: boolean }
  | { readonly kind: 'layer4'; readonly context: Layer4Context }
  | { readonly kind: 'data'; readonly at: number; readonly end: number; readonly quoted: boolean; readonly malformed?: string }
  | { readonly kind: 'end' }

/**
 * The layers of a frame, outermost first, the datagram quoted by an ICMP error (`quoted`) and the frame in a tunnel's among them. Works on any bytes: what
 * is cut or inconsistent becomes a layer with `malformed` said, and the rest is `Data`.
 */
export function dissect(bytes: Uint8Array, linkType: LinkType): Layer[] {
  const layers: Layer[] = []
  let next: Next =
    linkType === 'ip'
      ? { kind: 'network', at: 0, end: bytes.length, quoted: false }
      : { kind: 'ethernet', at: 0, end: bytes.length, quoted: false }
  while (next.kind !== 'end') next = read(bytes, next, layers)
  return layers
}

/** Pushes one layer and says what follows it. Every step moves on in the bytes, so the loop ends. */
function read(bytes: Uint8Array, next: Exclude<Next, { kind: 'end' }>, layers: Layer[]): Next {
  switch (next.kind) {
    case 'ethernet':
      return readEthernet(bytes, next, layers)
    case 'arp':
      return readArp(bytes, next, layers)
    case 'network':
      return get8(bytes, next.at) >>> 4 === 6 ? readIpv6(bytes, next, layers) : readIpv4(bytes, next, layers)
    case 'layer4':
      return readLayer4(next.context, layers)
    case 'data':
      return readData(bytes, next, layers)
    default:
      return assertNever(next, 'layer')
  }
}

/** A layer of bytes that nothing here reads. No layer for no bytes. */
function readData(bytes: Uint8Array, d: Extract<Next, { kind: 'data' }>, layers: Layer[]): Next {
  if (d.end > d.at || d.malformed !== undefined) {
    const text = bytesText(bytes.subarray(d.at, d.end))
    const b = new LayerBuilder(bytes, d.at).span(0, d.end - d.at, 'data', 'Data', text, { field: 'payload' })
    layers.push(b.build('Data', d.end, d.quoted, d.malformed))
  }
  return { kind: 'end' }
}

const ETHER_TYPES: Readonly<Record<number, string>> = { 2048: 'IPv4', 2054: 'ARP', 34525: 'IPv6', 33024: '802.1Q', 35020: 'LLDP' }

function readEthernet(bytes: Uint8Array, n: Extract<Next, { kind: 'ethernet' }>, layers: Layer[]): Next {
  const { at, end, quoted } = n
  const parsed = parseEthernet(bytes.subarray(at, end))
  if (!parsed.ok) return malformed(at, end, quoted, parsed.error)
  const { etherType } = parsed.value
  const b = new LayerBuilder(bytes, at)
    .uint(ETHERNET.DST, 6, 'eth.dst', 'Destination', formatMac, { field: 'eth.dst' })
    .uint(ETHERNET.SRC, 6, 'eth.src', 'Source', formatMac, { field: 'eth.src' })
    .uint(ETHERNET.TYPE, 2, 'eth.type', 'Type', (n) => `${ETHER_TYPES[n] ?? 'unknown'} (${hex16(n)})`)
  layers.push(b.build('Ethernet', at + ETHERNET.LENGTH, quoted))
  const behind = { at: at + ETHERNET.LENGTH, end, quoted }
  if (etherType === ETH_P.IP || etherType === ETH_P.IPV6) return { kind: 'network', ...behind }
  return { kind: etherType === ETH_P.ARP ? 'arp' : 'data', ...behind }
}

function readArp(bytes: Uint8Array, n: Extract<Next, { kind: 'arp' }>, layers: Layer[]): Next {
  const { at, end, quoted } = n
  const parsed = parseArp(bytes.subarray(0, end), at)
  if (!parsed.ok) return malformed(at, end, quoted, parsed.error)
  const op = (n: number) => `${n === ARP_OP.REQUEST ? 'request' : n === ARP_OP.REPLY ? 'reply' : 'unknown'} (${n})`
  const b = new LayerBuilder(bytes, at)
    .uint(ARP.HTYPE, 2, 'arp.hw.type', 'Hardware type', (n) => `Ethernet (${n})`)
    .uint(ARP.PTYPE, 2, 'arp.proto.type', 'Protocol type', (n) => `IPv4 (${hex16(n)})`)
    .uint(ARP.HLEN, 1, 'arp.hw.size', 'Hardware size')
    .uint(ARP.PLEN, 1, 'arp.proto.size', 'Protocol size')
    .uint(ARP.OP, 2, 'arp.opcode', 'Opcode', op)
    .uint(ARP.SHA, 6, 'arp.src.hw_mac', 'Sender MAC address', formatMac)
    .uint(ARP.SPA, 4, 'arp.src.proto_ipv4', 'Sender IP address', formatIpv4)
    .uint(ARP.THA, 6, 'arp.dst.hw_mac', 'Target MAC address', formatMac)
    .uint(ARP.TPA, 4, 'arp.dst.proto_ipv4', 'Target IP address', formatIpv4)
  layers.push(b.build('ARP', at + ARP.LENGTH, quoted))
  return { kind: 'end' }
}

type Network = Extract<Next, { kind: 'network' }>

const flagNames = (n: number): string => {
  const names = [n & IP_DF ? 'DF' : '', n & IP_MF ? 'MF' : ''].filter((s) => s !== '')
  return names.length > 0 ? names.join(' ') : 'none'
}

function readIpv4(bytes: Uint8Array, n: Network, layers: Layer[]): Next {
  const { at, end, quoted } = n
  const parsed = parseIpv4Header(bytes.subarray(0, end), at)
  if (!parsed.ok) return malformed(at, end, quoted, parsed.error)
  const h = parsed.value
  const valid = checksum(bytes, at, at + h.headerLength) === 0
  const b = new LayerBuilder(bytes, at)
    .uint(IPV4.VERSION, 1, 'ip.version', 'Version', String, { bits: { offset: 0, length: 4 } })
    .uint(IPV4.VERSION, 1, 'ip.hdr_len', 'Header length', (n) => `${n * 4} bytes`, { bits: { offset: 4, length: 4 } })
    .uint(IPV4.TOS, 1, 'ip.tos', 'DSCP and ECN', (n) => `0x${n.toString(16).padStart(2, '0')}`, { field: 'ip.tos' })
    .uint(IPV4.TOTAL_LENGTH, 2, 'ip.len', 'Total length')
    .uint(IPV4.IDENT, 2, 'ip.id', 'Identification', hex16, { field: 'ip.id' })
    .uint(IPV4.FRAGMENT, 2, 'ip.flags', 'Flags', flagNames, { bits: { offset: 0, length: 3 }, field: 'ip.flags' })
    .uint(IPV4.FRAGMENT, 2, 'ip.frag_offset', 'Fragment offset', (n) => String(n * 8), {
      bits: { offset: 3, length: 13 },
      field: 'ip.fragment',
    })
    .uint(IPV4.TTL, 1, 'ip.ttl', 'Time to live', String, { field: 'ip.ttl' })
    .uint(IPV4.PROTOCOL, 1, 'ip.proto', 'Protocol', (n) =>
      protocolName(n) === String(n) ? String(n) : `${protocolName(n)} (${n})`,
    )
    .uint(IPV4.CHECKSUM, 2, 'ip.checksum', 'Header checksum', (n) => `${hex16(n)} ${valid ? 'correct' : 'incorrect'}`)
    .uint(IPV4.SRC, 4, 'ip.src', 'Source address', formatIpv4, { field: 'ip.src' })
    .uint(IPV4.DST, 4, 'ip.dst', 'Destination address', formatIpv4, { field: 'ip.dst' })
  if (h.headerLength > IPV4.LENGTH) {
    b.span(IPV4.LENGTH, h.headerLength, 'ip.options', 'Options', toHex(bytes.subarray(at + IPV4.LENGTH, at + h.headerLength)))
  }
  const promised = at + h.totalLength
  // A quoted datagram is cut by design.
  const cut = promised > end && !quoted ? `${h.totalLength} bytes of datagram` : undefined
  layers.push(b.build('IPv4', at + h.headerLength, quoted, cut))
  const from = at + h.headerLength
  const to = Math.min(promised, end)
  if (h.fragmentOffset > 0) return { kind: 'data', at: from, end: to, quoted }
  const whole = promised <= end && (h.flags & IP_MF) === 0
  return { kind: 'layer4', context: { bytes, from, to, quoted, whole, protocol: h.protocol, src: h.src, dst: h.dst } }
}

function readIpv6(bytes: Uint8Array, n: Network, layers: Layer[]): Next {
  const { at, end, quoted } = n
  const parsed = parseIpv6Header(bytes.subarray(0, end), at)
  if (!parsed.ok) return malformed(at, end, quoted, parsed.error)
  const h = parsed.value
  const b = new LayerBuilder(bytes, at)
    .uint(IPV6.VERSION, 4, 'ipv6.version', 'Version', String, { bits: { offset: 0, length: 4 } })
    .uint(IPV6.VERSION, 4, 'ipv6.tclass', 'Traffic class', String, { bits: { offset: 4, length: 8 } })
    .uint(IPV6.VERSION, 4, 'ipv6.flow', 'Flow label', String, { bits: { offset: 12, length: 20 } })
    .uint(IPV6.PAYLOAD_LENGTH, 2, 'ipv6.plen', 'Payload length')
    .uint(IPV6.NEXT_HEADER, 1, 'ipv6.nxt', 'Next header', protocolName)
    .uint(IPV6.HOP_LIMIT, 1, 'ipv6.hlim', 'Hop limit')
    .span(IPV6.SRC, IPV6.DST, 'ipv6.src', 'Source address', formatIpv6(h.src))
    .span(IPV6.DST, IPV6.LENGTH, 'ipv6.dst', 'Destination address', formatIpv6(h.dst))
  layers.push(b.build('IPv6', at + IPV6.LENGTH, quoted))
  return { kind: 'data', at: at + IPV6.LENGTH, end: Math.min(end, at + IPV6.LENGTH + h.payloadLength), quoted }
}

/** What follows an IPv4 header; an ICMP error leads back to a network layer, a tunnel to a whole frame. */
function readLayer4(c: Layer4Context, layers: Layer[]): Next {
  const rest = dissectLayer4(c, layers)
  if (rest.kind === 'quoted') return { kind: 'network', at: rest.at, end: c.to, quoted: true }
  if (rest.kind === 'frame') return { kind: 'ethernet', at: rest.at, end: c.to, quoted: c.quoted }
  const behind = { kind: 'data', at: rest.at, end: c.to, quoted: c.quoted } as const
  return rest.malformed === undefined ? behind : { ...behind, malformed: rest.malformed }
}

const malformed = (at: number, end: number, quoted: boolean, error: ParseError): Next => ({
  kind: 'data',
  at,
  end,
  quoted,
  malformed: error.expected,
})
