import { toHex } from '../../base/bytes.ts'
import type { Prng } from '../../base/prng.ts'
import type { TcpSocket } from '../../kernel/sockets/index.ts'
import type { Timer } from '../../kernel/types.ts'
import { header, type MessageHead } from './http.ts'
import type { Process } from './process.ts'
import type { Flavour } from './reverse-proxy-flavours.ts'
import { hostOf, pathOf } from './reverse-proxy-match.ts'
import { type ProxyRoute, type ProxyTarget, targetText } from './reverse-proxy-routes.ts'
import { wakingUp } from './wakeup.ts'

/** What all connections of one proxy share: its balancers, and the connections to targets that wait for another request. */
export class ReverseProxy {
  readonly process: Process
  readonly flavour: Flavour
  readonly #random: Prng
  /** By service port: which target comes next. */
  readonly #turns = new Map<string, number>()
  readonly #idle = new Map<string, Upstream[]>()
  #routes: { readonly version: number; readonly routes: readonly ProxyRoute[] } | undefined

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
    return this.flavour.match(this.#rules(), hostOf(header(head, 'host') ?? ''), pathOf(target))
  }

  /** The rules of this moment, read anew when an object has changed: a controller watches the API server. */
  #rules(): readonly ProxyRoute[] {
    const { rec } = this.process.ns.kernel
    if (this.#routes?.version !== rec.objectVersion) {
      this.#routes = { version: rec.objectVersion, routes: this.flavour.routes(rec.world) }
    }
    return this.#routes.routes
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
