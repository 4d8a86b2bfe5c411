import { concatBytes, utf8 } from '../../base/bytes.ts'
import type { TcpSocket } from '../../kernel/sockets/index.ts'
import type { Timer } from '../../kernel/types.ts'
import { formatIpv4 } from '../../net/address.ts'
import { HttpBuffer, header, type MessageHead } from './http.ts'
import { BodyReader, requestFraming } from './http-body.ts'
import { Exchange } from './reverse-proxy-exchange.ts'
import { ownHead } from './reverse-proxy-messages.ts'
import type { ReverseProxy } from './reverse-proxy-pool.ts'
import { wakingUp } from './wakeup.ts'

/** A client's connection. Its requests are served one after the other; what it sends meanwhile waits in the buffer. */
export class Downstream {
  readonly #proxy: ReverseProxy
  readonly #socket: TcpSocket
  readonly #port: number
  readonly #buffer = new HttpBuffer()
  #head: MessageHead | undefined
  #body: BodyReader | undefined
  readonly #content: Uint8Array[] = []
  #exchange: Exchange | undefined
  #closed = false
  #idle: Timer | undefined

  constructor(proxy: ReverseProxy, socket: TcpSocket, port: number) {
    this.#proxy = proxy
    this.#socket = socket
    this.#port = port
    socket.set({ noDelay: true })
    socket.onWake = wakingUp(proxy.process, (cause) => this.readable(cause))
    proxy.process.atExit((cause) => this.close(cause))
  }

  readable(cause: number): void {
    if (this.#closed) return
    const got = this.#socket.receive(cause)
    switch (got.kind) {
      case 'nothing':
        return
      case 'data':
        this.#buffer.push(got.bytes)
        this.#next(cause)
        this.readable(cause)
        return
      default:
        // nginx takes a client that stops sending for one that has gone: the request to the backend is given up with it.
        this.#exchange?.abandon(cause)
        this.close(cause)
    }
  }

  /** Begins the next request once it is there in full: bodies are buffered (proxy_request_buffering). */
  #next(cause: number): void {
    if (this.#exchange !== undefined || this.#closed) return
    this.#head ??= this.#buffer.takeHead()
    const head = this.#head
    if (head === undefined) return
    this.#body ??= new BodyReader(requestFraming(head))
    this.#content.push(this.#body.take(this.#buffer))
    if (!this.#body.done) return
    this.#idle?.cancel()
    const content = concatBytes(this.#content.splice(0))
    this.#head = undefined
    this.#body = undefined
    const received = this.#proxy.process.step('receive', head.startLine, cause)
    this.#exchange = new Exchange(this.#proxy, this, {
      head,
      content,
      client: formatIpv4(this.#socket.remote.address),
      port: this.#port,
    })
    if (isWellFormed(head)) this.#exchange.start(received)
    else this.answer(400, false, received)
  }

  /** Bytes of a response. False when the client has gone. */
  send(bytes: Uint8Array, cause: number): boolean {
    return !this.#closed && this.#socket.send(bytes, cause).ok
  }

  /** An answer of the proxy's own. */
  answer(status: number, keep: boolean, cause: number): void {
    const { process, flavour } = this.#proxy
    const answer = flavour.error(status)
    const body = utf8(answer.body)
    const head = utf8(ownHead(answer, body.length, keep))
    const sent = process.step('send', `HTTP/1.1 ${status}`, cause)
    const hasBody = this.#exchange?.method !== 'HEAD'
    this.finish(this.send(hasBody ? concatBytes([head, body]) : head, sent) && keep, sent)
  }

  /** The response is out: the next request, or the end of the connection. */
  finish(keep: boolean, cause: number): void {
    this.#exchange = undefined
    if (!keep) {
      this.close(cause)
      return
    }
    this.#waitForMore(cause)
    this.#next(cause)
  }

  /** keepalive_timeout */
  #waitForMore(cause: number): void {
    const { process, flavour } = this.#proxy
    this.#idle?.cancel()
    this.#idle = process.after(flavour.clientKeepAlive, 'client keepalive', cause, (seq) => this.close(seq))
  }

  close(cause: number): void {
    if (this.#closed) return
    this.#closed = true
    this.#idle?.cancel()
    this.#socket.onWake = undefined
    this.#socket.close(cause)
  }
}

/** RFC 9112 section 3.2: a request line, and in HTTP/1.1 a Host. */
const isWellFormed = (head: MessageHead): boolean => {
  const m = /^\S+ \S+ HTTP\/1\.([01])$/.exec(head.startLine)
  return m !== null && (m[1] === '0' || header(head, 'host') !== undefined)
}
