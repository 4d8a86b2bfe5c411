import { fromUtf8, utf8 } from '../../base/bytes.ts'
import { type SocketError, strerror, type TcpSocket } from '../../kernel/sockets/index.ts'
import type { Timer } from '../../kernel/types.ts'
import { formatIpv4, IPV4_ANY, type Ipv4 } from '../../net/address.ts'
import { EMPTY } from '../../net/packet.ts'
import type { JourneyVerdict } from '../../trace/trace.ts'
import { CurlConnect } from './curl-connect.ts'
import type { CurlOptions, CurlUrl } from './curl-options.ts'
import { curlRequest } from './curl-request.ts'
import { contentLength, HttpBuffer, header, keepsAlive, type MessageHead } from './http.ts'
import { BodyReader, responseFraming } from './http-body.ts'
import { ANSWERED, failed, type Process } from './process.ts'

const MS = 1_000_000
const SECOND = 1_000_000_000

export interface Connection {
  readonly socket: TcpSocket
  readonly number: number
  /** Of its host, from curl's own cache of names. */
  readonly addresses: readonly Ipv4[]
}

/** How one transfer ended: curl's exit code and message, and what -w can tell. */
export interface TransferEnd {
  readonly exitCode: number
  readonly verdict: JourneyVerdict
  readonly message?: string
  readonly kept?: Connection
  readonly status?: number
  readonly received?: number
  readonly contentType?: string
  readonly remoteIp?: string
  readonly remotePort?: number
  readonly localIp?: string
  readonly localPort?: number
  readonly connects?: number
  /** ns since the transfer began. */
  readonly times?: { readonly lookup: number; readonly connect: number; readonly firstByte: number; readonly total: number }
}

export interface TransferParts {
  readonly process: Process
  readonly options: CurlOptions
  readonly url: CurlUrl
  /** The same with the host and port that are connected to (--connect-to). */
  readonly via: CurlUrl
  /** In the order in which they are tried. */
  readonly addresses: readonly Ipv4[]
  /** When it began, before the name was looked up; virtual ns. */
  readonly begun: number
  readonly toTerminal: boolean
  readonly reuse: Connection | undefined
  readonly nextConnection: () => number
  readonly onEnd: (end: TransferEnd, cause: number) => void
}

/** One request and its response, over a new or a kept connection. */
export class CurlTransfer {
  readonly #p: TransferParts
  #connection: Connection | undefined
  #reused = false
  readonly #buffer = new HttpBuffer()
  #head: MessageHead | undefined
  #body: BodyReader | undefined
  #received = 0
  #timer: Timer | undefined
  #connecting: CurlConnect | undefined
  readonly #begun: number
  /** TIMER_STARTSINGLE: what --connect-timeout counts from. A retry begins anew. */
  #attemptAt: number
  readonly #resolvedAt: number
  /** Index of the address that is tried. */
  #tried = 0
  #connectedAt = 0
  #firstByteAt = 0
  #connects = 0
  #number = 0
  #over = false

  constructor(parts: TransferParts) {
    this.#p = parts
    this.#begun = parts.begun
    this.#attemptAt = parts.begun
    this.#resolvedAt = parts.process.now
  }

