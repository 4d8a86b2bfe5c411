import type { UdpSocket } from '../../kernel/sockets/index.ts'
import type { Timer } from '../../kernel/types.ts'
import { formatIpv4, type Ipv4 } from '../../net/address.ts'
import { emitDns, parseDns } from '../../net/dns.ts'
import {
  DNS_PORT,
  DNS_TYPES,
  type DnsMessage,
  type DnsQuestion,
  dnsQuery,
  dnsRcodeName,
  dnsTypeName,
  RCODE,
} from '../../net/dns-message.ts'
import { canonicalName } from '../../net/dns-name.ts'
import type { ResolvConf } from '../../net/resolv-conf.ts'
import { askOverTcp } from './dns-tcp.ts'
import type { Process } from './process.ts'

const SECOND = 1_000_000_000

/** What one call of the resolver keeps from query to query (struct __res_state): a timeout makes it careful for good. */
export interface ResolverState {
  readonly process: Process
  readonly conf: ResolvConf
  readonly id: () => number
  /** RES_F_SNGLKUP: the second question waits for the first one's answer. */
  singleRequest: boolean
  /** RES_F_SNGLKUPREOP: and has a socket of its own. */
  reopen: boolean
}

/** `decidedBy` is the step that told: a response, an ICMP error, a timer. */
export type Sent =
  | { readonly kind: 'answered'; readonly answers: readonly (DnsMessage | undefined)[] }
  /** `servfail`: the last thing heard was that a server had failed itself. */
  | { readonly kind: 'failed'; readonly errno: 'ETIMEDOUT' | 'ECONNREFUSED'; readonly servfail: boolean }

export interface SendParts {
  readonly state: ResolverState
  readonly name: string
  /** One type, or A and AAAA at once. */
  readonly types: readonly number[]
  readonly done: (sent: Sent, cause: number) => void
}

/** A question as steps say it: `A? web.default.svc.cluster.local.` */
export const questionText = (q: DnsQuestion): string => `${dnsTypeName(q.type)}? ${q.name}`

/** A response in a few words: `NXDOMAIN A? web.`, `NOERROR A? web. 1 answer`; `cached` where a server has kept it. */
export function responseText(m: DnsMessage, cached = false): string {
  const [q] = m.questions
  const n = m.answers.length
  const referral = n === 0 && !m.authoritative ? m.authority.find((r) => r.type === DNS_TYPES.NS) : undefined
  const none = referral === undefined ? 'no answer' : `referral to ${referral.name}`
  const count = m.rcode === RCODE.NOERROR ? ` ${n === 0 ? none : n === 1 ? '1 answer' : `${n} answers`}` : ''
  const how = `${cached ? ', cached' : ''}${m.truncated ? ', truncated' : ''}`
  return `${dnsRcodeName(m.rcode)} ${q === undefined ? '' : questionText(q)}${count}${how}`
}

/**
 * __res_context_send() and send_dg(): the same one or two questions to each server in turn, for so many rounds. Two questions
 * leave at once from one socket; when only one of them is answered in time, they are asked again one after the other.
 * Errors: ECONNREFUSED when no server could be reached at all, ETIMEDOUT when one could and did not answer.
 */
export class ResolverSend {
  readonly #p: SendParts
  readonly #queries: readonly DnsMessage[]
  readonly #answers: (DnsMessage | undefined)[]
  /** Answers with an error, which count as received and say nothing. */
  readonly #received: boolean[]
  #attempt = 0
  #server = 0
  #written = 0
  #gotSomewhere = false
  #servfail = false
  #socket: UdpSocket | undefined
  /** By index of the server (nssocks): one that was silent is asked again from the same port. */
  readonly #sockets = new Map<number, UdpSocket>()
  #timer: Timer | undefined

  constructor(parts: SendParts) {
    this.#p = parts
    const edns = parts.state.conf.edns0
      ? [{ name: '.', type: DNS_TYPES.OPT, class: 1200, ttl: 0, data: { kind: 'opt', options: [] } as const }]
      : []
    this.#queries = parts.types.map((type) => dnsQuery(parts.state.id(), parts.name, type, { additional: edns }))
    this.#answers = parts.types.map(() => undefined)
    this.#received = parts.types.map(() => false)
  }

