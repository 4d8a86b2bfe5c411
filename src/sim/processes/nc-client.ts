import { fromUtf8, utf8 } from '../../base/bytes.ts'
import { type SocketError, strerror, type TcpSocket, type UdpSocket } from '../../kernel/sockets/index.ts'
import type { Timer } from '../../kernel/types.ts'
import { formatIpv4, IPV4_ANY, type Ipv4, parseIpv4 } from '../../net/address.ts'
import type { JourneyVerdict } from '../../trace/trace.ts'
import type { NcClient } from './nc-options.ts'
import { ANSWERED, failed, type Process } from './process.ts'
import { type GaiError, gaiStrerror, getaddrinfo } from './resolver.ts'
import { serviceName } from './services.ts'

const SECOND = 1_000_000_000
/** A journey has to end: how long the other end may be silent when -w is not given, seconds. */
export const SILENCE = 5
/** UDP_SCAN_TIMEOUT of Debian's udptest(), seconds. */
const UDP_SCAN = 3

/** nc HOST PORT: the ports one after the other. */
export class NcRun {
  readonly #process: Process
  readonly #options: NcClient
  #address: Ipv4 = IPV4_ANY
  /** Addresses of the name that were not tried yet. */
  #others: Ipv4[] = []
  #index = 0
  /** 1 until some port has answered. */
  #exitCode = 1
  #verdict: JourneyVerdict = failed('no answer')
  #idle: Timer | undefined
  #answered = false

  constructor(process: Process, options: NcClient) {
    this.#process = process
    this.#options = options
  }

