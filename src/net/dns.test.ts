import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Ipv4, parseIpv4 } from './address.ts'
import { emitDns, parseDns } from './dns.ts'
import {
  aRecord,
  DNS_TYPES,
  type DnsData,
  type DnsMessage,
  type DnsRecord,
  dnsDataText,
  dnsQuery,
  dnsReply,
  dnsTypeName,
  dnsTypeOf,
  nameRecord,
  soaRecord,
} from './dns-message.ts'
import { fqdn, isSubdomain, labelsOf, readName, reverseName, splitName } from './dns-name.ts'

const u16 = fc.integer({ min: 0, max: 0xffff })
const u32 = fc.integer({ min: 0, max: 0xffffffff })
const bytes = (max: number) => fc.uint8Array({ maxLength: max })
/** Labels of any octets: what text cannot hold is escaped. */
const name = fc
  .array(fc.uint8Array({ minLength: 1, maxLength: 12 }), { maxLength: 5 })
  .map((labels) => `${labels.map((l) => [...l].map((b) => `\\${String(b).padStart(3, '0')}`).join('')).join('.')}.`)
  .map((text) => fqdn(text) ?? '.')

const data: fc.Arbitrary<readonly [number, DnsData]> = fc.oneof(
  u32.map((n) => [DNS_TYPES.A, { kind: 'a', address: n as Ipv4 }] as const),
  fc.uint8Array({ minLength: 16, maxLength: 16 }).map((b) => [DNS_TYPES.AAAA, { kind: 'aaaa', address: b }] as const),
  fc
    .tuple(fc.constantFrom(DNS_TYPES.NS, DNS_TYPES.CNAME, DNS_TYPES.PTR), name)
    .map(([type, n]) => [type, { kind: 'name', name: n }] as const),
  fc
    .tuple(name, name, u32, u32, u32, u32, u32)
    .map(
      ([mname, rname, serial, refresh, retry, expire, minimum]) =>
        [DNS_TYPES.SOA, { kind: 'soa', mname, rname, serial, refresh, retry, expire, minimum }] as const,
    ),
  fc
    .tuple(u16, u16, u16, name)
    .map(([priority, weight, port, target]) => [DNS_TYPES.SRV, { kind: 'srv', priority, weight, port, target }] as const),
  fc.tuple(u16, name).map(([preference, n]) => [DNS_TYPES.MX, { kind: 'mx', preference, name: n }] as const),
  fc.array(bytes(20), { maxLength: 3 }).map((texts) => [DNS_TYPES.TXT, { kind: 'txt', texts }] as const),
  fc
    .array(fc.record({ code: u16, bytes: bytes(20) }), { maxLength: 3 })
    .map((options) => [DNS_TYPES.OPT, { kind: 'opt', options }] as const),
  bytes(20).map((b) => [65280, { kind: 'unknown', bytes: b }] as const),
)
const record: fc.Arbitrary<DnsRecord> = fc
  .tuple(name, u16, u32, data)
  .map(([n, cls, ttl, [type, d]]) => ({ name: n, type, class: cls, ttl, data: d }))
const records = fc.array(record, { maxLength: 4 })
const message: fc.Arbitrary<DnsMessage> = fc.record({
  id: u16,
  response: fc.boolean(),
  opcode: fc.integer({ min: 0, max: 15 }),
  authoritative: fc.boolean(),
  truncated: fc.boolean(),
  recursionDesired: fc.boolean(),
  recursionAvailable: fc.boolean(),
  authenticData: fc.boolean(),
  checkingDisabled: fc.boolean(),
  rcode: fc.integer({ min: 0, max: 15 }),
  questions: fc.array(fc.record({ name, type: u16, class: u16 }), { maxLength: 2 }),
  answers: records,
  authority: records,
  additional: records,
})

