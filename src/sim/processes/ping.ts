import { ok } from '../../base/result.ts'
import {
  type EchoError,
  type EchoReply,
  type Errno,
  type PingSocket,
  type SocketError,
  strerror,
} from '../../kernel/sockets/index.ts'
import type { Timer } from '../../kernel/types.ts'
import { formatIpv4, type Ipv4, ipv4, parseIpv4 } from '../../net/address.ts'
import type { JourneyVerdict } from '../../trace/trace.ts'
import { DEFAULT_COUNT, type PingOptions, parsePing } from './ping-options.ts'
import { icmpText, replyLine, statisticsLines } from './ping-output.ts'
import { payload, roundTrip, sendBuffer } from './ping-payload.ts'
import { Tally } from './ping-tally.ts'
import { ANSWERED, failed, type Process } from './process.ts'
import type { Program } from './program.ts'
import { gaiStrerror, getaddrinfo, getnameinfo } from './resolver.ts'

const SECOND = 1_000_000_000
/** MIN_INTERVAL_MS: when to try again where the send buffer was full for too long. */
const MIN_INTERVAL = 10_000_000
/** Longer than a packet takes over lo. */
const SOFTIRQ = 10_000

/** ping of iputils, over a ping socket. */
export const ping: Program = {
  name: 'ping',
  usage:
    'ping [-c COUNT] [-i SECONDS] [-s BYTES] [-W SECONDS] [-w SECONDS] [-t TTL] [-M do|want|dont] [-I DEVICE|ADDRESS] [-q] DESTINATION',
  prepare(argv) {
    const options = parsePing(argv)
    if (!options.ok) return options
    const notes = options.value.countGiven
      ? []
      : [`ping without -c never ends by itself; here it stops after ${DEFAULT_COUNT} probes`]
    return ok({ role: 'client', notes, start: (process, cause) => start(process, options.value, cause) })
  },
}

function start(process: Process, options: PingOptions, cause: number): void {
  // main() of iputils opens its socket before it looks the name up.
  const socket = process.sockets.ping(process.owner)
  process.atExit(() => socket.close())
  getaddrinfo(process, { name: options.destination, family: options.family }, cause, (resolved, seq) => {
    const [to] = resolved.kind === 'found' ? resolved.addresses : []
    if (resolved.kind === 'failed' || to === undefined) {
      const error = resolved.kind === 'failed' ? resolved.error : 'EAI_NODATA'
      process.print(`ping: ${options.destination}: ${gaiStrerror(error)}`, seq)
      process.exit(2, failed(error, resolved.kind === 'failed' ? resolved.decidedBy : seq), seq)
      return
    }
    begin({ process, options, socket, to, name: resolved.canonicalName }, seq)
  })
}

interface Target {
  readonly process: Process
  readonly options: PingOptions
  readonly socket: PingSocket
  readonly to: Ipv4
  /** AI_CANONNAME: what the lines call the destination. */
  readonly name: string
}

function begin(target: Target, cause: number): void {
  const { process } = target
  const run = new PingRun(target)
  const error = run.open()
  if (error === undefined) {
    run.begin(cause)
    return
  }
  process.print(`ping: ${error.what}${error.bare ? '' : `: ${strerror(error.errno)}`}`, cause)
  process.exit(2, failed(error.errno, cause), cause)
}

/** The main loop of ping_common.c, turned into what happens on a reply, an error and a timer. */
class PingRun {
  readonly #process: Process
  readonly #options: PingOptions
  readonly #socket: PingSocket
  readonly #to: Ipv4
  readonly #name: string
  /** Lines say addresses alone: asked for, or the destination was given as one. */
  readonly #numeric: boolean
  /** pr_addr()'s memory: who answered last, as it is printed. */
  #known: { readonly address: number; readonly text: string } | undefined
  /** A name is being looked up, and ping does nothing else. */
  #lookingUp = false
  #source = 0
  readonly #tally = new Tally()
  #startedAt = 0
  #lastSentAt = 0
  #lastError: { readonly errno: Errno; readonly decidedBy?: number } | undefined
  #waiting: Timer | undefined
  /** A sendmsg(2) that failed has not returned yet. */
  #returning = false
  /** The timeout of a sendmsg(2) that waits. */
  #blocked: Timer | undefined

  constructor({ process, options, socket, to, name }: Target) {
    this.#process = process
    this.#options = options
    this.#socket = socket
    this.#to = to
    this.#name = name
    this.#numeric = options.numeric || parseIpv4(options.destination).ok
    socket.discovery = options.discovery
    socket.ttl = options.ttl ?? 0
    socket.tos = options.tos ?? 0
    socket.sendBuffer = sendBuffer(options.size)
    socket.onWriteSpace = () => this.#writeSpace()
  }