  start(cause: number): void {
    const { options, process, reuse } = this.#p
    if (options.maxTime !== undefined) {
      // As for --connect-timeout, the clock has just passed the limit when curl looks.
      this.#timer = process.after(this.#begun + options.maxTime * SECOND + MS - process.now, 'curl --max-time', cause, (seq) =>
        this.#timedOut(seq),
      )
    }
    if (reuse !== undefined && reuse.socket.state === 'ESTABLISHED') {
      this.#connection = reuse
      this.#reused = true
      this.#verbose(`* Re-using existing connection with host ${this.#p.url.host}`, cause)
      this.#request(cause)
      return
    }
    reuse?.socket.close(cause)
    if (reuse !== undefined) this.#verbose('* Closing connection', cause)
    this.#connect(cause)
  }

  get #address(): Ipv4 {
    return this.#p.addresses[this.#tried] ?? IPV4_ANY
  }

  #connect(before: number): void {
    const { process, options, via, addresses } = this.#p
    const address = this.#address
    const cause = process.step('connect', `${formatIpv4(address)}:${via.port}`, before)
    const isLast = this.#tried + 1 >= addresses.length
    const connecting = new CurlConnect({
      process,
      options,
      url: via,
      address,
      isLast,
      begun: this.#attemptAt,
      elapsed: () => this.#elapsed(),
      verbose: (line, seq) => this.#verbose(line, seq),
      onConnected: (seq) => {
        this.#connectedAt = process.now
        this.#request(seq)
      },
      onFailed: (exitCode, message, verdict, seq) => {
        // The other addresses of the name, one after the other; a local port that is taken is taken for all of them.
        if (isLast || exitCode === 45) {
          this.#fail(exitCode, message, verdict, seq)
          return
        }
        connecting.cancel()
        connecting.socket.close(seq)
        this.#tried++
        this.#connect(seq)
      },
    })
    this.#connecting = connecting
    if (this.#tried === 0) this.#number = this.#p.nextConnection()
    this.#connection = { socket: connecting.socket, number: this.#number, addresses }
    this.#connects = 1
    connecting.start(cause)
  }

  #timedOut(cause: number): void {
    const connecting = this.#connection === undefined || !this.#connection.socket.connected
    const length = this.#head === undefined ? undefined : contentLength(this.#head)
    const got = length === undefined ? `${this.#received} bytes` : `${this.#received} out of ${length} bytes`
    const message = connecting
      ? `Connection timed out after ${this.#elapsed()} milliseconds`
      : `Operation timed out after ${this.#elapsed()} milliseconds with ${got} received`
    this.#fail(28, message, failed('no answer'), cause)
  }

  #request(cause: number): void {
    const { process, options, url } = this.#p
    const socket = this.#connection?.socket
    if (socket === undefined) return
    const request = curlRequest(options, url)
    socket.onWake = (seq) => this.#readable(socket, seq)
    const sent = process.step('send', request.startLine, cause)
    const result = socket.send(utf8(request.head + (options.data ?? '')), sent)
    for (const line of request.head.split('\r\n').slice(0, -1)) this.#verbose(`> ${line}`, sent)
    if (!result.ok) this.#fail(55, `Send failure: ${strerror(result.error.errno)}`, this.#verdictOf(result.error), cause)
  }

  #readable(socket: TcpSocket, cause: number): void {
    if (this.#over) return
    const got = socket.receive(cause)
    switch (got.kind) {
      case 'nothing':
        return
      case 'data':
        if (this.#firstByteAt === 0) this.#firstByteAt = this.#p.process.now
        this.#buffer.push(got.bytes)
        this.#consume(cause)
        if (!this.#over) this.#readable(socket, cause)
        return
      case 'error':
        this.#broken(got.error, cause)
        return
      case 'end':
        this.#ended(cause)
        return
    }
  }

  /** Takes the head when it is complete, then as much of the body as is there. */
  #consume(cause: number): void {
    const { options, process } = this.#p
    if (this.#head === undefined) {
      const head = this.#buffer.takeHead()
      if (head === undefined) return
      this.#head = head
      this.#body = new BodyReader(responseFraming(head, options.method))
      process.step('receive', head.startLine, cause)
      for (const line of head.text.split('\r\n').slice(0, -1)) this.#verbose(`< ${line}`, cause)
      if (options.include && this.#p.toTerminal) process.write(head.text, cause)
    }
    const bytes = this.#body?.take(this.#buffer) ?? EMPTY
    this.#received += bytes.length
    if (this.#p.toTerminal && !this.#hidden()) process.write(fromUtf8(bytes), cause)
    if (this.#body?.done === true) this.#complete(cause)
  }

  /** With -f a response that says "error" shows no body. */
  #hidden(): boolean {
    return this.#p.options.fail && (this.#status() ?? 0) >= 400
  }

  #status(): number | undefined {
    const code = this.#head?.startLine.split(' ')[1]
    return code === undefined ? undefined : Number(code)
  }

  #complete(cause: number): void {
    const connection = this.#connection
    if (this.#head === undefined || connection === undefined) return
    const status = this.#status() ?? 0
    if (this.#p.options.fail && status >= 400) {
      this.#fail(22, `The requested URL returned error: ${status}`, ANSWERED, cause)
      return
    }
    if (keepsAlive(this.#head)) {
      this.#verbose(`* Connection #${connection.number} to host ${this.#p.url.host} left intact`, cause)
      this.#end({ exitCode: 0, verdict: ANSWERED, kept: connection }, cause)
      return
    }
    this.#verbose('* Closing connection', cause)
    connection.socket.close(cause)
    this.#end({ exitCode: 0, verdict: ANSWERED }, cause)
  }

  #broken(error: SocketError, cause: number): void {
    if (this.#retry(cause)) return
    this.#fail(56, `Recv failure: ${strerror(error.errno)}`, this.#verdictOf(error), cause)
  }

  #verdictOf(error: SocketError): JourneyVerdict {
    return failed(error.errno, error.decidedBy)
  }

  /** The other end has closed. */
  #ended(cause: number): void {
    if (this.#head === undefined) {
      if (this.#retry(cause)) return
      this.#fail(52, 'Empty reply from server', failed('no answer', cause), cause)
      return
    }
    if (this.#body?.closed() === true) {
      this.#complete(cause)
      return
    }
    const framing = this.#body?.framing
    const missing =
      framing?.kind === 'length'
        ? `${framing.length - this.#received} bytes remaining to read`
        : 'outstanding read data remaining'
    this.#fail(18, `transfer closed with ${missing}`, failed('no answer', cause), cause)
  }

  /** A kept connection that dies before it says anything was stale: once more, over a new one. */
  #retry(cause: number): boolean {
    if (!this.#reused || this.#buffer.length > 0 || this.#head !== undefined) return false
    this.#reused = false
    this.#verbose('* Connection died, retrying a fresh connect (retry count: 1)', cause)
    this.#verbose('* Closing connection', cause)
    this.#connection?.socket.close(cause)
    this.#attemptAt = this.#p.process.now
    this.#connect(cause)
    return true
  }

  #fail(exitCode: number, message: string, verdict: JourneyVerdict, cause: number): void {
    this.#connection?.socket.close(cause)
    this.#end({ exitCode, message, verdict }, cause)
  }

  #end(end: TransferEnd, cause: number): void {
    if (this.#over) return
    this.#over = true
    this.#timer?.cancel()
    this.#connecting?.cancel()
    const socket = this.#connection?.socket
    if (socket !== undefined) socket.onWake = undefined
    const { via, process } = this.#p
    const status = this.#status()
    const contentType = this.#head === undefined ? undefined : header(this.#head, 'content-type')
    const connected = this.#connectedAt > 0 || this.#reused
    this.#p.onEnd(
      {
        ...end,
        received: this.#received,
        connects: this.#connects,
        ...(status === undefined ? {} : { status }),
        ...(contentType === undefined ? {} : { contentType }),
        ...(connected && socket !== undefined
          ? {
              remoteIp: formatIpv4(this.#address),
              remotePort: via.port,
              localIp: formatIpv4(socket.local.address),
              localPort: socket.local.port,
            }
          : {}),
        times: {
          lookup: this.#resolvedAt - this.#begun,
          connect: Math.max(0, this.#connectedAt - this.#begun),
          firstByte: Math.max(0, this.#firstByteAt - this.#begun),
          total: process.now - this.#begun,
        },
      },
      cause,
    )
  }

  /** Whole milliseconds since the transfer began. */
  #elapsed(): number {
    return Math.floor((this.#p.process.now - this.#begun) / MS)
  }

  #verbose(line: string, cause: number): void {
    if (this.#p.options.verbose) this.#p.process.print(line, cause)
  }
}