describe('DNS messages', () => {
  it('read back as they were written, with names compressed or not', () => {
    fc.assert(
      fc.property(message, fc.boolean(), (m, compress) => {
        const wire = emitDns(m, { compress })
        const again = parseDns(wire)
        expect(again.ok && lower(again.value)).toEqual(lower(m))
      }),
    )
  })

  it('never throw on bytes of any kind, cut off anywhere', () => {
    fc.assert(fc.property(bytes(80), (b) => typeof parseDns(b).ok === 'boolean'))
    fc.assert(
      fc.property(message, fc.nat(), (m, cut) => {
        const wire = emitDns(m, { compress: true })
        const short = wire.subarray(0, cut % Math.max(1, wire.length))
        if (short.length < wire.length) expect(parseDns(short).ok).toBe(false)
      }),
    )
  })

  it('point to a name that was written before, as RFC 1035 section 4.1.4 shows', () => {
    const m = dnsReply(dnsQuery(1, 'f.isi.arpa.', DNS_TYPES.A), {
      answers: [nameRecord('foo.f.isi.arpa.', 'NS', 60, 'arpa.')],
    })
    const wire = emitDns(m, { compress: true })
    // Header, the question's 12 + 4, then: label foo + pointer, fixed part, pointer.
    expect(wire.length).toBe(12 + 16 + 6 + 10 + 2)
    expect(emitDns(m, { compress: false }).length).toBe(12 + 16 + 16 + 10 + 6)
  })

  it('take no pointer that leads forward or to itself', () => {
    expect(readName(Uint8Array.of(0xc0, 0x00), 0)).toBeUndefined()
    expect(readName(Uint8Array.of(0xc0, 0x02, 0), 0)).toBeUndefined()
    expect(readName(Uint8Array.of(1, 97, 0, 0xc0, 0), 3)).toEqual({ name: 'a.', next: 5 })
  })

  it('have the size that CoreDNS answers with: 129 bytes for a Service, by dig with its cookie', () => {
    const q = dnsQuery(7, 'kubernetes.default.svc.cluster.local.', DNS_TYPES.A)
    const address = parseIpv4('10.96.0.1')
    const answer = dnsReply(q, {
      answers: address.ok ? [aRecord('kubernetes.default.svc.cluster.local.', 30, address.value)] : [],
      additional: [
        { name: '.', type: 41, class: 1232, ttl: 0, data: { kind: 'opt', options: [{ code: 10, bytes: new Uint8Array(8) }] } },
      ],
    })
    expect(emitDns(answer, { compress: false }).length).toBe(129)
  })
})

describe('domain names', () => {
  it('are at most 255 octets of labels of at most 63', () => {
    const label = 'a'.repeat(63)
    expect(labelsOf(`${label}a.`).ok).toBe(false)
    expect(labelsOf(`${label}.${label}.${label}.${'a'.repeat(61)}.`).ok).toBe(true)
    expect(labelsOf(`${label}.${label}.${label}.${'a'.repeat(62)}.`).ok).toBe(false)
    expect(labelsOf('a..b').ok).toBe(false)
    expect(fqdn('www.example.com')).toBe('www.example.com.')
    expect(fqdn('.')).toBe('.')
  })

  it('keep a dot inside a label apart from the dots between labels', () => {
    expect(splitName('a\\.b.c.')).toEqual(['a\\.b', 'c'])
    expect(fqdn('tab\\009.')).toBe('tab\\009.')
  })

  it('lie in their zones', () => {
    expect(isSubdomain('cluster.local.', 'web.cluster.local.')).toBe(true)
    expect(isSubdomain('cluster.local.', 'mycluster.local.')).toBe(false)
    expect(isSubdomain('.', 'com.')).toBe(true)
    expect(reverseName('10.244.1.3')).toBe('3.1.244.10.in-addr.arpa.')
  })
})

describe('DNS notation', () => {
  it('names types, known and unknown', () => {
    expect([dnsTypeName(28), dnsTypeName(65280), dnsTypeOf('aaaa'), dnsTypeOf('TYPE33'), dnsTypeOf('nope')]).toEqual([
      'AAAA',
      'TYPE65280',
      28,
      33,
      undefined,
    ])
  })

  it('writes data as a master file does', () => {
    const soa = soaRecord('cluster.local.', 30, {
      mname: 'ns.dns.cluster.local.',
      rname: 'hostmaster.cluster.local.',
      serial: 1,
      refresh: 7200,
      retry: 1800,
      expire: 86400,
      minimum: 30,
    })
    expect(dnsDataText(soa.data)).toBe('ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 30')
    expect(dnsDataText({ kind: 'srv', priority: 0, weight: 100, port: 80, target: 'web.' })).toBe('0 100 80 web.')
    expect(dnsDataText({ kind: 'unknown', bytes: Uint8Array.of(1, 171) })).toBe('\\# 2 01ab')
    const v6 = new Uint8Array(16)
    v6.set([0x20, 0x01, 0x0d, 0xb8])
    v6[15] = 1
    expect(dnsDataText({ kind: 'aaaa', address: v6 })).toBe('2001:db8::1')
  })
})

/** A compressed suffix takes the case of where it was written first: names compare without case (RFC 4343). */
function lower(m: DnsMessage): unknown {
  return JSON.parse(JSON.stringify(m, (_, v: unknown) => (typeof v === 'string' ? v.toLowerCase() : v)))
}
