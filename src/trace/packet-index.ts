import { STEP } from './columns.ts'
import { type Groups, groupBy } from './groups.ts'
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

/** What belongs to each packet, as columns: what the worker makes and the page gets by transfer. */
export interface PacketColumns {
  readonly born: Int32Array
  readonly parent: Int32Array
  readonly first: Int32Array
  readonly last: Int32Array
  /** Index into PACKET_ORIGINS. */
  readonly origin: Uint8Array
  /** seqs by packet. */
  readonly steps: Groups
  /** Per step: its journey, -1 for none. */
  readonly journeyOf: Int32Array
}

export function packetColumns(trace: Trace): PacketColumns {
  const { events: e } = trace
  const count = trace.packets.length
  const born = new Int32Array(count).fill(-1)
  const parent = new Int32Array(count).fill(-1)
  const first = new Int32Array(count).fill(-1)
  const last = new Int32Array(count).fill(-1)
  const origin = new Uint8Array(count)
  for (let s = 0; s < e.length; s++) {
    const p = e.packet[s] as number
    if (p < 0) continue
    if ((first[p] as number) < 0) first[p] = s
    last[p] = s
    if (e.kind[s] === STEP.born) {
      born[p] = s
      parent[p] = e.b[s] as number
      origin[p] = e.a[s] as number
    }
  }
  return { born, parent, first, last, origin, steps: groupBy(e.packet, count), journeyOf: journeyOfSteps(trace) }
}

/** Per packet: birth, family, journey and steps. */
export class PacketIndex {
  readonly length: number
  readonly born: Int32Array
  readonly parent: Int32Array
  readonly first: Int32Array
  readonly last: Int32Array
  readonly #columns: PacketColumns
  #children: Map<number, number[]> | undefined

  constructor(source: { readonly trace: Trace }, columns: PacketColumns = packetColumns(source.trace)) {
    this.#columns = columns
    this.length = columns.born.length
    this.born = columns.born
    this.parent = columns.parent
    this.first = columns.first
    this.last = columns.last
  }

  origin(packet: number): PacketOrigin {
    return PACKET_ORIGINS[this.#columns.origin[packet] ?? 0] ?? 'socket'
  }

  /** seqs of every step of a packet, ascending. A view: do not write to it. */
  seqsOf(packet: number): Int32Array {
    const { start, items } = this.#columns.steps
    return items.subarray(start[packet] ?? 0, start[packet + 1] ?? 0)
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
    return this.#columns.journeyOf[seq] ?? -1
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
