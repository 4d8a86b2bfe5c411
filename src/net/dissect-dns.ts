import { DNS, dnsLayout } from './dns.ts'
import { DNS_TYPES, type DnsRecord, dnsClassName, dnsDataText, dnsOpcodeName, dnsRcodeName, dnsTypeName } from './dns-message.ts'
import { type Layer, LayerBuilder } from './layer.ts'

const SECTION = { answer: 'Answer', authority: 'Authority', additional: 'Additional' } as const
const FLAGS = [
  ['qr', 'Response', 0],
  ['aa', 'Authoritative', 5],
  ['tc', 'Truncated', 6],
  ['rd', 'Recursion desired', 7],
  ['ra', 'Recursion available', 8],
  ['ad', 'Authentic data', 10],
  ['cd', 'Checking disabled', 11],
] as const

/** The layer of a DNS message at [at, to) of `bytes`; undefined when the bytes are none. */
export function dissectDns(bytes: Uint8Array, at: number, to: number, quoted: boolean): Layer | undefined {
  // Offsets of names count from the message, so it is read by itself; the layer counts from the frame.
  const message = bytes.subarray(at, to)
  const layout = dnsLayout(message)
  if (!layout.ok) return undefined
  const b = new LayerBuilder(bytes, at).uint(DNS.ID, 2, 'dns.id', 'Transaction ID', (n) => `0x${n.toString(16).padStart(4, '0')}`)
  b.uint(DNS.FLAGS, 2, 'dns.flags.opcode', 'Opcode', dnsOpcodeName, { bits: { offset: 1, length: 4 } })
  for (const [name, label, offset] of FLAGS) {
    b.uint(DNS.FLAGS, 2, `dns.flags.${name}`, label, (n) => (n === 0 ? 'no' : 'yes'), { bits: { offset, length: 1 } })
  }
  b.uint(DNS.FLAGS, 2, 'dns.flags.rcode', 'Reply code', dnsRcodeName, { bits: { offset: 12, length: 4 } })
  b.uint(DNS.QDCOUNT, 2, 'dns.count.queries', 'Questions')
  b.uint(DNS.ANCOUNT, 2, 'dns.count.answers', 'Answer records')
  b.uint(DNS.NSCOUNT, 2, 'dns.count.auth_rr', 'Authority records')
  b.uint(DNS.ARCOUNT, 2, 'dns.count.add_rr', 'Additional records')
  for (const { value: q, start, end } of layout.value.questions) {
    b.span(start, end, 'dns.qry', 'Question', `${q.name} ${dnsClassName(q.class)} ${dnsTypeName(q.type)}`)
  }
  for (const { value: r, start, end, section } of layout.value.records) {
    b.span(start, end, `dns.${section}`, SECTION[section], recordText(r))
  }
  return b.build('DNS', to, quoted)
}

/** As dig writes a record; an OPT says what it stands for. */
function recordText(r: DnsRecord): string {
  if (r.type === DNS_TYPES.OPT) return `OPT udp ${r.class}${dnsDataText(r.data) === '' ? '' : ` ${dnsDataText(r.data)}`}`
  return `${r.name} ${r.ttl} ${dnsClassName(r.class)} ${dnsTypeName(r.type)} ${dnsDataText(r.data)}`
}
