import { upperBound } from '../base/bisect.ts'
import { STEP } from './columns.ts'
import { type Groups, groupBy } from './groups.ts'
import type { Trace } from './trace.ts'

export const HOP_ENDS = ['open', 'depart', 'deliver', 'drop', 'wait', 'undetermined'] as const
/** `open`: the run ended while the packet was there. */
type HopEnd = (typeof HOP_ENDS)[number]

/** One packet in one place. */
export interface Hop {
  readonly index: number
  readonly packet: number
  /** netns id */
  readonly netns: string
  /** device id; undefined in a namespace's stack */
  readonly device: string | undefined
  /** Direction of the entry: `in` from the wire or the device below, `out` from the stack. */
  readonly direction: 'in' | 'out'
  /** seq of the entry. The packet's birth comes before it and belongs to its first hop too. */
  readonly first: number
  /** seq of the last step that belongs here: the closing one, or what followed from it. */
  readonly last: number
  /** seq of the closing step, -1 while open. */
  readonly closed: number
  readonly end: HopEnd
  /** The packet was taken up again here after it had waited for a neighbour. */
  readonly resumed: boolean
  /** A copy that was made here, in the middle of another packet's hop: there was no entry. */
  readonly bornHere: boolean
}

const END_OF_KIND = new Int8Array(256).fill(-1)
END_OF_KIND[STEP.depart] = 1
END_OF_KIND[STEP.deliver] = 2
END_OF_KIND[STEP.drop] = 3
END_OF_KIND[STEP.wait] = 4
END_OF_KIND[STEP.undetermined] = 5
const WAIT = 4
const OUTWARD = 1
const RESUMED = 2
const BORN_HERE = 4

/** Kinds that may still name a packet after its hop has closed: what its end brought about, not something done to it. */
export const AFTERMATH: ReadonlySet<number> = new Set([
  STEP.bridgeLearn,
  STEP.neighState,
  STEP.timer,
  STEP.proxyRoute,
  STEP.proxyCopy,
  STEP.tcpState,
  STEP.tcpRetransmit,
  STEP.socketData,
  STEP.process,
  STEP.ctChange,
  STEP.ipvsChange,
  STEP.log,
])
const IS_AFTERMATH = new Uint8Array(256)
for (const kind of AFTERMATH) IS_AFTERMATH[kind] = 1

const BEFORE_ENTRY = -2

/** The hops of a trace as columns: what the worker makes and the page gets by transfer. */
export interface HopColumns {
  readonly packet: Int32Array
  /** refs index */
  readonly netns: Int32Array
  /** refs index, -1 in the stack */
  readonly device: Int32Array
  readonly first: Int32Array
  readonly last: Int32Array
  readonly closed: Int32Array
  /** Index into HOP_ENDS. */
  readonly end: Uint8Array
  readonly flags: Uint8Array
  /** Per step: its hop, -1 outside any. */
  readonly hopOf: Int32Array
  /** Per packet: seq of a birth that came before its first entry, -1 for none. */
  readonly bornAt: Int32Array
  /** Hops by packet. */
  readonly byPacket: Groups
}

/** The hops of a trace in the order of their beginnings, found in one pass over the columns. */
export function hopColumns(trace: Trace): HopColumns {
  const { events: e, packets } = trace
  const n = e.length
  let room = 0
  for (let s = 0; s < n; s++) {
    const kind = e.kind[s]
    if (kind === STEP.enter || kind === STEP.wait || kind === STEP.born) room++
  }
  const packet = new Int32Array(room)
  const netns = new Int32Array(room)
  const device = new Int32Array(room)
  const first = new Int32Array(room)
  const last = new Int32Array(room)
  const closed = new Int32Array(room).fill(-1)
  const end = new Uint8Array(room)
  const flags = new Uint8Array(room)
  const hopOf = new Int32Array(n).fill(-1)
  const current = new Int32Array(packets.length).fill(-1)
  const bornAt = new Int32Array(packets.length).fill(-1)
  const { kind: kinds, packet: packetOf } = e
  let count = 0
  let early = false
  for (let s = 0; s < n; s++) {
    const p = packetOf[s] as number
    if (p < 0) continue
    const kind = kinds[s] as number
    let h = current[p] as number
    if (kind === STEP.enter) {
      const before = h
      h = count++
      packet[h] = p
      netns[h] = e.netns[s] as number
      device[h] = e.a[s] === 0 ? (e.device[s] as number) : -1
      first[h] = s
      flags[h] = (e.b[s] === 0 ? 0 : OUTWARD) | (before >= 0 && end[before] === WAIT ? RESUMED : 0)
      current[p] = h
    } else if (h < 0 && kind === STEP.born) {
      bornAt[p] = s
      hopOf[s] = BEFORE_ENTRY
      early = true
      continue
    } else if (h < 0) {
      // A copy is born in the middle of a hop (one a port when a bridge floods) and goes on from there.
      h = count++
      packet[h] = p
      netns[h] = e.netns[s] as number
      device[h] = e.device[s] as number
      first[h] = s
      flags[h] = BORN_HERE
      current[p] = h
    } else if (end[h] === WAIT && IS_AFTERMATH[kind] === 0) {
      const waited = h
      h = count++
      packet[h] = p
      netns[h] = netns[waited] as number
      device[h] = device[waited] as number
      first[h] = s
      flags[h] = ((flags[waited] as number) & OUTWARD) | RESUMED
      current[p] = h
    }
    hopOf[s] = h
    last[h] = s
    const closing = END_OF_KIND[kind] as number
    if (closing > 0 && (closed[h] as number) < 0) {
      end[h] = closing
      closed[h] = s
    }
  }
  if (early) {
    // A birth and what it needed before its entry belong to the packet's first hop.
    const firstHop = new Int32Array(packets.length).fill(-1)
    for (let h = count - 1; h >= 0; h--) firstHop[packet[h] as number] = h
    for (let s = 0; s < n; s++) if (hopOf[s] === BEFORE_ENTRY) hopOf[s] = firstHop[packetOf[s] as number] as number
  }
  const cut = (column: Int32Array) => column.subarray(0, count)
  return {
    packet: cut(packet),
    netns: cut(netns),
    device: cut(device),
    first: cut(first),
    last: cut(last),
    closed: cut(closed),
    end: end.subarray(0, count),
    flags,
    hopOf,
    bornAt,
    byPacket: groupBy(cut(packet), packets.length),
  }
}

