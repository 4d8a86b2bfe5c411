import type { Prng } from '../../base/prng.ts'
import type { TcpSocket, UdpSocket } from '../../kernel/sockets/index.ts'
import type { Timer } from '../../kernel/types.ts'
import { formatIpv4, type Ipv4 } from '../../net/address.ts'
import { emitDns, parseDns } from '../../net/dns.ts'
import { DNS_PORT, type DnsMessage } from '../../net/dns-message.ts'
import { askOverTcp } from './dns-tcp.ts'
import type { Process } from './process.ts'
import { questionText, responseText } from './resolver-send.ts'

/** An idle connection is kept this long (forward's defaultExpire), ns. */
const EXPIRE = 10e9

export interface UpstreamOptions {
  /** Where queries come from; any address when open. */
  readonly source?: Ipv4
  /** For one answer, ns. */
  readonly timeout: number
  /** Sockets wait for the next query to the same server instead of being closed. */
  readonly keep: boolean
}

/** What came of one query: the response with the query's own id again, or nothing. */
export type OnResponse = (response: DnsMessage | undefined, cause: number) => void

export interface UpstreamQuestion {
  readonly server: Ipv4
  readonly query: DnsMessage
  readonly transport: 'udp' | 'tcp'
  readonly done: OnResponse
}

const textOf = ({ query: { questions }, server }: UpstreamQuestion): string =>
  `${questions[0] === undefined ? '' : questionText(questions[0])} to ${formatIpv4(server)}`

/** A server's own questions to other servers: one connected socket a query, as long as it is in flight. */
export class DnsUpstream {
  readonly #process: Process
  readonly #options: UpstreamOptions
  readonly #rng: Prng
  readonly #idle = new Map<Ipv4, { readonly socket: UdpSocket; readonly expiry: Timer }[]>()
  readonly #idleTcp = new Map<Ipv4, { readonly socket: TcpSocket; readonly expiry: Timer }[]>()

  constructor(process: Process, options: UpstreamOptions) {
    this.#process = process
    this.#options = options
    this.#rng = process.rng('upstream')
  }

  ask(question: UpstreamQuestion, cause: number): void {
    const { server, query, done, transport } = question
    if (transport === 'tcp') {
      this.#askOverTcp(question, cause)
      return
    }
    const socket = this.#take(server, cause)
    if (socket === undefined) {
      this.#process.after(0, 'upstream', cause, (seq) => done(undefined, seq))
      return
    }
    const id = this.#rng.next() >>> 16
    const seq = this.#process.step('send', textOf(question), cause)
    const end = (response: DnsMessage | undefined, at: number) => {
      timer.cancel()
      socket.onWake = undefined
      if (response !== undefined && this.#options.keep) this.#keep(server, socket, at)
      else socket.close()
      done(response === undefined ? undefined : { ...response, id: query.id }, at)
    }
    const timer = this.#process.after(this.#options.timeout, 'upstream timeout', seq, (at) => end(undefined, at))
    socket.onWake = (woken) => {
      if (socket.takeError() !== undefined) {
        end(undefined, this.#process.step('error', `${formatIpv4(server)}:${DNS_PORT} Connection refused`, woken))
        return
      }
      for (let d = socket.receive(); d !== undefined; d = socket.receive()) {
        const m = parseDns(d.bytes)
        if (!m.ok || m.value.id !== id || !m.value.response) continue
        end(m.value, this.#process.step('receive', `${responseText(m.value)} from ${formatIpv4(server)}`, d.cause))
        return
      }
    }
    const sent = socket.send(emitDns({ ...query, id }, { compress: false }), undefined, seq)
    if (!sent.ok) this.#process.after(0, 'upstream', seq, (at) => end(undefined, at))
  }

  #askOverTcp(question: UpstreamQuestion, cause: number): void {
    const { server, query, done } = question
    const process = this.#process
    const id = this.#rng.next() >>> 16
    const idle = this.#idleTcp.get(server)?.pop()
    idle?.expiry.cancel()
    const begun = idle === undefined ? process.step('connect', `${formatIpv4(server)}:${DNS_PORT}`, cause) : cause
    let over = false
    const end = (response: DnsMessage | undefined, at: number) => {
      if (over) return
      over = true
      timer.cancel()
      done(response === undefined ? undefined : { ...response, id: query.id }, at)
    }
    const { source } = this.#options
    const giveUp = askOverTcp(
      {
        process,
        server,
        queries: [emitDns({ ...query, id }, { compress: false })],
        texts: [textOf(question)],
        ...(idle === undefined ? {} : { use: idle.socket }),
        ...(source === undefined ? {} : { source }),
        ...(this.#options.keep ? { keep: (socket: TcpSocket, at: number) => this.#keepTcp(server, socket, at) } : {}),
        onMessage: (m, _, at) => {
          if (m.id !== id) return false
          end(m, process.step('receive', `${responseText(m)} from ${formatIpv4(server)}`, at))
          return true
        },
        onFailed: (_, at) => end(undefined, at),
      },
      begun,
    )
    const timer = process.after(this.#options.timeout, 'upstream timeout', begun, (at) => {
      giveUp(at)
      end(undefined, at)
    })
  }

  #keepTcp(server: Ipv4, socket: TcpSocket, cause: number): void {
    const list = this.#idleTcp.get(server) ?? []
    this.#idleTcp.set(server, list)
    const leave = (at: number) => {
      list.splice(list.indexOf(entry), 1)
      entry.expiry.cancel()
      socket.onWake = undefined
      socket.close(at)
    }
    const entry = { socket, expiry: this.#process.after(EXPIRE, 'idle connection', cause, leave) }
    // The other end may close it first.
    socket.onWake = (at) => {
      if (socket.receive(at).kind !== 'nothing') leave(at)
    }
    list.push(entry)
  }

  #take(server: Ipv4, cause: number): UdpSocket | undefined {
    const idle = this.#idle.get(server)?.pop()
    if (idle !== undefined) {
      idle.expiry.cancel()
      return idle.socket
    }
    const socket = this.#process.sockets.udp(this.#process.owner)
    this.#process.atExit(() => socket.close())
    // Binding, connecting and the first query are one step: nothing else can come between.
    this.#process.step('connect', `${formatIpv4(server)}:${DNS_PORT}`, cause)
    const { source } = this.#options
    const bound = source === undefined ? undefined : socket.bind(source, 0)
    const connected = bound?.ok === false ? bound : socket.connect(server, DNS_PORT)
    if (connected.ok) return socket
    socket.close()
    return undefined
  }

  #keep(server: Ipv4, socket: UdpSocket, cause: number): void {
    const list = this.#idle.get(server) ?? []
    this.#idle.set(server, list)
    const entry = {
      socket,
      expiry: this.#process.after(EXPIRE, 'idle connection', cause, () => {
        list.splice(list.indexOf(entry), 1)
        socket.close()
      }),
    }
    list.push(entry)
  }
}