  start(cause: number): void {
    if (this.#state.conf.useVc) {
      this.#overTcp(cause)
      return
    }
    this.#open(cause)
    this.#try(cause)
  }

  /**
   * send_vc(): both questions in one write over a connection, which is closed when both are answered. What a datagram has brought
   * so far counts for nothing. Each server is asked once, whatever `attempts` says, and waited for as long as TCP waits.
   */
  #overTcp(cause: number): void {
    const { process, conf } = this.#state
    this.#closeAll()
    this.#answers.fill(undefined)
    this.#received.fill(false)
    const seq = process.step('connect', `${formatIpv4(this.#address)}:${DNS_PORT}`, cause)
    askOverTcp(
      {
        process,
        server: this.#address,
        queries: this.#queries.map((q) => emitDns(q, { compress: false })),
        texts: this.#queries.map(({ questions: [question] }) => (question === undefined ? '' : questionText(question))),
        onMessage: (m, _, at) => this.#heardOverTcp(m, at),
        onFailed: (error, at) => {
          if (error === 'timed out') this.#gotSomewhere = true
          this.#server++
          if (this.#server < conf.nameservers.length) this.#overTcp(at)
          else this.#fail(at)
        },
      },
      seq,
    )
  }

  /** True when nothing more is waited for. */
  #heardOverTcp(m: DnsMessage, cause: number): boolean {
    const i = this.#queries.findIndex((q, n) => this.#received[n] !== true && q.id === m.id && sameQuestion(q, m))
    if (i < 0) return false
    const seq = this.#state.process.step('receive', responseText(m), cause)
    this.#received[i] = true
    this.#answers[i] = m
    if (!this.#received.every((r) => r)) return false
    // The connection is closed before its answers are used.
    this.#state.process.nextCall(() => this.#done(seq))
    return true
  }

