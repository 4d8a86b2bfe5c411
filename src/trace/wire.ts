import { assertNever } from '../base/assert-never.ts'
import type { RecordId } from '../world/ids.ts'
import type { WorldRecord } from '../world/records.ts'
import type { Delta, World } from '../world/world.ts'
import type { TraceIndexes } from './indexes.ts'
import { RecordPacker } from './pack-records.ts'
import type { CellLog, EventColumns, JourneyResult, Trace } from './trace.ts'
import { type PackedRecords, recordUnpacker } from './unpack-records.ts'
import { changed, changeOf, type RecordChange } from './wire-records.ts'

/** Records, deltas and strings that one message carries at most: cloning them blocks the receiving thread for a millisecond or so. */
const RECORDS_A_CHUNK = 1000
/** Packed records take a quarter of that. */
const PACKED_A_CHUNK = 4000
const STRINGS_A_CHUNK = 20_000

/** A part of a trace on its way from the worker to the page. Post each with its own `transfer` list. */
export type TraceChunk = { readonly transfer: readonly ArrayBuffer[] } & (
  | { readonly kind: 'world'; readonly records: PackedRecords }
  /** Instead of all of those: the receiver has this world already. */
  | { readonly kind: 'known-world' }
  | { readonly kind: 'strings'; readonly refs: readonly string[]; readonly texts: readonly string[] }
  /** `from` stays behind: the assembler knows it from the world, and keeps records identical across messages. */
  | {
      readonly kind: 'deltas'
      readonly seq: Int32Array
      readonly ids: readonly RecordId[]
      readonly to: readonly RecordChange[]
    }
  | { readonly kind: 'events'; readonly events: EventColumns; readonly cells: CellLog }
  /** Options of all packets, then their payloads, in one buffer; piece i is bytes[offsets[2i] … offsets[2i] + offsets[2i+1]]. */
  | {
      readonly kind: 'packets'
      readonly length: number
      readonly rows: Int32Array
      readonly bytes: Uint8Array
      readonly offsets: Int32Array
    }
  | { readonly kind: 'indexes'; readonly indexes: TraceIndexes }
  | { readonly kind: 'end'; readonly journeys: readonly JourneyResult[]; readonly truncated?: string }
)

/** The buffer behind a view that a sealed trace owns alone. */
const buffer = (a: { readonly buffer: ArrayBufferLike }): ArrayBuffer[] => (a.buffer instanceof ArrayBuffer ? [a.buffer] : [])

/** The buffers behind the indexes, each once, for a transfer list. */
export function indexBuffers({ hops, packets, rewrites, cells, exchangeOf }: TraceIndexes): ArrayBuffer[] {
  const { byPacket, ...perHop } = hops
  const { steps, ...perPacket } = packets
  const views = [perHop, byPacket, perPacket, steps, rewrites, cells].flatMap(
    (columns) => Object.values(columns) as ArrayBufferView[],
  )
  return [...new Set([...views, exchangeOf].map((v) => v.buffer))].filter((b) => b instanceof ArrayBuffer)
}

/**
 * Cuts a trace into messages. The columns travel by transfer, so posting the chunks with their `transfer` lists takes the
 * trace away from its owner; without them it stays whole. With `indexes`, they travel too. `known`: the receiver has the world that
 * the trace begins in.
 */
export function* chunksOf(trace: Trace, indexes?: TraceIndexes, known = false): Generator<TraceChunk> {
  if (known) yield { kind: 'known-world', transfer: [] }
  else yield* worldChunks(trace.initial)
  for (let i = 0; i < Math.max(trace.refs.length, trace.texts.length); i += STRINGS_A_CHUNK) {
    const end = i + STRINGS_A_CHUNK
    yield { kind: 'strings', refs: trace.refs.slice(i, end), texts: trace.texts.slice(i, end), transfer: [] }
  }
  const { seq, deltas } = trace.deltas
  for (let i = 0; i < deltas.length; i += RECORDS_A_CHUNK) {
    const part = deltas.slice(i, i + RECORDS_A_CHUNK)
    const seqs = seq.slice(i, i + RECORDS_A_CHUNK)
    yield {
      kind: 'deltas',
      seq: seqs,
      ids: part.map((d) => d.id),
      to: part.map((d) => changeOf(d.from, d.to)),
      transfer: buffer(seqs),
    }
  }
  const { events: e, cells } = trace
  yield {
    kind: 'events',
    events: e,
    cells,
    transfer: [
      e.t,
      e.kind,
      e.cause,
      e.packet,
      e.netns,
      e.device,
      e.a,
      e.b,
      e.c,
      e.d,
      cells.seq,
      cells.ref,
      cells.field,
      cells.value,
    ].flatMap(buffer),
  }
  yield packetChunk(trace)
  if (indexes !== undefined) yield { kind: 'indexes', indexes, transfer: indexBuffers(indexes) }
  yield {
    kind: 'end',
    journeys: trace.journeys,
    ...(trace.truncated === undefined ? {} : { truncated: trace.truncated }),
    transfer: [],
  }
}

