import { parseIpv4 } from '../../net/address.ts'
import { aRecord, DNS_CLASS_IN, DNS_TYPES, type DnsData, type DnsRecord, dnsTypeOf, type SoaData } from '../../net/dns-message.ts'
import { canonicalName, fqdn, isSubdomain } from '../../net/dns-name.ts'

/** A zone as an authoritative server holds it. */
export interface Zone {
  /** Canonical, with the dot. */
  readonly origin: string
  readonly records: readonly DnsRecord[]
}

/**
 * A master file (RFC 1035 section 5): $ORIGIN, $TTL, `@`, owners left out, records of A, NS, CNAME, SOA, PTR, SRV, MX, TXT on
 * one line each. Lines that cannot be read are left out.
 */
export function parseZone(text: string, origin: string): Zone {
  const records: DnsRecord[] = []
  let current = origin
  let ttl = 3600
  let owner = origin
  const absolute = (name: string): string =>
    name === '@' ? current : (fqdn(name.endsWith('.') || current === '.' ? name : `${name}.${current}`) ?? current)
  for (const raw of text.split('\n')) {
    const line = raw.replace(/;.*$/, '')
    const words = line.match(/"[^"]*"|\S+/g) ?? []
    if (words.length === 0) continue
    if (words[0] === '$ORIGIN') current = fqdn(words[1] ?? '.') ?? current
    else if (words[0] === '$TTL') ttl = Number(words[1] ?? ttl)
    else {
      if (!/^\s/.test(line)) owner = absolute(words.shift() ?? '@')
      let own = ttl
      while (words[0] !== undefined && (/^\d+$/.test(words[0]) || words[0].toUpperCase() === 'IN')) {
        const word = words.shift() ?? ''
        if (/^\d+$/.test(word)) own = Number(word)
      }
      const type = dnsTypeOf(words.shift() ?? '')
      const data = type === undefined ? undefined : dataOf(type, words, absolute)
      if (type !== undefined && data !== undefined) records.push({ name: owner, type, class: DNS_CLASS_IN, ttl: own, data })
    }
  }
  return { origin: canonicalName(origin), records }
}

function dataOf(type: number, words: readonly string[], absolute: (name: string) => string): DnsData | undefined {
  const [a = '', b = '', c = '', d = ''] = words
  switch (type) {
    case DNS_TYPES.A: {
      const address = parseIpv4(a)
      return address.ok ? { kind: 'a', address: address.value } : undefined
    }
    case DNS_TYPES.NS:
    case DNS_TYPES.CNAME:
    case DNS_TYPES.PTR:
      return { kind: 'name', name: absolute(a) }
    case DNS_TYPES.MX:
      return { kind: 'mx', preference: Number(a), name: absolute(b) }
    case DNS_TYPES.SRV:
      return { kind: 'srv', priority: Number(a), weight: Number(b), port: Number(c), target: absolute(d) }
    case DNS_TYPES.TXT:
      return { kind: 'txt', texts: words.map((w) => new TextEncoder().encode(w.replace(/^"|"$/g, ''))) }
    case DNS_TYPES.SOA: {
      const [serial = 0, refresh = 0, retry = 0, expire = 0, minimum = 0] = words.slice(2).map(Number)
      return { kind: 'soa', mname: absolute(a), rname: absolute(b), serial, refresh, retry, expire, minimum }
    }
    default:
      return undefined
  }
}

export type ZoneAnswer =
  | { readonly kind: 'answer'; readonly answers: readonly DnsRecord[]; readonly additional: readonly DnsRecord[] }
  /** The name is another server's: NS records and the addresses of their names, as far as they lie below. */
  | { readonly kind: 'referral'; readonly authority: readonly DnsRecord[]; readonly additional: readonly DnsRecord[] }
  | {
      readonly kind: 'nxdomain' | 'nodata'
      /** CNAMEs that led here. */
      readonly answers: readonly DnsRecord[]
      readonly authority: readonly DnsRecord[]
    }

const MAX_CNAMES = 8

/** RFC 1034 section 4.3.2, without wildcards. The name must be the zone's. */
export function zoneAnswer(zone: Zone, question: string, type: number): ZoneAnswer {
  const answers: DnsRecord[] = []
  let name = canonicalName(question)
  for (let i = 0; i <= MAX_CNAMES; i++) {
    const cut = delegation(zone, name)
    if (cut.length > 0) return { kind: 'referral', authority: cut, additional: glue(zone, cut) }
    const here = zone.records.filter((r) => canonicalName(r.name) === name)
    const alias = here.find((r) => r.type === DNS_TYPES.CNAME)
    if (alias?.data.kind === 'name' && type !== DNS_TYPES.CNAME) {
      answers.push(alias)
      name = canonicalName(alias.data.name)
      if (isSubdomain(zone.origin, name)) continue
      return { kind: 'answer', answers, additional: [] }
    }
    const found = here.filter((r) => r.type === type || type === DNS_TYPES.ANY)
    if (found.length > 0) return { kind: 'answer', answers: [...answers, ...found], additional: glue(zone, found) }
    const exists = here.length > 0 || zone.records.some((r) => canonicalName(r.name).endsWith(`.${name}`))
    return { kind: exists ? 'nodata' : 'nxdomain', answers, authority: negativeSoa(zone) }
  }
  return { kind: 'nodata', answers, authority: negativeSoa(zone) }
}

/** The NS records of the zone cut at or above `name` and below the apex. */
function delegation(zone: Zone, name: string): DnsRecord[] {
  const cuts = zone.records.filter(
    (r) => r.type === DNS_TYPES.NS && canonicalName(r.name) !== zone.origin && isSubdomain(canonicalName(r.name), name),
  )
  const highest = Math.min(...cuts.map((r) => r.name.length))
  return cuts.filter((r) => r.name.length === highest)
}

function glue(zone: Zone, records: readonly DnsRecord[]): DnsRecord[] {
  const names = new Set(
    records.flatMap((r) =>
      r.data.kind === 'name' && r.type === DNS_TYPES.NS ? canonicalName(r.data.name) : r.data.kind === 'srv' ? r.data.target : [],
    ),
  )
  return zone.records.filter((r) => r.type === DNS_TYPES.A && names.has(canonicalName(r.name)))
}

/** RFC 2308 section 3: the SOA lives as long as its own minimum says. */
function negativeSoa(zone: Zone): DnsRecord[] {
  return zone.records.flatMap((r) =>
    r.data.kind === 'soa' ? { ...r, ttl: Math.min(r.ttl, (r.data satisfies SoaData).minimum) } : [],
  )
}

/** Root hints: every A record of a master file. */
export const hintsOf = (text: string): DnsRecord[] =>
  parseZone(text, '.').records.flatMap((r) => (r.data.kind === 'a' ? aRecord(r.name, r.ttl, r.data.address) : []))
