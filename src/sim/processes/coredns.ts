import type { Prng } from '../../base/prng.ts'
import { ok } from '../../base/result.ts'
import { formatIpv4, type Ipv4, parseIpv4 } from '../../net/address.ts'
import { DNS_TYPES, type DnsMessage, type DnsRecord, dnsQuery, dnsReply, RCODE } from '../../net/dns-message.ts'
import { canonicalName, isSubdomain } from '../../net/dns-name.ts'
import { parseResolvConf } from '../../net/resolv-conf.ts'
import { blockFor, type CacheOptions, type CorednsBlock, corednsBlocks, type ForwardOptions } from './coredns-plugins.ts'
import { DnsCache, minimalTtl, withTtl } from './dns-cache.ts'
import { kubernetesAnswer } from './dns-kubernetes.ts'
import { dnsObjects } from './dns-objects.ts'
import { type DnsServerParts, type DnsTransport, dnsListens, type Respond, serveDns } from './dns-server.ts'
import { DnsUpstream, type OnResponse } from './dns-upstream.ts'
import { commandError, parseOptions } from './options.ts'
import type { Process } from './process.ts'
import type { Program } from './program.ts'

const SECOND = 1_000_000_000
/** forward: readTimeout for one answer, two attempts a server. */
const READ_TIMEOUT = 2 * SECOND
const ATTEMPTS = 2
/** Go's listen(2): net.core.somaxconn. */
const BACKLOG = 4096
/** cache: the least that an answer is kept, seconds (minTTL). */
const LEAST_TTL = 5

/** CoreDNS with the plugins of a cluster's own Corefile: cache, loadbalance, kubernetes, forward. Over UDP and TCP. */
export const coredns: Program = {
  name: 'coredns',
  usage: 'coredns [-conf FILE]',
  prepare(argv) {
    // Go's flag package takes one dash or two.
    const words = argv.map((w) => w.replace(/^-(?=[a-z]{2})/, '--'))
    const options = parseOptions('coredns', words, [{ name: 'conf', long: 'conf', value: true }])
    if (!options.ok) return options
    if (options.value.operands.length > 0) return commandError('coredns: takes no operands; coredns [-conf FILE]')
    const file = options.value.value('conf') ?? 'Corefile'
    return ok({
      role: 'server',
      notes: [],
      ...dnsListens(undefined, BACKLOG),
      start: (process, cause) => start(process, file, cause),
    })
  },
}

function start(process: Process, file: string, cause: number): void {
  const blocks = corednsBlocks(process.readFile(file) ?? '.:53 {\n}\n')
  // A socket that nobody reads: a packet that reaches it ends as undetermined, with the listener named.
  if (!blocks.ok) return
  const server = new Coredns(process, blocks.value)
  const handle: DnsServerParts['handle'] = (q, respond, at, transport) => server.handle(q, respond, at, transport)
  serveDns(process, { compress: 'when needed', backlog: BACKLOG, handle }, cause)
}

interface DnsRequest {
  readonly query: DnsMessage
  readonly respond: Respond
  readonly transport: DnsTransport
}

class Coredns {
  readonly #process: Process
  readonly #blocks: readonly CorednsBlock[]
  readonly #caches = new Map<CorednsBlock, DnsCache>()
  readonly #upstream: DnsUpstream
  readonly #rng: Prng

  constructor(process: Process, blocks: readonly CorednsBlock[]) {
    this.#process = process
    this.#blocks = blocks
    this.#rng = process.rng('loadbalance')
    this.#upstream = new DnsUpstream(process, { timeout: READ_TIMEOUT, keep: true })
    for (const b of blocks) this.#caches.set(b, new DnsCache())
  }

