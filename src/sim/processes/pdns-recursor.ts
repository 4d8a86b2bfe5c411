import { ok } from '../../base/result.ts'
import { type Ipv4, parseIpv4 } from '../../net/address.ts'
import { DNS_TYPES, type DnsMessage, type DnsRecord, dnsQuery, dnsReply, RCODE } from '../../net/dns-message.ts'
import { canonicalName, isSubdomain } from '../../net/dns-name.ts'
import { DnsCache, minimalTtl, withTtl } from './dns-cache.ts'
import { type DnsTransport, dnsListens, type Respond, serveDns } from './dns-server.ts'
import { DnsUpstream, type OnResponse } from './dns-upstream.ts'
import { hintsOf } from './dns-zone.ts'
import { commandError, parseOptions } from './options.ts'
import type { Process } from './process.ts'
import type { Program } from './program.ts'

/** network-timeout: 1500 ms for one answer. */
const TIMEOUT = 1_500_000_000
/** listen(2) of doTCP. */
const BACKLOG = 128
/** Questions for one answer, CNAMEs and referrals together (max-qperq is 50). */
const MAX_QUERIES = 30
/** Seconds that an answer, and a denial, is kept at most (max-cache-ttl, max-negative-ttl). */
const MAX_TTL = 86400
const MAX_NEGATIVE_TTL = 3600

/** The PowerDNS Recursor: it asks from the root downwards until somebody knows, and remembers. */
export const pdnsRecursor: Program = {
  name: 'pdns_recursor',
  usage: 'pdns_recursor [--local-address=ADDRESS] [--query-local-address=ADDRESS] [--hint-file=FILE]',
  prepare(argv) {
    const options = parseOptions('pdns_recursor', argv, [
      { name: 'local', long: 'local-address', value: true },
      { name: 'source', long: 'query-local-address', value: true },
      { name: 'hints', long: 'hint-file', value: true },
    ])
    if (!options.ok) return options
    const addressOf = (name: string) => {
      const text = options.value.value(name)
      const parsed = text === undefined ? undefined : parseIpv4(text)
      return { given: text, address: parsed?.ok === true ? parsed.value : undefined }
    }
    const local = addressOf('local')
    const source = addressOf('source')
    const wrong = [local, source].find((a) => a.given !== undefined && a.address === undefined)
    if (wrong !== undefined) return commandError(`pdns_recursor: "${wrong.given}" is no IPv4 address`)
    const { address } = local
    const hints = options.value.value('hints') ?? '/etc/powerdns/root.hints'
    return ok({
      role: 'server',
      notes: [],
      ...dnsListens(address, BACKLOG),
      start: (process, cause) => {
        const recursor = new Recursor(process, hintsOf(process.readFile(hints) ?? ''), source.address)
        const handle = (q: DnsMessage, respond: Respond, at: number) => recursor.handle(q, respond, at)
        serveDns(process, { ...(address === undefined ? {} : { address }), compress: 'always', backlog: BACKLOG, handle }, cause)
      },
    })
  },
}

interface Delegation {
  readonly zone: string
  readonly servers: readonly Ipv4[]
}

/** What resolving came to: the answer section so far, and how it ended. */
interface Outcome {
  readonly rcode: number
  readonly answers: readonly DnsRecord[]
  readonly authority: readonly DnsRecord[]
}

class Recursor {
  readonly #process: Process
  readonly #upstream: DnsUpstream
  readonly #cache = new DnsCache()
  readonly #delegations = new Map<string, Delegation & { readonly until: number }>()

  constructor(process: Process, hints: readonly DnsRecord[], source: Ipv4 | undefined) {
    this.#process = process
    this.#upstream = new DnsUpstream(process, { timeout: TIMEOUT, keep: false, ...(source === undefined ? {} : { source }) })
    const servers = hints.flatMap((r) => (r.data.kind === 'a' ? [r.data.address] : []))
    this.#delegations.set('.', { zone: '.', servers, until: Number.POSITIVE_INFINITY })
  }

  handle(query: DnsMessage, respond: Respond, cause: number): void {
    const [question] = query.questions
    if (question === undefined) return
    const asked = { ...query, additional: [] }
    const known = this.#cache.get(asked, this.#process.now)
    if (known !== undefined) {
      const { answers, authority, rcode } = withTtl(known.message, known.ttl)
      respond(dnsReply(query, { recursionAvailable: true, answers, authority, rcode }), cause, true)
      return
    }
    const resolution = new Resolution({
      upstream: this.#upstream,
      closest: (n) => this.#closest(n),
      learn: (m) => this.#learn(m),
    })
    resolution.resolve({ name: question.name, type: question.type }, cause, (o, seq) => {
      const { rcode, answers, authority } = o
      const response = dnsReply(query, { recursionAvailable: true, rcode, answers, authority })
      const limit = answers.length > 0 ? MAX_TTL : MAX_NEGATIVE_TTL
      if (rcode !== RCODE.SERVFAIL) this.#cache.set(asked, response, this.#process.now, Math.min(limit, minimalTtl(response)))
      respond(response, seq)
    })
  }