  get #state(): ResolverState {
    return this.#p.state
  }
  get #address(): Ipv4 {
    const { nameservers } = this.#state.conf
    return nameservers[this.#server % nameservers.length] as Ipv4
  }

  /** reopen(): a connected socket, so that an ICMP error is heard. */
  #open(cause: number): void {
    const { process } = this.#state
    const kept = this.#sockets.get(this.#server)
    if (kept !== undefined) {
      this.#socket = kept
      return
    }
    const socket = process.sockets.udp(process.owner)
    this.#socket = socket
    this.#sockets.set(this.#server, socket)
    process.atExit(() => socket.close())
    const seq = process.step('connect', `${formatIpv4(this.#address)}:${DNS_PORT}`, cause)
    const connected = socket.connect(this.#address, DNS_PORT)
    if (!connected.ok) {
      this.#close()
      process.after(0, 'resolver', seq, (next) => this.#nextServer(next))
      return
    }
    socket.onWake = (woken) => this.#readable(woken)
  }

  #close(): void {
    this.#timer?.cancel()
    this.#socket?.close()
    this.#socket = undefined
    this.#sockets.delete(this.#server)
  }

  /** __res_iclose(): every socket that a server's silence has left open. */
  #closeAll(): void {
    this.#close()
    for (const socket of this.#sockets.values()) socket.close()
    this.#sockets.clear()
  }

  /** The label `retry` of send_dg(): everything is asked again, with the whole time for it. */
  #try(cause: number): void {
    if (this.#socket === undefined) return
    const { process, conf } = this.#state
    this.#received.fill(false)
    this.#written = 0
    const shifted = conf.timeout << this.#server
    const seconds = Math.max(1, this.#server > 0 ? Math.floor(shifted / conf.nameservers.length) : shifted)
    this.#timer?.cancel()
    this.#timer = process.after(seconds * SECOND, 'resolver timeout', cause, (seq) => this.#timedOut(seq))
    this.#write(cause)
  }

  #write(cause: number): void {
    const { process } = this.#state
    do {
      const query = this.#queries[this.#written]
      if (query === undefined || this.#socket === undefined) return
      this.#written++
      const [question] = query.questions
      const seq = process.step('send', question === undefined ? '' : questionText(question), cause)
      const sent = this.#socket.send(emitDns(query, { compress: false }), undefined, seq)
      if (!sent.ok) {
        this.#close()
        process.after(0, 'resolver', seq, (next) => this.#nextServer(next))
        return
      }
    } while (!this.#state.singleRequest)
  }

  #readable(cause: number): void {
    const socket = this.#socket
    if (socket === undefined) return
    if (socket.takeError() !== undefined) {
      const seq = this.#state.process.step('error', `${formatIpv4(this.#address)}:${DNS_PORT} Connection refused`, cause)
      this.#close()
      this.#nextServer(seq)
      return
    }
    for (let d = socket.receive(); d !== undefined; d = socket.receive()) {
      const message = parseDns(d.bytes)
      this.#gotSomewhere = true
      if (message.ok && this.#answer(message.value, d.cause)) return
    }
  }

  /** True when this attempt is over. */
  #answer(m: DnsMessage, cause: number): boolean {
    const i = this.#queries.findIndex((q, n) => this.#received[n] !== true && q.id === m.id && sameQuestion(q, m))
    if (i < 0) return false
    const seq = this.#state.process.step('receive', responseText(m), cause)
    this.#received[i] = true
    if (m.truncated) {
      this.#overTcp(seq)
      return true
    }
    if (m.rcode === RCODE.SERVFAIL || m.rcode === RCODE.NOTIMP || m.rcode === RCODE.REFUSED || isLame(m)) {
      // The other question's answer serves alone, whichever comes first.
      const other = this.#answers.some((a) => a !== undefined)
      const waiting = this.#received.some((r) => !r) && !this.#state.singleRequest
      if (other) this.#done(seq)
      else if (!waiting) {
        this.#servfail = m.rcode === RCODE.SERVFAIL
        this.#close()
        this.#nextServer(seq)
      }
      return other || !waiting
    }
    this.#answers[i] = m
    if (this.#received.every((r) => r)) {
      this.#done(seq)
      return true
    }
    if (this.#state.singleRequest) {
      if (this.#state.reopen) {
        this.#socket?.close()
        this.#sockets.delete(this.#server)
        this.#open(seq)
      }
      this.#write(seq)
    }
    return false
  }

  #timedOut(cause: number): void {
    const half = this.#received.some((r, i) => r && this.#answers[i] !== undefined)
    if (half && !this.#state.singleRequest) {
      // Some servers, and some firewalls, cannot take two questions from one port at a time.
      this.#state.singleRequest = true
      this.#try(cause)
      return
    }
    if (half && !this.#state.reopen) {
      this.#state.reopen = true
      this.#close()
      this.#open(cause)
      this.#try(cause)
      return
    }
    if (half) {
      this.#done(cause)
      return
    }
    this.#gotSomewhere = true
    this.#timer?.cancel()
    this.#nextServer(cause)
  }

  #nextServer(cause: number): void {
    this.#answers.fill(undefined)
    this.#server++
    if (this.#server >= this.#state.conf.nameservers.length) {
      this.#server = 0
      this.#attempt++
    }
    if (this.#attempt < this.#state.conf.attempts) {
      this.start(cause)
      return
    }
    this.#closeAll()
    this.#fail(cause)
  }

  #fail(cause: number): void {
    this.#p.done({ kind: 'failed', errno: this.#gotSomewhere ? 'ETIMEDOUT' : 'ECONNREFUSED', servfail: this.#servfail }, cause)
  }

  #done(cause: number): void {
    this.#closeAll()
    this.#p.done({ kind: 'answered', answers: this.#answers }, cause)
  }
}

/** __libc_res_queriesmatch() for one question. */
function sameQuestion(query: DnsMessage, response: DnsMessage): boolean {
  const [a] = query.questions
  const [b] = response.questions
  if (a === undefined || b === undefined || !response.response) return false
  return a.type === b.type && a.class === b.class && canonicalName(a.name) === canonicalName(b.name)
}

/** An empty answer from one that has no authority, no recursion and nothing to add: somebody else is to be asked. */
const isLame = (m: DnsMessage): boolean =>
  m.rcode === RCODE.NOERROR && m.answers.length === 0 && !m.authoritative && !m.recursionAvailable && m.additional.length === 0
