import { concatBytes, utf8 } from '../../base/bytes.ts'
import { type SocketError, strerror } from '../../kernel/sockets/index.ts'
import { EMPTY } from '../../net/packet.ts'
import { HttpBuffer, header, keepsAlive, type MessageHead } from './http.ts'
import { BodyReader, responseFraming } from './http-body.ts'
import type { Downstream } from './reverse-proxy-downstream.ts'
import { hostOf, pathOf } from './reverse-proxy-match.ts'
import { type ReverseProxy, Upstream } from './reverse-proxy-pool.ts'
import { type ProxyRoute, ruleText, targetText } from './reverse-proxy-routes.ts'

interface ClientRequest {
  readonly head: MessageHead
  readonly content: Uint8Array
  readonly client: string
  readonly port: number
}

/** One request, from the rule that it meets to the end of its response. */
export class Exchange {
  readonly method: string
  readonly #proxy: ReverseProxy
  readonly #downstream: Downstream
  readonly #request: ClientRequest
  #route: ProxyRoute | undefined
  #upstream: Upstream | undefined
  #tries = 0
  #reused = false
  #text: Uint8Array = EMPTY
  #buffer = new HttpBuffer()
  #head: MessageHead | undefined
  #body: BodyReader | undefined

  constructor(proxy: ReverseProxy, downstream: Downstream, request: ClientRequest) {
    this.#proxy = proxy
    this.#downstream = downstream
    this.#request = request
    this.method = request.head.startLine.split(' ')[0] ?? ''
  }

  get #keep(): boolean {
    return keepsAlive(this.#request.head)
  }

  start(cause: number): void {
    const { process, flavour } = this.#proxy
    const { head } = this.#request
    const asked = `${hostOf(header(head, 'host') ?? '')}${pathOf(head.startLine.split(' ')[1] ?? '/')}`
    const route = this.#proxy.route(head)
    if (route === undefined) {
      this.#downstream.answer(404, this.#keep, process.routed({ rule: asked }, cause))
      return
    }
    this.#route = route
    this.#text = concatBytes([utf8(flavour.request({ ...this.#request, id: this.#proxy.nextId() })), this.#request.content])
    this.#try(cause)
  }

  /** The client has gone. */
  abandon(cause: number): void {
    this.#upstream?.close(cause)
    this.#upstream = undefined
  }

  #try(cause: number): void {
    const { process, flavour } = this.#proxy
    const route = this.#route
    if (route === undefined) return
    const target = this.#proxy.next(route)
    const { ingress, service } = route
    const choice = { object: ingress, rule: ruleText(route), service }
    if (target === undefined) {
      this.#downstream.answer(503, this.#keep, process.routed(choice, cause))
      return
    }
    const chosen = process.routed({ ...choice, endpoint: targetText(target) }, cause)
    const kept = this.#proxy.take(target)
    if (kept !== undefined) {
      this.#upstream = kept
      this.#reused = true
      this.#send(kept, chosen)
      return
    }
    this.#tries++
    this.#reused = false
    const upstream = new Upstream(this.#proxy, target)
    this.#upstream = upstream
    const connecting = process.step('connect', targetText(target), chosen)
    const begun = upstream.socket.connect(target.address, target.port, connecting)
    if (!begun.ok) {
      this.#failed({ errno: begun.error }, 'connect()', connecting)
      return
    }
    upstream.wait(flavour.connectTimeout, 'upstream connect timeout', connecting, (seq, timedOut) => {
      const error = timedOut ? ({ errno: 'ETIMEDOUT' } as const) : upstream.socket.takeError()
      if (error !== undefined) this.#failed(error, 'connect()', seq)
      else if (upstream.socket.connected) this.#send(upstream, seq)
    })
  }

