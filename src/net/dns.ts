import { concatBytes, get8, get16, get32, set16, set32 } from '../base/bytes.ts'
import { ok, type Result } from '../base/result.ts'
import { ipv4 } from './address.ts'
import { DNS_TYPES, type DnsData, type DnsFlags, type DnsMessage, type DnsQuestion, type DnsRecord } from './dns-message.ts'
import { NameWriter, readName } from './dns-name.ts'
import { type ParseError, parseError } from './parse-error.ts'

/** Offsets in a DNS message (RFC 1035 section 4.1.1), bytes. */
export const DNS = { ID: 0, FLAGS: 2, QDCOUNT: 4, ANCOUNT: 6, NSCOUNT: 8, ARCOUNT: 10, LENGTH: 12 } as const

const bit = (flag: boolean, at: number): number => (flag ? 1 << at : 0)

export const dnsFlagsWord = (f: DnsFlags): number =>
  bit(f.response, 15) |
  ((f.opcode & 15) << 11) |
  bit(f.authoritative, 10) |
  bit(f.truncated, 9) |
  bit(f.recursionDesired, 8) |
  bit(f.recursionAvailable, 7) |
  bit(f.authenticData, 5) |
  bit(f.checkingDisabled, 4) |
  (f.rcode & 15)

export const parseDnsFlags = (word: number): DnsFlags => ({
  response: (word & 0x8000) !== 0,
  opcode: (word >>> 11) & 15,
  authoritative: (word & 0x400) !== 0,
  truncated: (word & 0x200) !== 0,
  recursionDesired: (word & 0x100) !== 0,
  recursionAvailable: (word & 0x80) !== 0,
  authenticData: (word & 0x20) !== 0,
  checkingDisabled: (word & 0x10) !== 0,
  rcode: word & 15,
})

/** Where a part of a message stands, for readers that show bytes. */
export interface DnsSpan<T> {
  readonly value: T
  readonly start: number
  readonly end: number
}

export interface DnsLayout {
  readonly message: DnsMessage
  readonly questions: readonly DnsSpan<DnsQuestion>[]
  readonly records: readonly (DnsSpan<DnsRecord> & { readonly section: 'answer' | 'authority' | 'additional' })[]
}

/**
 * Reads a whole message. Compression pointers may only point back, as senders make them; data of a known type that does not
 * have its type's shape is kept as unknown bytes.
 * Errors: fewer bytes than the counts promise, a malformed name.
 */
export function parseDns(b: Uint8Array): Result<DnsMessage, ParseError> {
  const layout = dnsLayout(b)
  return layout.ok ? ok(layout.value.message) : layout
}

/** The same with the place of every question and record. */
export function dnsLayout(b: Uint8Array): Result<DnsLayout, ParseError> {
  if (b.length < DNS.LENGTH) return parseError('dns', b.length, `${DNS.LENGTH} bytes of header`)
  let at: number = DNS.LENGTH
  const questions: DnsSpan<DnsQuestion>[] = []
  for (let i = get16(b, DNS.QDCOUNT); i > 0; i--) {
    const name = readName(b, at)
    if (name === undefined || name.next + 4 > b.length) return parseError('dns', at, 'a question')
    const value = { name: name.name, type: get16(b, name.next), class: get16(b, name.next + 2) }
    questions.push({ value, start: at, end: name.next + 4 })
    at = name.next + 4
  }
  const records: DnsLayout['records'][number][] = []
  const section = (count: number, name: DnsLayout['records'][number]['section']): Result<readonly DnsRecord[], ParseError> => {
    const out: DnsRecord[] = []
    for (let i = count; i > 0; i--) {
      const read = readRecord(b, at)
      if (read === undefined) return parseError('dns', at, `a record of the ${name} section`)
      out.push(read.value)
      records.push({ value: read.value, start: at, end: read.end, section: name })
      at = read.end
    }
    return ok(out)
  }
  const answers = section(get16(b, DNS.ANCOUNT), 'answer')
  if (!answers.ok) return answers
  const authority = section(get16(b, DNS.NSCOUNT), 'authority')
  if (!authority.ok) return authority
  const additional = section(get16(b, DNS.ARCOUNT), 'additional')
  if (!additional.ok) return additional
  const message: DnsMessage = {
    id: get16(b, DNS.ID),
    ...parseDnsFlags(get16(b, DNS.FLAGS)),
    questions: questions.map((q) => q.value),
    answers: answers.value,
    authority: authority.value,
    additional: additional.value,
  }
  return ok({ message, questions, records })
}

function readRecord(b: Uint8Array, at: number): { readonly value: DnsRecord; readonly end: number } | undefined {
  const name = readName(b, at)
  if (name === undefined || name.next + 10 > b.length) return undefined
  const type = get16(b, name.next)
  const from = name.next + 10
  const to = from + get16(b, name.next + 8)
  if (to > b.length) return undefined
  const data = readData(b, type, from, to) ?? { kind: 'unknown', bytes: b.slice(from, to) }
  const value = { name: name.name, type, class: get16(b, name.next + 2), ttl: get32(b, name.next + 4), data }
  return { value, end: to }
}