function* worldChunks(world: World): Generator<TraceChunk> {
  const packer = new RecordPacker()
  let records: WorldRecord[] = []
  const packed = (): TraceChunk => {
    const parts = packer.pack(records)
    records = []
    return { kind: 'world', records: parts, transfer: [parts.objects, parts.records].flatMap(buffer) }
  }
  for (const record of world.values()) {
    records.push(record)
    if (records.length === PACKED_A_CHUNK) yield packed()
  }
  if (records.length > 0) yield packed()
}

function packetChunk(trace: Trace): TraceChunk {
  const { length, rows, options, payloads } = trace.packets
  const pieces = [...options, ...payloads]
  const offsets = new Int32Array(pieces.length * 2)
  // Retransmissions, clones and constant option sets share one array: it travels once.
  const known = new Map<Uint8Array, number>()
  let size = 0
  pieces.forEach((piece, i) => {
    let at = known.get(piece)
    if (at === undefined) {
      at = size
      known.set(piece, at)
      size += piece.length
    }
    offsets[2 * i] = at
    offsets[2 * i + 1] = piece.length
  })
  const bytes = new Uint8Array(size)
  for (const [piece, at] of known) bytes.set(piece, at)
  return { kind: 'packets', length, rows, bytes, offsets, transfer: [rows, bytes, offsets].flatMap(buffer) }
}

/** Puts a trace together again from its chunks, in their order. */
export class TraceAssembler {
  /** What came with the trace. */
  indexes: TraceIndexes | undefined
  readonly #received = new Map<RecordId, WorldRecord>()
  #initial: World = this.#received
  readonly #known: World | undefined
  readonly #unpack = recordUnpacker()
  readonly #refs: string[] = []
  readonly #texts: string[] = []
  readonly #deltas: Delta[] = []
  readonly #deltaSeqs: Int32Array[] = []
  readonly #current = new Map<RecordId, WorldRecord | undefined>()
  #events: { readonly events: EventColumns; readonly cells: CellLog } | undefined
  #packets: Trace['packets'] | undefined

  /** `known`: the world that a sender may leave out. */
  constructor(known?: World) {
    this.#known = known
  }

  /** Takes the next chunk; the whole trace once the last one is there. */
  add(chunk: TraceChunk): Trace | undefined {
    switch (chunk.kind) {
      case 'world':
        for (const record of this.#unpack(chunk.records)) this.#received.set(record.id, record)
        return undefined
      case 'known-world':
        if (this.#known === undefined) throw new Error('a trace begins in a world that nobody has sent')
        this.#initial = this.#known
        return undefined
      case 'strings':
        for (const ref of chunk.refs) this.#refs.push(ref)
        for (const text of chunk.texts) this.#texts.push(text)
        return undefined
      case 'deltas':
        chunk.ids.forEach((id, i) => {
          const from = this.#current.has(id) ? this.#current.get(id) : this.#initial.get(id)
          const change = chunk.to[i]
          const to = change === undefined ? undefined : changed(from, change)
          this.#deltas.push({ id, from, to })
          this.#current.set(id, to)
        })
        this.#deltaSeqs.push(chunk.seq)
        return undefined
      case 'events':
        this.#events = chunk
        return undefined
      case 'packets': {
        const piece = (i: number) => {
          const at = chunk.offsets[2 * i] as number
          return chunk.bytes.subarray(at, at + (chunk.offsets[2 * i + 1] as number))
        }
        const { length, rows } = chunk
        const pieces = (from: number) => Array.from({ length }, (_, i) => piece(from + i))
        this.#packets = { length, rows, options: pieces(0), payloads: pieces(length) }
        return undefined
      }
      case 'indexes':
        this.indexes = chunk.indexes
        return undefined
      case 'end':
        return this.#finish(chunk.journeys, chunk.truncated)
      default:
        return assertNever(chunk, 'trace chunk')
    }
  }

  #finish(journeys: readonly JourneyResult[], truncated: string | undefined): Trace {
    if (this.#events === undefined || this.#packets === undefined) throw new Error('a trace ended before its columns came')
    const { events, cells } = this.#events
    const seq = new Int32Array(this.#deltas.length)
    let at = 0
    for (const part of this.#deltaSeqs) {
      seq.set(part, at)
      at += part.length
    }
    return {
      initial: this.#initial,
      events,
      refs: this.#refs,
      texts: this.#texts,
      deltas: { seq, deltas: this.#deltas },
      cells,
      packets: this.#packets,
      journeys,
      ...(truncated === undefined ? {} : { truncated }),
    }
  }
}
