import { concatBytes, toHex, utf8 } from '../../base/bytes.ts'
import type { Prng } from '../../base/prng.ts'
import { type SocketError, strerror, type TcpSocket } from '../../kernel/sockets/index.ts'
import type { Timer } from '../../kernel/types.ts'
import { EMPTY } from '../../net/packet.ts'
import { HttpBuffer, header, keepsAlive, type MessageHead } from './http.ts'
import { BodyReader, responseFraming } from './http-body.ts'
import type { Process } from './process.ts'
import type { Downstream } from './reverse-proxy-downstream.ts'
import type { Flavour } from './reverse-proxy-flavours.ts'
import { hostOf, pathOf } from './reverse-proxy-match.ts'
import { type ProxyRoute, type ProxyTarget, ruleText, targetText } from './reverse-proxy-routes.ts'
import { wakingUp } from './wakeup.ts'

/** What all connections of one proxy share: its balancers, and the connections to targets that wait for another request. */
export class ReverseProxy {
  readonly process: Process
  readonly flavour: Flavour
  readonly #random: Prng
  /** By service port: which target comes next. */
  readonly #turns = new Map<string, number>()
  readonly #idle = new Map<string, Upstream[]>()

  constructor(process: Process, flavour: Flavour) {
    this.process = process
    this.flavour = flavour
    this.#random = process.ns.kernel.rng.fork(`proxy ${process.id}`)
  }

  /** $request_id: 16 random bytes. */
  nextId(): string {
    const bytes = Uint8Array.from({ length: 16 }, () => this.#random.below(256))
    return toHex(bytes)
  }

  route(head: MessageHead): ProxyRoute | undefined {
    const target = head.startLine.split(' ')[1] ?? '/'
    const routes = this.flavour.routes(this.process.ns.kernel.rec.world)
    return this.flavour.match(routes, hostOf(header(head, 'host') ?? ''), pathOf(target))
  }

  /** Round robin over a service port's targets, from a random one on (lua-resty-balancer's roundrobin). */
  next(route: ProxyRoute): ProxyTarget | undefined {
    const { targets, service } = route
    if (targets.length === 0) return undefined
    const turn = this.#turns.get(service) ?? this.#random.fork(service).below(targets.length)
    this.#turns.set(service, turn + 1)
    return targets[turn % targets.length]
  }

  /** The connection that was put back last, as nginx's upstream keepalive does. */
  take(target: ProxyTarget): Upstream | undefined {
    return this.#idle.get(targetText(target))?.pop()
  }

  keep(upstream: Upstream): void {
    const key = targetText(upstream.target)
    const list = this.#idle.get(key)
    if (list === undefined) this.#idle.set(key, [upstream])
    else list.push(upstream)
  }

  forget(upstream: Upstream): void {
    const list = this.#idle.get(targetText(upstream.target))
    const i = list?.indexOf(upstream) ?? -1
    if (i >= 0) list?.splice(i, 1)
  }
}

/** A connection to a target. */
export class Upstream {
  readonly target: ProxyTarget
  readonly socket: TcpSocket
  readonly #proxy: ReverseProxy
  #handler: ((cause: number) => void) | undefined
  #timer: Timer | undefined
  #closed = false

  constructor(proxy: ReverseProxy, target: ProxyTarget) {
    this.#proxy = proxy
    this.target = target
    this.socket = proxy.process.sockets.tcp(proxy.process.owner)
    this.socket.set({ noDelay: true })
    proxy.process.atExit((cause) => this.close(cause))
  }

  /** `handler` runs when the socket has something, or when `limit` (ns) has passed: then with `timedOut`. */
  wait(limit: number, what: string, cause: number, handler: (cause: number, timedOut: boolean) => void): void {
    this.#timer?.cancel()
    this.#timer = this.#proxy.process.after(limit, what, cause, (seq) => handler(seq, true))
    this.#handler = (seq) => handler(seq, false)
    this.socket.onWake = wakingUp(this.#proxy.process, (seq) => {
      if (!this.#closed) this.#handler?.(seq)
    })
  }

  /** For the next request; a target that closes in the meantime is forgotten. */
  rest(cause: number): void {
    this.#proxy.keep(this)
    this.wait(this.#proxy.flavour.keepAlive, 'upstream keepalive', cause, (seq) => {
      this.#proxy.forget(this)
      this.close(seq)
    })
  }

  close(cause: number): void {
    if (this.#closed) return
    this.#closed = true
    this.#timer?.cancel()
    this.socket.onWake = undefined
    this.socket.close(cause)
  }
}

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