/** Undefined when the bytes do not have the type's shape. */
function readData(b: Uint8Array, type: number, from: number, to: number): DnsData | undefined {
  const length = to - from
  const lastName = (at: number): string | undefined => {
    const n = readName(b, at)
    return n !== undefined && n.next === to ? n.name : undefined
  }
  switch (type) {
    case DNS_TYPES.A:
      return length === 4 ? { kind: 'a', address: ipv4(get32(b, from)) } : undefined
    case DNS_TYPES.AAAA:
      return length === 16 ? { kind: 'aaaa', address: b.slice(from, to) } : undefined
    case DNS_TYPES.NS:
    case DNS_TYPES.CNAME:
    case DNS_TYPES.PTR: {
      const name = lastName(from)
      return name === undefined ? undefined : { kind: 'name', name }
    }
    case DNS_TYPES.MX: {
      const name = length < 3 ? undefined : lastName(from + 2)
      return name === undefined ? undefined : { kind: 'mx', preference: get16(b, from), name }
    }
    case DNS_TYPES.SRV: {
      const target = length < 7 ? undefined : lastName(from + 6)
      if (target === undefined) return undefined
      return { kind: 'srv', priority: get16(b, from), weight: get16(b, from + 2), port: get16(b, from + 4), target }
    }
    case DNS_TYPES.SOA:
      return readSoa(b, from, to)
    case DNS_TYPES.TXT:
      return readTexts(b, from, to)
    case DNS_TYPES.OPT:
      return readOptions(b, from, to)
    default:
      return undefined
  }
}

function readSoa(b: Uint8Array, from: number, to: number): DnsData | undefined {
  const mname = readName(b, from)
  const rname = mname === undefined ? undefined : readName(b, mname.next)
  if (mname === undefined || rname === undefined || rname.next + 20 !== to) return undefined
  const at = rname.next
  return {
    kind: 'soa',
    mname: mname.name,
    rname: rname.name,
    serial: get32(b, at),
    refresh: get32(b, at + 4),
    retry: get32(b, at + 8),
    expire: get32(b, at + 12),
    minimum: get32(b, at + 16),
  }
}

function readTexts(b: Uint8Array, from: number, to: number): DnsData | undefined {
  const texts: Uint8Array[] = []
  for (let at = from; at < to; ) {
    const end = at + 1 + get8(b, at)
    if (end > to) return undefined
    texts.push(b.slice(at + 1, end))
    at = end
  }
  return { kind: 'txt', texts }
}

function readOptions(b: Uint8Array, from: number, to: number): DnsData | undefined {
  const options: { code: number; bytes: Uint8Array }[] = []
  for (let at = from; at < to; ) {
    const end = at + 4 + get16(b, at + 2)
    if (at + 4 > to || end > to) return undefined
    options.push({ code: get16(b, at), bytes: b.slice(at + 4, end) })
    at = end
  }
  return { kind: 'opt', options }
}

/** The message's bytes. `compress`: names that were written already become pointers, data of the types of RFC 1035 included. */
export function emitDns(m: DnsMessage, options: { readonly compress: boolean }): Uint8Array {
  const names = new NameWriter(options.compress)
  const head = new Uint8Array(DNS.LENGTH)
  set16(head, DNS.ID, m.id)
  set16(head, DNS.FLAGS, dnsFlagsWord(m))
  set16(head, DNS.QDCOUNT, m.questions.length)
  set16(head, DNS.ANCOUNT, m.answers.length)
  set16(head, DNS.NSCOUNT, m.authority.length)
  set16(head, DNS.ARCOUNT, m.additional.length)
  const parts: Uint8Array[] = [head]
  let at: number = DNS.LENGTH
  const push = (bytes: Uint8Array) => {
    parts.push(bytes)
    at += bytes.length
  }
  for (const q of m.questions) {
    push(names.bytes(q.name, at))
    push(words(q.type, q.class))
  }
  for (const r of [...m.answers, ...m.authority, ...m.additional]) {
    push(names.bytes(r.name, at))
    const fixed = new Uint8Array(10)
    set16(fixed, 0, r.type)
    set16(fixed, 2, r.class)
    set32(fixed, 4, r.ttl)
    const data = dataBytes(r.data, names, at + 10)
    set16(fixed, 8, data.length)
    push(fixed)
    push(data)
  }
  return concatBytes(parts)
}

const words = (...values: number[]): Uint8Array => {
  const out = new Uint8Array(2 * values.length)
  values.forEach((v, i) => {
    set16(out, 2 * i, v)
  })
  return out
}

function dataBytes(d: DnsData, names: NameWriter, at: number): Uint8Array {
  switch (d.kind) {
    case 'a': {
      const out = new Uint8Array(4)
      set32(out, 0, d.address)
      return out
    }
    case 'aaaa':
      return d.address
    case 'name':
      return names.bytes(d.name, at)
    case 'mx':
      return concatBytes([words(d.preference), names.bytes(d.name, at + 2)])
    case 'srv':
      // RFC 2782: the target is never compressed.
      return concatBytes([words(d.priority, d.weight, d.port), new NameWriter(false).bytes(d.target, 0)])
    case 'soa': {
      const mname = names.bytes(d.mname, at)
      const rname = names.bytes(d.rname, at + mname.length)
      const numbers = new Uint8Array(20)
      ;[d.serial, d.refresh, d.retry, d.expire, d.minimum].forEach((n, i) => {
        set32(numbers, 4 * i, n)
      })
      return concatBytes([mname, rname, numbers])
    }
    case 'txt':
      return concatBytes(d.texts.flatMap((t) => [Uint8Array.of(t.length), t]))
    case 'opt':
      return concatBytes(d.options.flatMap((o) => [words(o.code, o.bytes.length), o.bytes]))
    case 'unknown':
      return d.bytes
  }
}