  /** Binds, and asks for the route with a connected UDP socket as ping4_run() does. */
  open(): { readonly what: string; readonly errno: Errno; readonly bare?: true } | undefined {
    const probe = this.#process.sockets.udp(undefined)
    const wanted = this.#options.interface
    if (wanted !== undefined) {
      const address = parseIpv4(wanted)
      if (address.ok) {
        const bound = this.#socket.bind(address.value)
        if (!bound.ok) return { what: 'bind', errno: bound.error }
      } else {
        const device = this.#process.ns.devices.get(wanted)
        if (device === undefined) return { what: `SO_BINDTODEVICE ${wanted}`, errno: 'ENODEV' }
        this.#socket.device = device
        probe.device = device
      }
    }
    const connected = probe.probe(this.#to)
    if (!connected.ok) {
      return connected.error === 'EACCES'
        ? { what: 'Do you want to ping broadcast? Then -b. If not, check your local firewall rules', errno: 'EACCES', bare: true }
        : { what: 'connect', errno: connected.error }
    }
    this.#source = connected.value
    return undefined
  }

  begin(cause: number): void {
    const { size, deadline, interface: wanted } = this.#options
    const device = wanted !== undefined && !parseIpv4(wanted).ok ? wanted : ''
    const from = wanted === undefined ? '' : `from ${formatIpv4(this.#source)} ${device}: `
    this.#process.print(`PING ${this.#name} (${formatIpv4(this.#to)}) ${from}${size}(${size + 28}) bytes of data.`, cause)
    this.#startedAt = this.#process.now
    this.#socket.onWake = (seq) => this.#wake(seq)
    if (deadline !== undefined) {
      this.#process.after(deadline * SECOND, 'ping deadline', cause, (seq) => this.#finish(seq))
    }
    this.#probe(cause)
  }

  /** pinger(): one probe, then the next after the interval. */
  #probe(cause: number): void {
    if (this.#lookingUp) {
      this.#late = (seq) => this.#probe(seq)
      return
    }
    const sequence = this.#tally.transmitted + 1
    this.#lastSentAt = this.#process.now
    const seq = this.#process.step('send', `icmp_seq=${sequence}`, cause)
    this.#tally.clear(sequence)
    const sent = this.#socket.sendEcho(this.#to, sequence, payload(this.#options.size, this.#process.now), seq)
    if (!sent.ok && sent.error.errno === 'EAGAIN') {
      this.#block(seq)
      return
    }
    if (sent.ok) this.#counted(sequence, seq)
    else this.#refused(sequence, sent.error, seq)
  }

