import { addBytes, fold, pseudoHeaderSum } from './checksum.ts'
import { dissectDns } from './dissect-dns.ts'
import { DNS_PORT } from './dns-message.ts'
import { httpStart, lineEnd, lineText } from './http.ts'
import { ICMP_HEADER, ICMP_UNREACH, icmpName, isIcmpError, parseIcmp } from './icmp.ts'
import { bytesText, type Layer, LayerBuilder } from './layer.ts'
import { ICMP, IPPROTO } from './packet.ts'
import { parseTcp, TCP_HEADER, tcpFlagNames } from './tcp.ts'
import { decodeTcpOptions, summarizeTcpOption } from './tcp-options.ts'
import { parseUdp, UDP } from './udp.ts'
import { parseVxlan, VXLAN, VXLAN_PORTS } from './vxlan.ts'

/** The bytes [from, to) behind an IPv4 header, and what a checksum needs of it. */
export interface Layer4Context {
  readonly bytes: Uint8Array
  readonly from: number
  readonly to: number
  readonly quoted: boolean
  /** All of the layer 4 datagram is there, so that its checksum can be told right from wrong. */
  readonly whole: boolean
  readonly protocol: number
  readonly src: number
  readonly dst: number
}

/** What is left behind the layers pushed: plain bytes from `at`, the datagram that an ICMP error quotes, or the frame in a tunnel. */
export type Rest =
  | { readonly kind: 'bytes'; readonly at: number; readonly malformed?: string }
  | { readonly kind: 'quoted'; readonly at: number }
  | { readonly kind: 'frame'; readonly at: number }

/** Pushes the layer 4 header of `c`, and HTTP above TCP, onto `layers`. */
export function dissectLayer4(c: Layer4Context, layers: Layer[]): Rest {
  switch (c.protocol) {
    case IPPROTO.TCP:
      return dissectTcp(c, layers)
    case IPPROTO.UDP:
      return dissectUdp(c, layers)
    case IPPROTO.ICMP:
      return dissectIcmp(c, layers)
    default:
      return { kind: 'bytes', at: c.from }
  }
}

/** Shows a checksum and whether it holds, where that can be known. */
function verdict(c: Layer4Context, pseudo: boolean): (n: number) => string {
  const length = c.to - c.from
  const sum = addBytes(pseudo ? pseudoHeaderSum(c.src, c.dst, c.protocol, length) : 0, c.bytes, c.from, c.to)
  const word = !c.whole ? 'unverified' : fold(sum) === 0xffff ? 'correct' : 'incorrect'
  return (n) => `0x${n.toString(16).padStart(4, '0')} ${word}`
}

/** The 8 bytes of a TCP header that RFC 792 makes every error quote. */
function dissectTcpStub(c: Layer4Context, layers: Layer[], expected: string): Rest {
  if (!c.quoted || c.to - c.from < 8) return { kind: 'bytes', at: c.from, malformed: expected }
  const b = new LayerBuilder(c.bytes, c.from)
    .uint(TCP_HEADER.SPORT, 2, 'tcp.srcport', 'Source port', String, { field: 'payload' })
    .uint(TCP_HEADER.DPORT, 2, 'tcp.dstport', 'Destination port', String, { field: 'payload' })
    .uint(TCP_HEADER.SEQ, 4, 'tcp.seq', 'Sequence number')
  layers.push(b.build('TCP', c.from + 8, true))
  return { kind: 'bytes', at: c.from + 8 }
}

function dissectTcp(c: Layer4Context, layers: Layer[]): Rest {
  const parsed = parseTcp(c.bytes.subarray(0, c.to), c.from)
  if (!parsed.ok) return dissectTcpStub(c, layers, parsed.error.expected)
  const h = parsed.value
  const b = new LayerBuilder(c.bytes, c.from)
    .uint(TCP_HEADER.SPORT, 2, 'tcp.srcport', 'Source port', String, { field: c.quoted ? 'payload' : 'l4.sport' })
    .uint(TCP_HEADER.DPORT, 2, 'tcp.dstport', 'Destination port', String, { field: c.quoted ? 'payload' : 'l4.dport' })
    .uint(TCP_HEADER.SEQ, 4, 'tcp.seq', 'Sequence number')
    .uint(TCP_HEADER.ACK, 4, 'tcp.ack', 'Acknowledgment number')
    .uint(TCP_HEADER.OFFSET, 1, 'tcp.hdr_len', 'Header length', (n) => `${n * 4} bytes`, { bits: { offset: 0, length: 4 } })
    .uint(TCP_HEADER.FLAGS, 1, 'tcp.flags', 'Flags', tcpFlagNames)
    .uint(TCP_HEADER.WINDOW, 2, 'tcp.window_size_value', 'Window')
    .uint(TCP_HEADER.CHECKSUM, 2, 'tcp.checksum', 'Checksum', verdict(c, true))
    .uint(TCP_HEADER.URGENT, 2, 'tcp.urgent_pointer', 'Urgent pointer')
  for (const { option, start, end } of decodeTcpOptions(c.bytes.subarray(c.from + TCP_HEADER.LENGTH, c.from + h.headerLength))) {
    b.span(TCP_HEADER.LENGTH + start, TCP_HEADER.LENGTH + end, `tcp.option.${option.kind}`, 'Option', summarizeTcpOption(option))
  }
  const at = c.from + h.headerLength
  layers.push(b.build('TCP', at, c.quoted))
  return dissectHttp(c, at, layers)
}

