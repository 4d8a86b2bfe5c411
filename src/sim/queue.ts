import type { NetDevice } from '../kernel/device.ts'
import type { Clockwork } from '../kernel/kernel.ts'
import { netifReceive } from '../kernel/path/receive.ts'
import type { SkBuff } from '../kernel/skb.ts'
import type { TickTimer, Timer, WokenTask } from '../kernel/types.ts'

class Item implements Timer {
  time: number
  order: number
  fn: (() => void) | undefined
  device: NetDevice | undefined
  skb: SkBuff | undefined
  /** A woken process. */
  task = false
  /** Waits for a tick, as others that a pinned timer has to come before do. */
  ticks = false
  constructor(time: number, order: number, fn: (() => void) | undefined, device: NetDevice | undefined, skb: SkBuff | undefined) {
    this.time = time
    this.order = order
    this.fn = fn
    this.device = device
    this.skb = skb
  }
  cancel(): void {
    this.fn = undefined
  }
}

/** A jiffy of CONFIG_HZ=250, ns. */
const TICK = 4_000_000

/** Timers no further apart than this, ns, are all but certain to fall into one tick. */
const TOGETHER = TICK / 40

/**
 * The event queue: a binary heap by (time, order of scheduling), so that calls at one instant keep their order and a run
 * is the same everywhere. It also counts frames on their way, which is how a run knows that the network has come to rest.
 */
export class EventQueue implements Clockwork {
  readonly #heap: Item[] = []
  /** Processes that wait for the CPU, first come first served. */
  readonly #tasks: Item[] = []
  readonly #oneCpu: boolean
  #order = 0
  /** Frames between two devices. */
  inFlight = 0
  /** Of these, those on a loopback. */
  #onLoopback = 0
  now = 0

  /**
   * `oneCpu`: all machines share one, as in a lab of namespaces. process_backlog() goes on as long as frames come, so that a woken
   * process runs after the last of them. Otherwise every process has a CPU of its own.
   */
  constructor(oneCpu = false) {
    this.#oneCpu = oneCpu
  }

  schedule(delay: number, fn: () => void, tick?: TickTimer | WokenTask): Timer {
    const item = new Item(this.now + delay, this.#order++, fn, undefined, undefined)
    if (tick === 'task' && this.#oneCpu) {
      this.#tasks.push(item)
      return item
    }
    item.task = tick === 'task'
    item.ticks = tick === 'global'
    if (tick === 'pinned') this.#advance(item)
    this.#push(item)
    return item
  }

  /** The other timers that go off with this one. They are taken, but a timer that runs may still cancel those after it. */
  #sameTick(first: Item): Item[] {
    const { time } = first
    const near = this.#heap.filter((i) => i.ticks && i.fn !== undefined && i.time - time < TOGETHER)
    return near.sort((a, b) => (before(a, b) ? -1 : 1))
  }

  /** A pinned timer runs ahead of the first one of its tick. */
  #advance(item: Item): void {
    let first: Item | undefined
    for (const other of this.#heap) {
      if (!other.ticks || other.fn === undefined || other.time > item.time || other.time <= item.time - TICK) continue
      if (first === undefined || before(other, first)) first = other
    }
    if (first === undefined) return
    item.time = first.time
    item.order = first.order - 0.5
  }

  transmit(delay: number, device: NetDevice, skb: SkBuff): void {
    this.inFlight++
    if (device.record.link.kind === 'loopback') this.#onLoopback++
    this.#push(new Item(this.now + delay, this.#order++, undefined, device, skb))
  }

  /** Time of the next event, undefined when there is none. Cancelled timers are passed over. */
  peek(): number | undefined {
    if (this.#runnable() !== undefined) return this.now
    for (;;) {
      const top = this.#heap[0]
      if (top === undefined) return undefined
      if (top.fn !== undefined || top.skb !== undefined) return top.time
      this.#pop()
    }
  }

  /** The process whose turn it is: none while frames are on their way, or such as are handled where they were sent. */
  #runnable(): Item | undefined {
    return (this.#oneCpu ? this.inFlight : this.#onLoopback) === 0 ? this.#tasks[0] : undefined
  }

  /** Runs the next event. The caller has set the recorder's clock to `peek()`. */
  step(): void {
    const task = this.#runnable()
    if (task !== undefined) this.#tasks.shift()
    const item = task ?? this.#pop()
    if (item === undefined) return
    this.now = task === undefined ? item.time : this.now
    if (item.task && this.#onLoopback > 0) {
      // loopback_xmit() puts a frame into this CPU's backlog, which is empty before any process runs here again.
      this.#tasks.push(item)
      return
    }
    if (item.skb !== undefined) {
      this.inFlight--
      if (item.device?.record.link.kind === 'loopback') this.#onLoopback--
      netifReceive(item.skb, item.device as NetDevice)
    } else if (item.fn !== undefined) {
      const due = item.ticks ? [item, ...this.#sameTick(item)] : [item]
      for (const each of due) {
        const { fn } = each
        each.fn = undefined
        fn?.()
      }
    }
  }

  #push(item: Item): void {
    const heap = this.#heap
    let i = heap.length
    heap.push(item)
    while (i > 0) {
      const up = (i - 1) >> 1
      const parent = heap[up] as Item
      if (before(parent, item)) break
      heap[i] = parent
      i = up
    }
    heap[i] = item
  }

  #pop(): Item | undefined {
    const heap = this.#heap
    const top = heap[0]
    const last = heap.pop()
    if (top === undefined || last === undefined || heap.length === 0) return top
    let i = 0
    const half = heap.length >> 1
    while (i < half) {
      let child = 2 * i + 1
      if (child + 1 < heap.length && before(heap[child + 1] as Item, heap[child] as Item)) child++
      if (before(last, heap[child] as Item)) break
      heap[i] = heap[child] as Item
      i = child
    }
    heap[i] = last
    return top
  }
}

const before = (a: Item, b: Item): boolean => a.time < b.time || (a.time === b.time && a.order < b.order)
