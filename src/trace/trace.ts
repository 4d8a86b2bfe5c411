import type { Delta, World } from '../world/world.ts'

/** One row per step, in order of seq. Arrays are exactly `length` long once a trace is sealed, one buffer each: transferable. */
export interface EventColumns {
  readonly length: number
  /** Virtual ns; float64 keeps integers exact for 104 days. */
  readonly t: Float64Array
  readonly kind: Uint8Array
  readonly cause: Int32Array
  readonly packet: Int32Array
  /** refs index of a netns id. */
  readonly netns: Int32Array
  /** refs index of a device id, or -1. */
  readonly device: Int32Array
  readonly a: Int32Array
  readonly b: Int32Array
  readonly c: Int32Array
  readonly d: Int32Array
}

/** Record changes, ascending in seq; several may share one. Reversible: `from` is kept. */
export interface DeltaLog {
  readonly seq: Int32Array
  readonly deltas: readonly Delta[]
}

/** Cell stores, ascending in seq. Counters of rules, chains and devices are not here: they follow from `rule`, `policy`, `enter` rows. */
export interface CellLog {
  readonly length: number
  readonly seq: Int32Array
  /** refs index. */
  readonly ref: Int32Array
  /** Index into CELL_FIELDS. */
  readonly field: Uint8Array
  readonly value: Float64Array
}

/** Each packet's header fields when it was born: PACKET_WIDTH integers a packet (layout in packets.ts), bytes beside them. */
export interface PacketTable {
  readonly length: number
  readonly rows: Int32Array
  readonly options: readonly Uint8Array[]
  readonly payloads: readonly Uint8Array[]
}

/** How a journey ended, and the step that decided it. */
export type JourneyVerdict =
  | { readonly kind: 'answered' }
  /** `error` is the errno that the process saw: ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT, ECONNRESET, ENOLINK …, or `no answer`. */
  | { readonly kind: 'failed'; readonly error: string; readonly decidedBy?: number }
  | { readonly kind: 'undetermined'; readonly what: string; readonly decidedBy?: number }

export interface JourneyResult {
  readonly from: string
  readonly run: string
  readonly process: string
  /** First and last step of the journey, inclusive. */
  readonly first: number
  readonly last: number
  readonly exitCode: number
  readonly output: string
  /** What was decided for the user, in plain words: a default that the real program does not have. */
  readonly notes?: readonly string[]
  readonly verdict: JourneyVerdict
}

/** Everything a run left. Plain data: it crosses the worker border as it is. */
export interface Trace {
  readonly initial: World
  readonly events: EventColumns
  /** Interned record ids: what ref columns point into. */
  readonly refs: readonly string[]
  readonly texts: readonly string[]
  readonly deltas: DeltaLog
  readonly cells: CellLog
  readonly packets: PacketTable
  readonly journeys: readonly JourneyResult[]
  /** Set when the run was cut short (step or time limit). */
  readonly truncated?: string
}

/** Where and why a step happens. The kernel keeps one mutable instance per packet in flight (its skb), so no allocation. */
export interface StepAt {
  packet: number
  cause: number
  /** refs index */
  netns: number
  /** refs index, -1 for none */
  device: number
}
