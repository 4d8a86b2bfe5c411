import type { Prng } from '../base/prng.ts'
import type { TraceRecorder } from '../trace/recorder.ts'
import type { NetDevice } from './device.ts'
import type { NetworkNamespace } from './namespace.ts'
import type { SkBuff } from './skb.ts'
import type { Kernel, Timer } from './types.ts'

/** What the kernel needs of whoever drives time. */
export interface Clockwork {
  schedule(delay: number, fn: () => void): Timer
  /** Hands `skb` to `device`'s receive path after `delay` ns. */
  transmit(delay: number, device: NetDevice, skb: SkBuff): void
}

/** Everything that all namespaces of a run share. */
export class NetKernel implements Kernel {
  readonly rec: TraceRecorder
  readonly rng: Prng
  readonly namespaces = new Map<string, NetworkNamespace>()
  readonly devices = new Map<string, NetDevice>()
  readonly #clock: Clockwork

  constructor(rec: TraceRecorder, rng: Prng, clock: Clockwork) {
    this.rec = rec
    this.rng = rng
    this.#clock = clock
  }

  get now(): number {
    return this.rec.now
  }

  schedule(delay: number, fn: () => void): Timer {
    return this.#clock.schedule(delay, fn)
  }

  transmit(delay: number, device: NetDevice, skb: SkBuff): void {
    this.#clock.transmit(delay, device, skb)
  }
}

// Virtual durations, ns. Rough figures of a small server: enough for times to read like life, never a claim about speed.
/** A veth crossing: one softirq on the same core. */
export const VETH_DELAY = 1_000
export const LOOPBACK_DELAY = 500
