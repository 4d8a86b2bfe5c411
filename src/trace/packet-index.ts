import { STEP } from './columns.ts'
import { PACKET_ORIGINS, type PacketOrigin } from './step.ts'
import type { Trace } from './trace.ts'

/** Where a packet comes from and what belongs to it. */
export interface PacketInfo {
  readonly packet: number
  readonly origin: PacketOrigin
  /** seq of its birth, -1 when the trace has none. */
  readonly born: number
  /** seq of its first and last step. */
  readonly first: number
  readonly last: number
  /** Packet that it was cloned, cut, wrapped or unwrapped from, or that it answers; -1 for none. */
  readonly parent: number
  /** Index of the journey that brought it about, -1 for none. */
  readonly journey: number
  readonly children: readonly number[]
}

/**
 * Which journey each step belongs to: the journey whose process, through the chain of causes, brought it about. A step
 * without such a chain belongs to the journey in whose time it falls. -1 for none. One linear pass.
 */
function journeyOfSteps(trace: Trace): Int32Array {
  const { events: e, refs, journeys } = trace
  const out = new Int32Array(e.length)
  const journeyOfRef = new Int32Array(refs.length).fill(-1)
  if (journeys.length > 0) {
    const byProcess = new Map(journeys.map((j, i) => [j.process, i]))
    for (let r = 0; r < refs.length; r++) journeyOfRef[r] = byProcess.get(refs[r] ?? '') ?? -1
  }
  const inTime = (s: number) => journeys.findIndex((j) => s >= j.first && s <= j.last)
  for (let s = 0; s < e.length; s++) {
    let j = -1
    if (e.kind[s] === STEP.process) j = journeyOfRef[e.a[s] as number] ?? -1
    else if (e.kind[s] === STEP.born && (e.c[s] as number) >= 0) j = journeyOfRef[e.c[s] as number] ?? -1
    const cause = e.cause[s] as number
    if (j < 0 && cause >= 0 && cause < s) j = out[cause] as number
    out[s] = j < 0 ? inTime(s) : j
  }
  return out
}

/** Per packet: birth, family, journey and steps, from one pass over the columns. */
export class PacketIndex {
  readonly length: number
  readonly born: Int32Array
  readonly parent: Int32Array
  readonly first: Int32Array
  readonly last: Int32Array
  readonly #origin: Uint8Array
  readonly #start: Int32Array
  readonly #seqs: Int32Array
  readonly #trace: Trace
  #children: Map<number, number[]> | undefined
  #journeyOf: Int32Array | undefined

  constructor(source: { readonly trace: Trace }) {
    const trace = source.trace
    const { events: e } = trace
    const count = trace.packets.length
    this.#trace = trace
    this.length = count
    this.born = new Int32Array(count).fill(-1)
    this.parent = new Int32Array(count).fill(-1)
    this.first = new Int32Array(count).fill(-1)
    this.last = new Int32Array(count).fill(-1)
    this.#origin = new Uint8Array(count)
    const start = new Int32Array(count + 1)
    for (let s = 0; s < e.length; s++) {
      const p = e.packet[s] as number
      if (p < 0) continue
      start[p + 1] = (start[p + 1] as number) + 1
      if ((this.first[p] as number) < 0) this.first[p] = s
      this.last[p] = s
      if (e.kind[s] === STEP.born) {
        this.born[p] = s
        this.parent[p] = e.b[s] as number
        this.#origin[p] = e.a[s] as number
      }
    }
    for (let p = 0; p < count; p++) start[p + 1] = (start[p + 1] as number) + (start[p] as number)
    const at = start.slice()
    const seqs = new Int32Array(start[count] ?? 0)
    for (let s = 0; s < e.length; s++) {
      const p = e.packet[s] as number
      if (p < 0) continue
      seqs[at[p] as number] = s
      at[p] = (at[p] as number) + 1
    }
    this.#start = start
    this.#seqs = seqs
  }

  origin(packet: number): PacketOrigin {
    return PACKET_ORIGINS[this.#origin[packet] ?? 0] ?? 'socket'
  }

  /** seqs of every step of a packet, ascending. A view: do not write to it. */
  seqsOf(packet: number): Int32Array {
    return this.#seqs.subarray(this.#start[packet] ?? 0, this.#start[packet + 1] ?? 0)
  }

  /** Packets whose parent this is, in order of birth. */
  children(packet: number): readonly number[] {
    if (this.#children === undefined) {
      this.#children = new Map()
      for (let p = 0; p < this.length; p++) {
        const parent = this.parent[p] as number
        if (parent < 0) continue
        const siblings = this.#children.get(parent)
        if (siblings === undefined) this.#children.set(parent, [p])
        else siblings.push(p)
      }
    }
    return this.#children.get(packet) ?? []
  }

  /** Journey of a step, -1 for none. See `journeyOfSteps`. */
  journeyAt(seq: number): number {
    this.#journeyOf ??= journeyOfSteps(this.#trace)
    return this.#journeyOf[seq] ?? -1
  }

  info(packet: number): PacketInfo {
    const first = this.first[packet] ?? -1
    return {
      packet,
      origin: this.origin(packet),
      born: this.born[packet] ?? -1,
      first,
      last: this.last[packet] ?? -1,
      parent: this.parent[packet] ?? -1,
      journey: this.journeyAt(first),
      children: this.children(packet),
    }
  }
}