  /** The deepest zone above a name whose servers are known. */
  #closest(name: string): Delegation {
    let best: Delegation = { zone: '.', servers: [] }
    for (const d of this.#delegations.values()) {
      if (d.until > this.#process.now && isSubdomain(d.zone, name) && d.zone.length >= best.zone.length) best = d
    }
    return best
  }

  /** A referral: the zone's servers, where their addresses came along. */
  #learn(m: DnsMessage): Delegation | undefined {
    const ns = m.authority.filter((r) => r.type === DNS_TYPES.NS)
    const [first] = ns
    if (first === undefined) return undefined
    const names = new Set(ns.flatMap((r) => (r.data.kind === 'name' ? [canonicalName(r.data.name)] : [])))
    const servers = m.additional.flatMap((r) => (r.data.kind === 'a' && names.has(canonicalName(r.name)) ? [r.data.address] : []))
    const zone = canonicalName(first.name)
    const until = this.#process.now + Math.min(first.ttl, MAX_TTL) * 1e9
    this.#delegations.set(zone, { zone, servers, until })
    return { zone, servers }
  }
}

interface ResolutionParts {
  readonly upstream: DnsUpstream
  readonly closest: (name: string) => Delegation
  readonly learn: (referral: DnsMessage) => Delegation | undefined
}

/** RFC 1034 section 5.3.3: ask the closest servers; a referral leads down, a CNAME begins again. */
class Resolution {
  readonly #p: ResolutionParts
  #queries = 0
  readonly #answers: DnsRecord[] = []

  constructor(parts: ResolutionParts) {
    this.#p = parts
  }

  resolve(q: { readonly name: string; readonly type: number }, cause: number, done: (o: Outcome, cause: number) => void): void {
    this.#ask(q, this.#p.closest(canonicalName(q.name)), 0, cause, done)
  }

  #ask(
    q: { readonly name: string; readonly type: number },
    at: Delegation,
    index: number,
    cause: number,
    done: (o: Outcome, cause: number) => void,
  ): void {
    const server = at.servers[index]
    if (server === undefined || this.#queries++ >= MAX_QUERIES) {
      done({ rcode: RCODE.SERVFAIL, answers: [], authority: [] }, cause)
      return
    }
    // An authoritative server is not asked to do the work.
    const query = dnsQuery(0, q.name, q.type, { recursionDesired: false })
    const heard = (transport: DnsTransport): OnResponse => {
      return (m, seq) => {
        if (m?.truncated === true && transport === 'udp') {
          this.#p.upstream.ask({ server, query, transport: 'tcp', done: heard('tcp') }, seq)
          return
        }
        const usable = m !== undefined && (m.rcode === RCODE.NOERROR || m.rcode === RCODE.NXDOMAIN)
        if (usable) this.#read(q, at, m, seq, done)
        else this.#ask(q, at, index + 1, seq, done)
      }
    }
    this.#p.upstream.ask({ server, query, transport: 'udp', done: heard('udp') }, cause)
  }

  #read(
    q: { readonly name: string; readonly type: number },
    at: Delegation,
    m: DnsMessage,
    cause: number,
    done: (o: Outcome, cause: number) => void,
  ): void {
    let name = canonicalName(q.name)
    for (const r of m.answers) {
      if (canonicalName(r.name) !== name) continue
      this.#answers.push(r)
      if (r.type === DNS_TYPES.CNAME && q.type !== DNS_TYPES.CNAME && r.data.kind === 'name') name = canonicalName(r.data.name)
    }
    const found = this.#answers.some((r) => r.type === q.type)
    const negative = m.rcode === RCODE.NXDOMAIN || m.authority.some((r) => r.type === DNS_TYPES.SOA)
    if (found || negative) {
      const authority = found ? [] : m.authority.filter((r) => r.type === DNS_TYPES.SOA)
      done({ rcode: found ? RCODE.NOERROR : m.rcode, answers: this.#answers, authority }, cause)
      return
    }
    if (name !== canonicalName(q.name)) {
      this.resolve({ name, type: q.type }, cause, done)
      return
    }
    const next = this.#p.learn(m)
    if (next === undefined || next.zone.length <= at.zone.length) {
      done({ rcode: m.authoritative ? RCODE.NOERROR : RCODE.SERVFAIL, answers: this.#answers, authority: [] }, cause)
      return
    }
    this.#ask(q, next, 0, cause, done)
  }
}