  next(cause: number): void {
    const port = this.#options.ports[this.#index++]
    if (port === undefined) {
      this.#process.exit(this.#exitCode, this.#verdict, cause)
      return
    }
    // remote_connect() resolves the name again for each port.
    const { host, numeric, family } = this.#options
    if (numeric && !parseIpv4(host).ok) {
      this.#unresolved(port, 'EAI_NONAME', cause, cause)
      return
    }
    getaddrinfo(this.#process, { name: host, family }, cause, (resolved, seq) => {
      if (resolved.kind === 'failed') {
        this.#unresolved(port, resolved.error, resolved.decidedBy, seq)
        return
      }
      this.#others = [...resolved.addresses]
      this.#connect(port, seq)
    })
  }

  #unresolved(port: number, error: GaiError, decidedBy: number, cause: number): void {
    const { host } = this.#options
    this.#process.print(`nc: getaddrinfo for host "${host}" port ${port}: ${gaiStrerror(error)}`, cause)
    this.#process.exit(1, failed(error, decidedBy), cause)
  }

  #connect(port: number, cause: number): void {
    this.#address = this.#others.shift() ?? this.#address
    const seq = this.#process.step('connect', `${formatIpv4(this.#address)}:${port}`, cause)
    if (this.#options.udp) this.#udp(port, seq)
    else this.#tcp(port, seq)
  }

  // --- TCP

  #tcp(port: number, cause: number): void {
    const socket = this.#process.sockets.tcp(this.#process.owner)
    this.#process.atExit((seq) => socket.close(seq))
    socket.set({ reuse: true })
    if (!this.#bind((a, p) => socket.bind(a, p), cause)) return
    const begun = socket.connect(this.#address, port, cause)
    if (!begun.ok) {
      this.#refused(port, { errno: begun.error, decidedBy: cause }, cause)
      return
    }
    const { timeout } = this.#options
    if (timeout !== undefined) {
      this.#idle = this.#process.after(timeout * SECOND, 'nc -w', cause, (seq) => {
        // select(2) has run out while the socket was still connecting: errno is what connect(2) left.
        this.#warn(port, 'timed out: Operation now in progress', seq)
        this.#give(socket, failed('no answer'), seq)
      })
    }
    socket.onWake = (seq) => this.#connecting(socket, port, seq)
  }

  #connecting(socket: TcpSocket, port: number, cause: number): void {
    const error = socket.takeError()
    if (error !== undefined) {
      this.#idle?.cancel()
      this.#refused(port, error, cause)
      return
    }
    if (!socket.connected) return
    this.#idle?.cancel()
    this.#exitCode = 0
    this.#verdict = ANSWERED
    if (this.#options.verbose) this.#succeeded(port, cause)
    if (this.#options.scan) {
      socket.close(cause)
      this.next(cause)
      return
    }
    this.#talk(socket, cause)
  }

  /** readwrite(): the input goes out, what comes is printed, until the other end closes or is silent too long. */
  #talk(socket: TcpSocket, cause: number): void {
    socket.onWake = (seq) => this.#read(socket, seq)
    this.#quietFor(socket, cause)
    const { input, quitAfter } = this.#options
    if (input !== undefined && input !== '') {
      const seq = this.#process.step('send', input.replace(/\n$/, ''), cause)
      const sent = socket.send(utf8(input), seq)
      if (!sent.ok) {
        this.#give(socket, failed(sent.error.errno, sent.error.decidedBy), seq)
        return
      }
      this.#process.nextCall(() => this.#inputEnds(socket, cause))
    } else this.#inputEnds(socket, cause)
    if (quitAfter !== undefined) {
      this.#process.after(quitAfter * SECOND, 'nc -q', cause, (seq) => this.#give(socket, this.#verdict, seq))
    }
  }

  #inputEnds(socket: TcpSocket, cause: number): void {
    if (socket.onWake === undefined) return
    if (this.#options.shutdown) socket.shutdown(cause)
    this.#read(socket, cause)
  }

  #read(socket: TcpSocket, cause: number): void {
    const got = socket.receive(cause)
    switch (got.kind) {
      case 'nothing':
        return
      case 'data':
        this.#process.step('receive', `${got.bytes.length} bytes`, cause)
        this.#process.write(fromUtf8(got.bytes), cause)
        this.#quietFor(socket, cause)
        this.#read(socket, cause)
        return
      case 'end':
        this.#give(socket, this.#verdict, cause)
        return
      case 'error':
        this.#give(socket, failed(got.error.errno, got.error.decidedBy), cause)
        return
    }
  }

  #quietFor(socket: TcpSocket | UdpSocket, cause: number): void {
    this.#idle?.cancel()
    const limit = this.#options.timeout ?? SILENCE
    this.#idle = this.#process.after(limit * SECOND, 'nc -w', cause, (seq) => this.#give(socket, this.#verdict, seq))
  }

  // --- UDP

  #udp(port: number, cause: number): void {
    const socket = this.#process.sockets.udp(this.#process.owner)
    this.#process.atExit(() => socket.close())
    if (!this.#bind((a, p) => socket.bind(a, p), cause)) return
    const connected = socket.connect(this.#address, port)
    if (!connected.ok) {
      this.#refused(port, { errno: connected.error, decidedBy: cause }, cause)
      return
    }
    socket.onWake = (seq) => this.#readDatagrams(socket, seq)
    if (this.#options.verbose || this.#options.scan) {
      this.#probe(socket, port, cause)
      return
    }
    this.#exitCode = 0
    this.#talkUdp(socket, cause)
  }

  #talkUdp(socket: UdpSocket, cause: number): void {
    const { input } = this.#options
    this.#quietFor(socket, cause)
    if (input === undefined || input === '') return
    const seq = this.#process.step('send', input.replace(/\n$/, ''), cause)
    const sent = socket.send(utf8(input), undefined, seq)
    if (!sent.ok) this.#give(socket, failed(sent.error.errno, sent.error.decidedBy), seq)
  }

  /** udptest() of Debian's nc: two probes, then one a second; only "connection refused" says that nobody is there. */
  #probe(socket: UdpSocket, port: number, cause: number): void {
    let left = this.#options.timeout ?? UDP_SCAN
    const write = (seq: number): SocketError | undefined => {
      const sent = socket.send(utf8('X'), undefined, this.#process.step('send', 'X', seq))
      return sent.ok ? undefined : sent.error
    }
    const tick = (seq: number) => {
      const error = write(seq)
      if (error !== undefined) {
        this.#verdict = failed(error.errno, error.decidedBy)
        socket.close()
        this.next(seq)
      } else if (--left > 0) this.#process.after(SECOND, 'nc udp probe', seq, tick)
      else this.#probed(socket, port, seq)
    }
    const error = write(cause) ?? write(cause)
    if (error === undefined) this.#process.after(SECOND, 'nc udp probe', cause, tick)
    else {
      this.#verdict = failed(error.errno, error.decidedBy)
      socket.close()
      this.next(cause)
    }
  }

  #probed(socket: UdpSocket, port: number, cause: number): void {
    this.#exitCode = 0
    // Silence proves nothing about UDP, but it is what nc calls success.
    this.#verdict = ANSWERED
    if (this.#options.verbose) this.#succeeded(port, cause)
    if (this.#options.scan) {
      socket.close()
      this.next(cause)
      return
    }
    if (!this.#answered) this.#verdict = failed('no answer')
    this.#talkUdp(socket, cause)
  }

  #readDatagrams(socket: UdpSocket, cause: number): void {
    for (let d = socket.receive(); d !== undefined; d = socket.receive()) {
      this.#answered = true
      this.#verdict = ANSWERED
      this.#process.step('receive', `${d.bytes.length} bytes`, cause)
      if (!this.#options.scan) this.#process.write(fromUtf8(d.bytes), cause)
      if (this.#idle !== undefined) this.#quietFor(socket, cause)
    }
    if (this.#idle === undefined) return
    const error = socket.takeError()
    if (error !== undefined) this.#give(socket, failed(error.errno, error.decidedBy), cause)
  }

  // --- both

  /** -p and -s. False when nc has given up. */
  #bind(bind: (address: Ipv4, port: number) => { ok: boolean; error?: SocketError['errno'] }, cause: number): boolean {
    const { source, sourcePort } = this.#options
    if (source === undefined && sourcePort === undefined) return true
    const address = source === undefined ? undefined : parseIpv4(source)
    const bound = bind(address?.ok === true ? address.value : IPV4_ANY, sourcePort ?? 0)
    if (bound.ok || bound.error === undefined) return true
    this.#process.print(`nc: bind failed: ${strerror(bound.error)}`, cause)
    this.#process.exit(1, failed(bound.error, cause), cause)
    return false
  }

  #refused(port: number, error: SocketError, cause: number): void {
    this.#warn(port, `failed: ${strerror(error.errno)}`, cause)
    if (this.#exitCode !== 0) this.#verdict = failed(error.errno, error.decidedBy)
    if (this.#others.length > 0) this.#connect(port, cause)
    else this.next(cause)
  }

  #give(socket: TcpSocket | UdpSocket, verdict: JourneyVerdict, cause: number): void {
    this.#idle?.cancel()
    this.#verdict = verdict
    socket.onWake = undefined
    socket.close(cause)
    this.next(cause)
  }

  #protocol(): 'udp' | 'tcp' {
    return this.#options.udp ? 'udp' : 'tcp'
  }

  /** The host as given, and its address when that is another text. */
  #where(): string {
    const address = formatIpv4(this.#address)
    const { host, numeric } = this.#options
    return host === address || numeric ? host : `${host} (${address})`
  }

  #warn(port: number, what: string, cause: number): void {
    if (!this.#options.verbose) return
    this.#process.print(`nc: connect to ${this.#where()} port ${port} (${this.#protocol()}) ${what}`, cause)
  }

  #succeeded(port: number, cause: number): void {
    const service = this.#options.numeric ? '*' : serviceName(port, this.#protocol())
    this.#process.print(`Connection to ${this.#where()} ${port} port [${this.#protocol()}/${service}] succeeded!`, cause)
  }
}