function dissectUdp(c: Layer4Context, layers: Layer[]): Rest {
  const parsed = parseUdp(c.bytes.subarray(0, c.to), c.from)
  if (!parsed.ok) return { kind: 'bytes', at: c.from, malformed: parsed.error.expected }
  const none = parsed.value.checksum === 0
  const b = new LayerBuilder(c.bytes, c.from)
    .uint(UDP.SPORT, 2, 'udp.srcport', 'Source port', String, { field: c.quoted ? 'payload' : 'l4.sport' })
    .uint(UDP.DPORT, 2, 'udp.dstport', 'Destination port', String, { field: c.quoted ? 'payload' : 'l4.dport' })
    .uint(UDP.LENGTH_FIELD, 2, 'udp.length', 'Length')
    .uint(UDP.CHECKSUM, 2, 'udp.checksum', 'Checksum', none ? () => '0x0000 none' : verdict(c, true))
  const at = c.from + UDP.LENGTH
  layers.push(b.build('UDP', at, c.quoted))
  const { sport, dport } = parsed.value
  if (VXLAN_PORTS.includes(dport)) return dissectVxlan(c, at, layers)
  const dns = sport === DNS_PORT || dport === DNS_PORT ? dissectDns(c.bytes, at, c.to, c.quoted) : undefined
  if (dns === undefined) return { kind: 'bytes', at }
  layers.push(dns)
  return { kind: 'bytes', at: c.to }
}

function dissectVxlan(c: Layer4Context, at: number, layers: Layer[]): Rest {
  if (!parseVxlan(c.bytes.subarray(0, c.to), at).ok) return { kind: 'bytes', at }
  const b = new LayerBuilder(c.bytes, at)
    .uint(VXLAN.FLAGS, 1, 'vxlan.flags', 'Flags', () => 'I (valid VNI)')
    .uint(VXLAN.VNI, 4, 'vxlan.vni', 'VXLAN Network Identifier', String, { bits: { offset: 0, length: 24 } })
  layers.push(b.build('VXLAN', at + VXLAN.LENGTH, c.quoted))
  return { kind: 'frame', at: at + VXLAN.LENGTH }
}

function dissectIcmp(c: Layer4Context, layers: Layer[]): Rest {
  const parsed = parseIcmp(c.bytes.subarray(0, c.to), c.from)
  if (!parsed.ok) return { kind: 'bytes', at: c.from, malformed: parsed.error.expected }
  const { type, code } = parsed.value
  const field = c.quoted ? 'payload' : 'icmp.rest'
  const b = new LayerBuilder(c.bytes, c.from)
    .uint(ICMP_HEADER.TYPE, 1, 'icmp.type', 'Type', (n) => `${n} (${icmpName(type, code)})`)
    .uint(ICMP_HEADER.CODE, 1, 'icmp.code', 'Code')
    .uint(ICMP_HEADER.CHECKSUM, 2, 'icmp.checksum', 'Checksum', verdict(c, false))
  if (type === ICMP.ECHO || type === ICMP.ECHO_REPLY) {
    b.uint(ICMP_HEADER.REST, 2, 'icmp.ident', 'Identifier', String, { field })
    b.uint(ICMP_HEADER.REST + 2, 2, 'icmp.seq', 'Sequence number', String, { field })
  } else if (type === ICMP.UNREACHABLE && code === ICMP_UNREACH.FRAG_NEEDED) {
    b.uint(ICMP_HEADER.REST + 2, 2, 'icmp.mtu', 'MTU of next hop', String, { field })
  } else b.uint(ICMP_HEADER.REST, 4, 'icmp.rest', 'Rest of header', (n) => `0x${n.toString(16).padStart(8, '0')}`, { field })
  const at = c.from + ICMP_HEADER.LENGTH
  layers.push(b.build('ICMP', at, c.quoted))
  return isIcmpError(type) && at < c.to ? { kind: 'quoted', at } : { kind: 'bytes', at }
}

/** Start line, one field a header line, and the body as text. */
function dissectHttp(c: Layer4Context, at: number, layers: Layer[]): Rest {
  const message = c.bytes.subarray(at, c.to)
  const start = httpStart(message)
  if (start === undefined) return { kind: 'bytes', at }
  const b = new LayerBuilder(message, 0)
  let from = 0
  let end = lineEnd(message, 0)
  b.span(0, end, `http.${start.kind}`, start.kind === 'request' ? 'Request line' : 'Status line', lineText(message, 0, end))
  while (end > 0 && end < message.length) {
    from = end
    end = lineEnd(message, from)
    const line = end < 0 ? '' : lineText(message, from, end)
    if (line === '') break
    const colon = line.indexOf(':')
    b.span(from, end, 'http.header', colon < 0 ? 'Header' : line.slice(0, colon), line.slice(colon + 1).trim())
  }
  const body = end < 0 ? from : end
  if (body < message.length)
    b.span(body, message.length, 'http.body', 'Body', bytesText(message.subarray(body)), { field: 'payload' })
  // The builder counted from the message, so that line offsets stay its own; the layer counts from the frame.
  const layer = b.build('HTTP', c.to, c.quoted)
  const fields = layer.fields.map((f) => ({ ...f, start: f.start + at, end: f.end + at }))
  layers.push({ ...layer, start: at, fields })
  return { kind: 'bytes', at: c.to }
}