  handle(query: DnsMessage, respond: Respond, cause: number, transport: DnsTransport): void {
    const name = canonicalName(query.questions[0]?.name ?? '.')
    const block = blockFor(this.#blocks, name)
    if (block === undefined) {
      respond(dnsReply(query, { rcode: RCODE.REFUSED }), cause)
      return
    }
    const shuffled: Respond = (m, at, cached) => respond(block.loadbalance ? this.#shuffled(m) : m, at, cached)
    this.#cached(block, { query, respond: shuffled, transport }, cause)
  }

  /** plugin/cache: what is kept is answered from there, the rest passes through and is kept. */
  #cached(block: CorednsBlock, request: DnsRequest, cause: number): void {
    const { query, respond } = request
    const name = canonicalName(query.questions[0]?.name ?? '.')
    const { cache: options } = block
    const cache = this.#caches.get(block)
    if (cache === undefined || options === undefined || !options.zones.some((z) => isSubdomain(z, name))) {
      this.#answer(block, request, cause)
      return
    }
    const known = cache.get(query, this.#process.now)
    if (known !== undefined) {
      const { message, ttl } = known
      // Some resolvers throw answers away that are not authoritative, so this one always says that it is (item.toMsg).
      const { answers, authority, additional, rcode, recursionAvailable } = withTtl(message, ttl)
      respond(dnsReply(query, { answers, authority, additional, rcode, recursionAvailable, authoritative: true }), cause, true)
      return
    }
    const pass: Respond = (m, at) => {
      const ttl = cacheTtl(m, options)
      if (keeps(m, options, name)) cache.set(query, m, this.#process.now, ttl)
      respond(withTtl({ ...m, authenticData: m.authenticData && query.authenticData }, ttl), at)
    }
    this.#answer(block, { ...request, query: { ...query, authenticData: true }, respond: pass }, cause)
  }

  #answer(block: CorednsBlock, request: DnsRequest, cause: number): void {
    const { query, respond, transport } = request
    const [question] = query.questions
    if (block.kubernetes === undefined || question === undefined) {
      this.#forward(block.forward, request, cause)
      return
    }
    const localIp = this.#localIp()
    const found = kubernetesAnswer(dnsObjects(this.#process.ns.kernel.rec), { ...block.kubernetes, localIp }, question)
    switch (found.kind) {
      case 'records':
        respond(dnsReply(query, { authoritative: true, answers: found.answers, additional: found.additional }), cause)
        return
      case 'negative':
        respond(dnsReply(query, { authoritative: true, rcode: found.rcode, authority: found.authority }), cause)
        return
      case 'external': {
        // Upstream.Lookup(): the server asks itself, through all of its plugins.
        const inner = dnsQuery(query.id, found.target, question.type)
        const join: Respond = ({ truncated, answers }, at, cached) =>
          respond(dnsReply(query, { authoritative: true, truncated, answers: [...found.answers, ...answers] }), at, cached)
        this.handle(inner, join, cause, transport)
        return
      }
      case 'next':
        this.#forward(block.forward, request, cause)
        return
    }
  }

  #localIp(): string | undefined {
    for (const device of this.#process.ns.devices.values()) {
      const own = device.addresses.find((a) => a.scope === 'global')
      if (own !== undefined) return formatIpv4(own.address)
    }
    return undefined
  }

  /** plugin/forward: each upstream in a random order, twice at most, over what the question came over. Its health checks are not modelled. */
  #forward(options: ForwardOptions | undefined, { query, respond, transport }: DnsRequest, cause: number): void {
    const name = canonicalName(query.questions[0]?.name ?? '.')
    const fail = (rcode: number, at: number) => respond(dnsReply(query, { rcode }), at)
    if (options === undefined || !isSubdomain(options.zone, name)) {
      fail(options === undefined ? RCODE.SERVFAIL : RCODE.REFUSED, cause)
      return
    }
    const servers = this.#shuffle(options.to.flatMap((to) => this.#addresses(to)))
    let left = ATTEMPTS * servers.length
    const attempt = (at: number) => {
      const server = servers[(ATTEMPTS * servers.length - left) % Math.max(1, servers.length)]
      if (left-- <= 0 || server === undefined) {
        fail(RCODE.SERVFAIL, at)
        return
      }
      const done: OnResponse = (m, seq) => (m === undefined ? attempt(seq) : respond(m, seq))
      this.#upstream.ask({ server, query, transport, done }, at)
    }
    attempt(cause)
  }

  /** `forward . /etc/resolv.conf`, `forward . 198.51.100.53:53` */
  #addresses(to: string): readonly Ipv4[] {
    const file = to.startsWith('/') ? this.#process.readFile(to) : undefined
    if (to.startsWith('/')) return file === undefined ? [] : parseResolvConf(file).nameservers
    const address = parseIpv4(to.replace(/^dns:\/\//, '').replace(/:53$/, ''))
    return address.ok ? [address.value] : []
  }

  /** plugin/loadbalance: addresses in a random order, after the CNAMEs that lead to them. */
  #shuffled(m: DnsMessage): DnsMessage {
    if (m.rcode !== RCODE.NOERROR) return m
    const order = (records: readonly DnsRecord[]): readonly DnsRecord[] => {
      if (records.length < 2) return records
      const of = (...types: number[]) => records.filter((r) => types.includes(r.type))
      const moved: readonly number[] = [DNS_TYPES.CNAME, DNS_TYPES.A, DNS_TYPES.AAAA, DNS_TYPES.MX]
      const rest = records.filter((r) => !moved.includes(r.type))
      return [
        ...of(DNS_TYPES.CNAME),
        ...rest,
        ...this.#shuffle(of(DNS_TYPES.A, DNS_TYPES.AAAA)),
        ...this.#shuffle(of(DNS_TYPES.MX)),
      ]
    }
    return { ...m, answers: order(m.answers), authority: order(m.authority), additional: order(m.additional) }
  }

  /** roundRobinShuffle(): two are swapped or not, more are drawn one after the other. */
  #shuffle<T>(list: readonly T[]): T[] {
    const out = [...list]
    for (let i = 0; i < out.length - 1; i++) {
      const j = i + this.#rng.below(out.length - i)
      const [a, b] = [out[i] as T, out[j] as T]
      out[i] = b
      out[j] = a
    }
    return out
  }
}

const isNegative = (m: DnsMessage): boolean => m.rcode === RCODE.NXDOMAIN || (m.rcode === RCODE.NOERROR && m.answers.length === 0)

/** computeTTL(): a response's own life within the bounds of the Corefile, seconds. */
function cacheTtl(m: DnsMessage, options: CacheOptions): number {
  const limit = isNegative(m) ? options.denial : options.success
  return Math.min(limit, Math.max(LEAST_TTL, minimalTtl(m)))
}

function keeps(m: DnsMessage, options: CacheOptions, name: string): boolean {
  if (m.truncated || (m.rcode !== RCODE.NOERROR && m.rcode !== RCODE.NXDOMAIN)) return false
  const except = isNegative(m) ? options.exceptDenial : options.exceptSuccess
  return !except.some((z) => isSubdomain(z, name))
}
