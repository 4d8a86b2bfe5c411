import type { Prng } from '../../base/prng.ts'
import { STEP } from '../../trace/columns.ts'
import type { DropReason } from '../../trace/step.ts'
import type { StepAt } from '../../trace/trace.ts'
import type { Namespace, Path, Skb } from '../types.ts'
import { PmtuCache } from './pmtu.ts'
import { PortTable } from './ports.ts'

/** What every socket of a namespace shares. */
export class SocketHost {
  readonly ns: Namespace
  readonly path: Path
  /** A stream of this namespace's own: how often TCP draws never moves the choices of the statistic match. */
  readonly rng: Prng
  readonly ports: PortTable
  readonly pmtu: PmtuCache
  readonly #txHash: Prng
  readonly #at: StepAt

  constructor(ns: Namespace, path: Path) {
    this.ns = ns
    this.path = path
    this.rng = ns.kernel.rng.fork(`sockets ${ns.name}`)
    this.ports = new PortTable(this.rng.next())
    this.pmtu = new PmtuCache(ns.kernel)
    this.#txHash = this.rng.fork('txhash')
    this.#at = { packet: -1, cause: -1, netns: ns.ref, device: -1 }
  }

  get rec() {
    return this.ns.kernel.rec
  }

  get now(): number {
    return this.ns.kernel.now
  }

  /** net_tx_rndhash(): what a connection marks its packets with, so that they keep one way; never 0. */
  nextTxHash(): number {
    return this.#txHash.next() || 1
  }

  /** Writes a step of this namespace that concerns no packet in flight. */
  step(kind: number, cause: number, a = 0, b = 0, c = 0, d = 0): number {
    this.#at.cause = cause
    return this.rec.step(kind, this.#at, a, b, c, d)
  }

  /** A timer of this namespace fires for `record` (a ref). */
  timerStep(what: string, record: number, cause: number): number {
    return this.step(STEP.timer, cause, this.rec.text(what), record)
  }

  /** Ends the packet in a socket; answers the seq that what follows is caused by. */
  deliver(skb: Skb, socket: number): number {
    skb.cause = this.rec.step(STEP.deliver, skb, DELIVER_SOCKET, socket)
    return skb.cause
  }

  drop(skb: Skb, reason: DropReason): number {
    this.path.drop(skb, reason)
    skb.cause = this.rec.last
    return skb.cause
  }
}

const DELIVER_SOCKET = 0