/**
 * The hops of a trace.
 * A hop opens with an `enter` row and closes with a departure, delivery, drop, wait or `undetermined`. A packet that waited and
 * goes on without a new entry opens a `resumed` hop in the same place.
 */
export class HopIndex {
  /** Number of hops. */
  readonly length: number
  readonly packet: Int32Array
  /** refs index */
  readonly netns: Int32Array
  /** refs index, -1 in the stack */
  readonly device: Int32Array
  readonly first: Int32Array
  readonly last: Int32Array
  readonly closed: Int32Array
  /** Index into HOP_ENDS. */
  readonly end: Uint8Array
  readonly #flags: Uint8Array
  readonly #hopOf: Int32Array
  readonly #refs: readonly string[]
  readonly #byPacket: Groups
  readonly #bornAt: Int32Array

  constructor(source: { readonly trace: Trace }, columns: HopColumns = hopColumns(source.trace)) {
    this.#refs = source.trace.refs
    this.#byPacket = columns.byPacket
    this.length = columns.packet.length
    this.packet = columns.packet
    this.netns = columns.netns
    this.device = columns.device
    this.first = columns.first
    this.last = columns.last
    this.closed = columns.closed
    this.end = columns.end
    this.#flags = columns.flags
    this.#hopOf = columns.hopOf
    this.#bornAt = columns.bornAt
  }

  /** Index of the hop that a step belongs to, -1 for a step outside any (a process, a timer). */
  hopOf(seq: number): number {
    return this.#hopOf[seq] ?? -1
  }

  /** Hop number `index`. Throws outside 0 … length-1. */
  hop(index: number): Hop {
    if (index < 0 || index >= this.length) throw new Error(`there is no hop ${index}`)
    const device = this.device[index] as number
    return {
      index,
      packet: this.packet[index] as number,
      netns: this.#refs[this.netns[index] as number] as string,
      device: device < 0 ? undefined : this.#refs[device],
      direction: ((this.#flags[index] as number) & OUTWARD) === 0 ? 'in' : 'out',
      first: this.first[index] as number,
      last: this.last[index] as number,
      closed: this.closed[index] as number,
      end: HOP_ENDS[this.end[index] as number] ?? 'open',
      resumed: ((this.#flags[index] as number) & RESUMED) !== 0,
      bornHere: ((this.#flags[index] as number) & BORN_HERE) !== 0,
    }
  }

  /** Indices of a packet's hops, in order. */
  hopsOf(packet: number): Int32Array {
    const { start, items } = this.#byPacket
    return items.subarray(start[packet] ?? 0, start[packet + 1] ?? 0)
  }

  /** seqs of the steps of a hop, in order. Steps of other packets may lie between them. */
  stepsOf(index: number): number[] {
    const out: number[] = []
    const end = this.last[index] ?? -1
    const born = this.#bornAt[this.packet[index] ?? -1] ?? -1
    const begin = this.hopOf(born) === index ? born : (this.first[index] ?? 0)
    for (let s = begin; s <= end; s++) if (this.#hopOf[s] === index) out.push(s)
    return out
  }

  /** The first hop that begins after `seq`, -1 when there is none. */
  next(seq: number): number {
    const i = upperBound(this.first, seq)
    return i < this.length ? i : -1
  }

  /** The last hop that begins before `seq`, -1 when there is none. */
  previous(seq: number): number {
    return upperBound(this.first, seq - 1) - 1
  }
}
