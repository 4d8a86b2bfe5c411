import type { Prng } from '../base/prng.ts'
import type { TraceRecorder } from '../trace/recorder.ts'
import type { NetDevice } from './device.ts'
import type { NetworkNamespace } from './namespace.ts'
import type { SkBuff } from './skb.ts'
import type { Kernel, TickTimer, Timer, WokenTask } from './types.ts'

/** What the kernel needs of whoever drives time. */
export interface Clockwork {
  schedule(delay: number, fn: () => void, tick?: TickTimer | WokenTask): Timer
  /** Hands `skb` to `device`'s receive path after `delay` ns. */
  transmit(delay: number, device: NetDevice, skb: SkBuff): void
}

/** A map whose entries come to be when they are first asked for: of a large cluster most are never. Iteration gives those that are. */
export class LazyMap<V> extends Map<string, V> {
  /** Sets the entry, if there is to be one. */
  make: (key: string) => void = () => {}

  override get(key: string): V | undefined {
    const there = super.get(key)
    if (there !== undefined) return there
    this.make(key)
    return super.get(key)
  }
}

/** Everything that all namespaces of a run share. */
export class NetKernel implements Kernel {
  readonly rec: TraceRecorder
  readonly rng: Prng
  readonly namespaces: LazyMap<NetworkNamespace>
  readonly devices: LazyMap<NetDevice>
  readonly objectWatches: Set<(cause: number) => void>
  /** Called when a namespace of the world that the run starts from has come to be. */
  onUp: ((ns: NetworkNamespace) => void) | undefined
  readonly #clock: Clockwork

  constructor(
    rec: TraceRecorder,
    rng: Prng,
    clock: Clockwork,
    shared?: Pick<NetKernel, 'namespaces' | 'devices' | 'objectWatches'>,
  ) {
    this.rec = rec
    this.rng = rng
    this.namespaces = shared?.namespaces ?? new LazyMap()
    this.devices = shared?.devices ?? new LazyMap()
    this.objectWatches = shared?.objectWatches ?? new Set()
    this.#clock = clock
  }

  /** This kernel as one namespace has it. */
  local(): LocalKernel {
    return new LocalKernel(this.rec, this.rng, this.#clock, this)
  }

  get now(): number {
    return this.rec.now
  }

  schedule(delay: number, fn: () => void, tick?: TickTimer | WokenTask): Timer {
    return this.#clock.schedule(delay, fn, tick)
  }

  transmit(delay: number, device: NetDevice, skb: SkBuff): void {
    this.#clock.transmit(delay, device, skb)
  }
}

/** What a namespace calls: once it is torn down, none of its timers runs any more. */
export class LocalKernel extends NetKernel {
  #gone = false

  override schedule(delay: number, fn: () => void, tick?: TickTimer | WokenTask): Timer {
    const alive = () => {
      if (!this.#gone) fn()
    }
    return super.schedule(delay, alive, tick)
  }

  shutDown(): void {
    this.#gone = true
  }
}

// Virtual durations, ns. Rough figures of a small server: enough for times to read like life, never a claim about speed.
/** A veth crossing: one softirq on the same core. */
export const VETH_DELAY = 1_000
export const LOOPBACK_DELAY = 500