  /**
   * sendmsg(2) failed. An ICMP error about that very packet came over lo before it returned (local_bh_enable() in
   * __dev_queue_xmit()): pinger() looks for one, and says both.
   */
  #refused(sequence: number, error: SocketError & { readonly mtu?: number }, cause: number): void {
    this.#returning = true
    this.#process.ns.kernel.schedule(SOFTIRQ, () => {
      this.#returning = false
      if (this.#process.exited) return
      // ping4_receive_error_msg()
      const reported = this.#socket.receiveError()
      if (reported !== undefined) this.#error(reported, cause)
      const { errno, mtu } = error
      this.#lastError = { errno, decidedBy: error.decidedBy ?? cause }
      if (errno === 'EMSGSIZE' && mtu !== undefined) {
        this.#tally.errors++
        this.#say(`ping: local error: message too long, mtu=${mtu}`, cause)
      }
      if (reported !== undefined) this.#say(`ping: sendmsg: ${strerror(errno)}`, cause)
      // Any other refusal goes unsaid: with an empty error queue ping4_receive_error_msg() answers -1, and pinger() prints
      // "sendmsg: …" for 0 only (iputils 20221126).
      this.#counted(sequence, cause)
      this.#wake(cause)
    })
  }

  /** advance_ntransmitted(), and what comes after a probe. */
  #counted(sequence: number, cause: number): void {
    this.#tally.transmitted = sequence
    if (this.#done()) this.#finish(cause)
    else if (sequence < this.#options.count) {
      this.#process.after(this.#options.interval * SECOND, 'ping interval', cause, (next) => this.#probe(next))
    } else this.#linger(cause)
  }

  /** sendmsg(2) waits for room in the send buffer, SO_SNDTIMEO at most: an interval or a second. Meanwhile nothing is read. */
  #block(cause: number): void {
    const most = Math.min(this.#options.interval, 1) * SECOND
    this.#blocked = this.#process.after(most, 'ping send timeout', cause, (seq) => {
      this.#blocked = undefined
      this.#wake(seq)
      if (!this.#process.exited) this.#process.after(MIN_INTERVAL, 'ping interval', seq, (next) => this.#probe(next))
    })
  }

  /** The packet that made room may have come to an error, which is there before the process runs. */
  #writeSpace(): void {
    if (this.#blocked === undefined) return
    this.#blocked.cancel()
    this.#blocked = this.#process.after(SOFTIRQ, 'ping send space', this.#process.ns.kernel.rec.last, (seq) => {
      this.#blocked = undefined
      this.#probe(seq)
      this.#wake(seq)
    })
  }

  /** __schedule_exit(): after the last probe, twice the longest round trip, or -W seconds when nothing ever came. */
  #linger(cause: number): void {
    if (this.#options.deadline !== undefined) return
    const { interval, linger } = this.#options
    const { trips, received } = this.#tally
    const longest = trips.length > 0 ? Math.max(...trips) * 1000 : 0
    const wait = received > 0 ? Math.max(2 * longest, interval * SECOND) : linger * SECOND
    this.#waiting = this.#process.after(wait, 'ping linger', cause, (seq) => this.#finish(seq))
  }

  #wake(cause: number): void {
    if (this.#lookingUp || this.#blocked !== undefined || this.#returning || this.#process.exited) return
    for (let m = this.#socket.receive(); m !== undefined; m = this.#socket.receive()) {
      const message = m
      const handle = (seq: number) => (message.kind === 'reply' ? this.#reply(message, seq) : this.#error(message, seq))
      this.#arrived = this.#process.now
      if (this.#numeric || this.#options.quiet || this.#known?.address === message.from) {
        handle(cause)
        // main_loop(): with nothing in flight it looks at its count again before it reads on; what is there stays unread.
        if (this.#tally.inFlight === 0 && this.#done()) break
        continue
      }
      this.#lookUp(message.from, cause, (seq) => {
        handle(seq)
        if (this.#tally.inFlight === 0 && this.#done()) this.#finish(seq)
        else this.#wake(seq)
      })
      if (this.#lookingUp || this.#process.exited) return
    }
    if (this.#done()) this.#finish(cause)
  }

  /** pr_addr(): the name of who answered, by a query of its own that everything waits for. */
  #lookUp(address: number, cause: number, then: (cause: number) => void): void {
    const from = ipv4(address)
    this.#lookingUp = true
    getnameinfo(this.#process, from, cause, (name, seq) => {
      this.#lookingUp = false
      this.#known = { address, text: name === undefined ? formatIpv4(from) : `${name} (${formatIpv4(from)})` }
      then(seq)
      const late = this.#late
      this.#late = undefined
      late?.(seq)
    })
  }

  #address(address: number): string {
    return this.#known?.address === address ? this.#known.text : formatIpv4(ipv4(address))
  }

  /** What the clock asked for while a name was being looked up. */
  #late: ((cause: number) => void) | undefined
  /** When the reply in hand came in, virtual ns. */
  #arrived = 0

  #done(): boolean {
    const { errors, received } = this.#tally
    if (this.#options.deadline !== undefined && errors > 0) return true
    return received + errors >= this.#options.count
  }

  #reply(reply: EchoReply, cause: number): void {
    const time = roundTrip(reply.bytes, this.#arrived)
    const duplicate = this.#tally.reply(reply.sequence, time)
    this.#say(
      replyLine({
        bytes: reply.bytes.length + 8,
        from: this.#address(reply.from),
        sequence: reply.sequence,
        ttl: reply.ttl,
        time,
        duplicate,
        wrongSource: reply.from !== this.#to,
      }),
      cause,
    )
  }

  #error(error: EchoError, cause: number): void {
    this.#tally.error(error.sequence)
    this.#lastError = { errno: error.errno, decidedBy: error.decidedBy }
    this.#say(
      `From ${this.#address(error.from)} icmp_seq=${error.sequence} ${icmpText(error.type, error.code, error.info)}`,
      cause,
    )
  }

  #say(line: string, cause: number): void {
    if (!this.#options.quiet) this.#process.print(line, cause)
  }

  #finish(cause: number): void {
    this.#waiting?.cancel()
    const { transmitted, received, duplicates, errors, trips, pipe } = this.#tally
    const time = Math.floor((this.#lastSentAt - this.#startedAt + 500_000) / 1_000_000)
    const lines = statisticsLines(this.#name, { transmitted, received, duplicates, errors, time, trips, pipe })
    for (const line of lines) this.#process.print(line, cause)
    const { deadline, count } = this.#options
    const short = deadline !== undefined && Number.isFinite(count) && received < count
    this.#process.exit(received === 0 || short ? 1 : 0, this.#verdict(), cause)
  }

  #verdict(): JourneyVerdict {
    if (this.#tally.received > 0) return ANSWERED
    const error = this.#lastError
    return error === undefined ? failed('no answer') : failed(error.errno, error.decidedBy)
  }
}
