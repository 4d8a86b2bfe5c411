import { type SocketError, strerror, type TcpSocket } from '../../kernel/sockets/index.ts'
import type { Timer } from '../../kernel/types.ts'
import { formatIpv4, IPV4_ANY, type Ipv4 } from '../../net/address.ts'
import type { JourneyVerdict } from '../../trace/trace.ts'
import type { CurlOptions, CurlUrl } from './curl-options.ts'
import { failed, type Process } from './process.ts'

const MS = 1_000_000
const SECOND = 1_000_000_000
/** curl gives up connecting after five minutes unless told otherwise, seconds. */
const CONNECT_TIMEOUT = 300

export interface ConnectParts {
  readonly process: Process
  readonly options: CurlOptions
  readonly url: CurlUrl
  readonly address: Ipv4
  /** No other address is left to try. */
  readonly isLast: boolean
  /** When the transfer began, virtual ns: the limit counts from there. */
  readonly begun: number
  /** Whole milliseconds since the transfer began. */
  readonly elapsed: () => number
  readonly verbose: (line: string, cause: number) => void
  readonly onConnected: (cause: number) => void
  readonly onFailed: (exitCode: number, message: string, verdict: JourneyVerdict, cause: number) => void
}

/** The part of a transfer that ends with a connected socket, or with exit code 7, 28 or 45. */
export class CurlConnect {
  readonly socket: TcpSocket
  readonly #p: ConnectParts
  #timer: Timer | undefined

  constructor(parts: ConnectParts) {
    this.#p = parts
    this.socket = parts.process.sockets.tcp(parts.process.owner)
    this.socket.set({ noDelay: true })
    parts.process.atExit((seq) => this.socket.close(seq))
  }

  start(cause: number): void {
    const { process, options, url, address } = this.#p
    this.#p.verbose(`*   Trying ${formatIpv4(address)}:${url.port}...`, cause)
    if (!this.#bind(cause)) return
    const begun = this.socket.connect(address, url.port, cause)
    if (!begun.ok) {
      this.#p.verbose(`* Immediate connect fail for ${formatIpv4(address)}: ${strerror(begun.error)}`, cause)
      this.#p.onFailed(7, this.#message("Couldn't connect to server"), failed(begun.error, cause), cause)
      return
    }
    const left = (options.connectTimeout ?? CONNECT_TIMEOUT) - (process.now - this.#p.begun) / SECOND
    // An address that has others behind it gets half of what is left.
    const limit = this.#p.isLast ? left : left / 2
    // poll(2) sleeps whole milliseconds and one more, so the clock has just passed the limit.
    this.#timer = process.after(Math.round(limit * SECOND) + MS, 'curl --connect-timeout', cause, (seq) => {
      this.#p.verbose(`* ipv4 connect timeout after ${Math.round(limit * 1000)}ms, move on!`, seq)
      this.#p.onFailed(28, this.#message('Timeout was reached'), failed('no answer'), seq)
    })
    this.socket.onWake = (seq) => this.#wake(seq)
  }

  /** The transfer is over for another reason. */
  cancel(): void {
    this.#timer?.cancel()
    this.socket.onWake = undefined
  }

  /** --interface and --local-port. False when curl has given up. */
  #bind(cause: number): boolean {
    const { options, process } = this.#p
    if (options.interface !== undefined) {
      const device = process.ns.devices.get(options.interface)
      if (device === undefined) {
        this.#p.onFailed(45, `Couldn't bind to interface '${options.interface}'`, failed('ENODEV', cause), cause)
        return false
      }
      this.socket.set({ device })
    }
    if (options.localPort === undefined) return true
    const { from, to } = options.localPort
    for (let port = from; port <= to; port++) {
      if (this.socket.bind(IPV4_ANY, port).ok) {
        this.#p.verbose(`* Local port: ${port}`, cause)
        return true
      }
      if (port < to) this.#p.verbose(`* Bind to local port ${port} failed, trying next`, cause)
    }
    this.#p.onFailed(45, 'bind failed with errno 98: Address already in use', failed('EADDRINUSE', cause), cause)
    return false
  }

  #wake(cause: number): void {
    const error = this.socket.takeError()
    if (error !== undefined) {
      this.#refused(error, cause)
      return
    }
    if (!this.socket.connected) return
    this.#timer?.cancel()
    const { url, address } = this.#p
    this.#p.verbose(`* Connected to ${url.host} (${formatIpv4(address)}) port ${url.port}`, cause)
    this.#p.onConnected(cause)
  }

  #refused(error: SocketError, cause: number): void {
    const { url, address } = this.#p
    const { local } = this.socket
    const there = `${formatIpv4(address)} port ${url.port}`
    const here = `${formatIpv4(local.address)} port ${local.port}`
    this.#p.verbose(`* connect to ${there} from ${here} failed: ${strerror(error.errno)}`, cause)
    const code = error.errno === 'ETIMEDOUT' ? 28 : 7
    this.#p.onFailed(code, this.#message("Couldn't connect to server"), failed(error.errno, error.decidedBy), cause)
  }

  #message(why: string): string {
    const { url, elapsed } = this.#p
    return `Failed to connect to ${url.host} port ${url.port} after ${elapsed()} ms: ${why}`
  }
}
