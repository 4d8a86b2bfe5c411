import { DNS_TYPES, type DnsMessage, type DnsRecord, RCODE } from '../../net/dns-message.ts'
import { canonicalName } from '../../net/dns-name.ts'

interface Kept {
  readonly message: DnsMessage
  /** Virtual ns. */
  readonly stored: number
  /** Seconds. */
  readonly ttl: number
}

const keyOf = (m: DnsMessage): string => {
  const [q] = m.questions
  const edns = m.additional.find((r) => r.type === DNS_TYPES.OPT)
  // The DO bit and CD ask for other answers.
  return `${canonicalName(q?.name ?? '')} ${q?.type} ${q?.class} ${((edns?.ttl ?? 0) & 0x8000) !== 0} ${m.checkingDisabled}`
}

/** Answers by question, each for as long as its records may live. */
export class DnsCache {
  readonly #kept = new Map<string, Kept>()

  /** The answer as of `now` (virtual ns), with what is left of its time in seconds; undefined when there is none that still lives. */
  get(query: DnsMessage, now: number): { readonly message: DnsMessage; readonly ttl: number } | undefined {
    const kept = this.#kept.get(keyOf(query))
    if (kept === undefined) return undefined
    const ttl = kept.ttl - Math.floor((now - kept.stored) / 1e9)
    return ttl <= 0 ? undefined : { message: kept.message, ttl }
  }

  set(query: DnsMessage, message: DnsMessage, now: number, ttl: number): void {
    if (ttl > 0) this.#kept.set(keyOf(query), { message, stored: now, ttl })
  }
}

/** dnsutil.MinimalTTL(): the shortest life of a message's records; of a negative answer, its SOA's minimum too. Seconds. */
export function minimalTtl(m: DnsMessage): number {
  const all = [...m.answers, ...m.authority, ...m.additional.filter((r) => r.type !== DNS_TYPES.OPT)]
  if (all.length === 0) return 5
  const negative = m.rcode === RCODE.NXDOMAIN || m.answers.length === 0
  return all.reduce(
    (least, r) => Math.min(least, r.ttl, negative && r.data.kind === 'soa' ? r.data.minimum : Number.POSITIVE_INFINITY),
    3600,
  )
}

/** Every record but OPT with this TTL. */
export function withTtl(m: DnsMessage, ttl: number): DnsMessage {
  const set = (records: readonly DnsRecord[]) => records.map((r) => (r.type === DNS_TYPES.OPT ? r : { ...r, ttl }))
  return { ...m, answers: set(m.answers), authority: set(m.authority), additional: set(m.additional) }
}
