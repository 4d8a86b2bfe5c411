import { formatIpv4, type Ipv4 } from './address.ts'
import { formatIpv6, readIpv6 } from './ipv6.ts'
import { bytesText } from './layer.ts'

// What a DNS message says (RFC 1035 section 4.1, RFC 6891 for OPT). dns.ts reads and writes it.

export const DNS_PORT = 53
/** RFC 1035 section 2.3.4: octets of a UDP message without EDNS. */
export const DNS_UDP_SIZE = 512

export const DNS_TYPES = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  NAPTR: 35,
  OPT: 41,
  DS: 43,
  RRSIG: 46,
  DNSKEY: 48,
  SVCB: 64,
  HTTPS: 65,
  AXFR: 252,
  ANY: 255,
  CAA: 257,
} as const
const TYPE_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(DNS_TYPES).map(([name, n]) => [n, name]))
/** `A`, `TYPE65280` (RFC 3597 section 5). */
export const dnsTypeName = (type: number): string => TYPE_NAMES.get(type) ?? `TYPE${type}`
export function dnsTypeOf(name: string): number | undefined {
  const upper = name.toUpperCase()
  for (const [known, n] of Object.entries(DNS_TYPES)) if (known === upper) return n
  const generic = /^TYPE(\d{1,5})$/.exec(upper)?.[1]
  return generic === undefined || Number(generic) > 65535 ? undefined : Number(generic)
}

export const DNS_CLASS_IN = 1
export const dnsClassName = (n: number): string => (n === 1 ? 'IN' : n === 3 ? 'CH' : n === 255 ? 'ANY' : `CLASS${n}`)

export const DNS_RCODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'] as const
export const RCODE = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const
export const dnsRcodeName = (rcode: number): string => DNS_RCODES[rcode] ?? `RCODE${rcode}`
const OPCODES: readonly string[] = ['QUERY', 'IQUERY', 'STATUS', 'OPCODE3', 'NOTIFY', 'UPDATE']
export const dnsOpcodeName = (opcode: number): string => OPCODES[opcode] ?? `OPCODE${opcode}`

export interface DnsQuestion {
  /** Absolute, with its dot at the end. */
  readonly name: string
  readonly type: number
  readonly class: number
}

export interface SoaData {
  readonly mname: string
  readonly rname: string
  readonly serial: number
  /** Seconds, like the three after it. */
  readonly refresh: number
  readonly retry: number
  readonly expire: number
  readonly minimum: number
}

export type DnsData =
  | { readonly kind: 'a'; readonly address: Ipv4 }
  /** Sixteen bytes. */
  | { readonly kind: 'aaaa'; readonly address: Uint8Array }
  /** NS, CNAME, PTR: the record's type says which. */
  | { readonly kind: 'name'; readonly name: string }
  | ({ readonly kind: 'soa' } & SoaData)
  | {
      readonly kind: 'srv'
      readonly priority: number
      readonly weight: number
      readonly port: number
      readonly target: string
    }
  | { readonly kind: 'mx'; readonly preference: number; readonly name: string }
  | { readonly kind: 'txt'; readonly texts: readonly Uint8Array[] }
  /** The options of an OPT pseudo-record; its class is the UDP size, its TTL the extended rcode, version and flags. */
  | { readonly kind: 'opt'; readonly options: readonly { readonly code: number; readonly bytes: Uint8Array }[] }
  | { readonly kind: 'unknown'; readonly bytes: Uint8Array }

export interface DnsRecord {
  readonly name: string
  readonly type: number
  readonly class: number
  /** Seconds. */
  readonly ttl: number
  readonly data: DnsData
}

export interface DnsFlags {
  /** False for a query. */
  readonly response: boolean
  readonly opcode: number
  readonly authoritative: boolean
  readonly truncated: boolean
  readonly recursionDesired: boolean
  readonly recursionAvailable: boolean
  /** RFC 4035. */
  readonly authenticData: boolean
  readonly checkingDisabled: boolean
  readonly rcode: number
}

export interface DnsMessage extends DnsFlags {
  readonly id: number
  readonly questions: readonly DnsQuestion[]
  readonly answers: readonly DnsRecord[]
  readonly authority: readonly DnsRecord[]
  readonly additional: readonly DnsRecord[]
}

const CLEAR: Omit<DnsMessage, 'id'> = {
  response: false,
  opcode: 0,
  authoritative: false,
  truncated: false,
  recursionDesired: false,
  recursionAvailable: false,
  authenticData: false,
  checkingDisabled: false,
  rcode: 0,
  questions: [],
  answers: [],
  authority: [],
  additional: [],
}

/** A query with one question, as a stub resolver sends it: RD set, nothing else. */
export const dnsQuery = (id: number, name: string, type: number, more: Partial<DnsMessage> = {}): DnsMessage => ({
  ...CLEAR,
  id,
  recursionDesired: true,
  questions: [{ name, type, class: DNS_CLASS_IN }],
  ...more,
})

/** A response to a query: its id, opcode, RD, CD and question. */
export const dnsReply = (to: DnsMessage, more: Partial<DnsMessage> = {}): DnsMessage => ({
  ...CLEAR,
  id: to.id,
  response: true,
  opcode: to.opcode,
  recursionDesired: to.recursionDesired,
  checkingDisabled: to.checkingDisabled,
  questions: to.questions.slice(0, 1),
  ...more,
})

export const optOf = (m: DnsMessage): DnsRecord | undefined => m.additional.find((r) => r.type === DNS_TYPES.OPT)

const record = (name: string, type: number, ttl: number, data: DnsData): DnsRecord => ({
  name,
  type,
  class: DNS_CLASS_IN,
  ttl,
  data,
})
export const aRecord = (name: string, ttl: number, address: Ipv4) => record(name, DNS_TYPES.A, ttl, { kind: 'a', address })
export const nameRecord = (name: string, type: 'CNAME' | 'NS' | 'PTR', ttl: number, target: string) =>
  record(name, DNS_TYPES[type], ttl, { kind: 'name', name: target })
export const soaRecord = (name: string, ttl: number, soa: SoaData) => record(name, DNS_TYPES.SOA, ttl, { kind: 'soa', ...soa })
export const srvRecord = (
  name: string,
  ttl: number,
  srv: { readonly priority: number; readonly weight: number; readonly port: number; readonly target: string },
) => record(name, DNS_TYPES.SRV, ttl, { kind: 'srv', ...srv })

/** A record's data as a master file and dig write it. */
export function dnsDataText(d: DnsData): string {
  switch (d.kind) {
    case 'a':
      return formatIpv4(d.address)
    case 'aaaa':
      return formatIpv6(readIpv6(d.address, 0))
    case 'name':
      return d.name
    case 'soa':
      return `${d.mname} ${d.rname} ${d.serial} ${d.refresh} ${d.retry} ${d.expire} ${d.minimum}`
    case 'srv':
      return `${d.priority} ${d.weight} ${d.port} ${d.target}`
    case 'mx':
      return `${d.preference} ${d.name}`
    case 'txt':
      return d.texts.map((t) => `"${bytesText(t).replaceAll(/(["\\])/g, '\\$1')}"`).join(' ')
    case 'opt':
      return d.options.map((o) => `option ${o.code}`).join(' ')
    case 'unknown':
      return `\\# ${d.bytes.length}${d.bytes.length === 0 ? '' : ` ${[...d.bytes].map((b) => b.toString(16).padStart(2, '0')).join('')}`}`
  }
}