  #send(upstream: Upstream, cause: number): void {
    const { process, flavour } = this.#proxy
    const sent = process.step('send', this.#request.head.startLine, cause)
    const result = upstream.socket.send(this.#text, sent)
    if (!result.ok) {
      this.#failed(result.error, 'send()', sent)
      return
    }
    upstream.wait(flavour.readTimeout, 'upstream read timeout', sent, (seq, timedOut) => {
      if (timedOut) this.#failed({ errno: 'ETIMEDOUT' }, 'read', seq)
      else this.#readable(upstream, seq)
    })
  }

  /**
   * What did not work with one target is tried on the next (proxy_next_upstream error timeout), a request that may not be
   * repeated only while it has not been sent. A kept connection that turns out dead costs no try.
   */
  #failed(error: SocketError, where: string, cause: number): void {
    const { process, flavour } = this.#proxy
    const seq = process.step('error', `${where} failed: ${strerror(error.errno)}`, cause)
    this.#upstream?.close(seq)
    this.#upstream = undefined
    if (this.#head !== undefined) {
      // Half a response is out already: the client can only be told by closing.
      this.#downstream.close(seq)
      return
    }
    const repeatable = where === 'connect()' || IDEMPOTENT.has(this.method) || this.#reused
    if (repeatable && this.#tries < flavour.tries) {
      this.#buffer = new HttpBuffer()
      this.#try(seq)
      return
    }
    this.#downstream.answer(error.errno === 'ETIMEDOUT' ? 504 : 502, this.#keep, seq)
  }

  #readable(upstream: Upstream, cause: number): void {
    const got = upstream.socket.receive(cause)
    switch (got.kind) {
      case 'nothing':
        return
      case 'data':
        this.#buffer.push(got.bytes)
        this.#consume(upstream, cause)
        if (this.#upstream === upstream) this.#readable(upstream, cause)
        return
      case 'error':
        this.#failed(got.error, 'recv()', cause)
        return
      case 'end':
        if (this.#body?.closed() === true) this.#complete(upstream, false, cause)
        else this.#failed({ errno: 'ECONNRESET' }, 'recv()', cause)
    }
  }

  /** The head as soon as it is complete, with what is there of the body in the same write. */
  #consume(upstream: Upstream, cause: number): void {
    const { process, flavour } = this.#proxy
    const out: Uint8Array[] = []
    let seq = cause
    if (this.#head === undefined) {
      const head = this.#buffer.takeHead()
      if (head === undefined) return
      this.#head = head
      const framing = responseFraming(head, this.method)
      this.#body = new BodyReader(framing)
      const received = process.step('receive', head.startLine, cause)
      seq = process.step('send', head.startLine, received)
      out.push(utf8(flavour.response(head, { chunked: this.#chunked, keep: this.#keepsDownstream })))
    }
    const body = this.#body
    if (body === undefined) return
    const bytes = body.take(this.#buffer)
    if (bytes.length > 0) out.push(this.#chunked ? chunk(bytes) : bytes)
    if (body.done && this.#chunked) out.push(LAST_CHUNK)
    if (out.length > 0 && !this.#downstream.send(concatBytes(out), seq)) {
      this.abandon(seq)
      this.#downstream.close(seq)
      return
    }
    if (body.done) this.#complete(upstream, keepsAlive(this.#head) && this.#buffer.length === 0, seq)
  }

  /** A body without a length goes to an HTTP/1.1 client in chunks, to an older one until the connection ends. */
  get #chunked(): boolean {
    const framing = this.#body?.framing.kind
    return framing !== undefined && framing !== 'length' && !this.#isOld
  }
  get #isOld(): boolean {
    return this.#request.head.startLine.endsWith('HTTP/1.0')
  }
  get #keepsDownstream(): boolean {
    return this.#keep && (this.#body?.framing.kind === 'length' || this.#chunked)
  }

  #complete(upstream: Upstream, keep: boolean, cause: number): void {
    if (!keep && this.#body?.framing.kind === 'close' && this.#chunked) this.#downstream.send(LAST_CHUNK, cause)
    this.#upstream = undefined
    if (keep) upstream.rest(cause)
    else upstream.close(cause)
    this.#downstream.finish(this.#keepsDownstream, cause)
  }
}

/** RFC 9110 section 9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])
const LAST_CHUNK = utf8('0\r\n\r\n')
const chunk = (bytes: Uint8Array): Uint8Array => concatBytes([utf8(`${bytes.length.toString(16)}\r\n`), bytes, utf8('\r\n')])
