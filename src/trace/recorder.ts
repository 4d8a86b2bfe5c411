import type { Packet } from '../net/packet.ts'
import type { RecordId } from '../world/ids.ts'
import { OverlayWorld } from '../world/overlay.ts'
import type { WorldRecord } from '../world/records.ts'
import { applyDelta, CELL_FIELDS, type Delta, type World } from '../world/world.ts'
import { STEP } from './columns.ts'
import { PACKET_WIDTH, writePacketRow } from './packets.ts'
import type { JourneyResult, StepAt, Trace } from './trace.ts'

const PACKETS = CELL_FIELDS.indexOf('packets')
const BYTES = CELL_FIELDS.indexOf('bytes')
const CHUNK_BITS = 14
const CHUNK = 1 << CHUNK_BITS
const CHUNK_MASK = CHUNK - 1

/** One slice of the event columns; growing is adding a slice, never copying. */
class EventChunk {
  readonly t = new Float64Array(CHUNK)
  readonly kind = new Uint8Array(CHUNK)
  readonly cause = new Int32Array(CHUNK)
  readonly packet = new Int32Array(CHUNK)
  readonly netns = new Int32Array(CHUNK)
  readonly device = new Int32Array(CHUNK)
  readonly a = new Int32Array(CHUNK)
  readonly b = new Int32Array(CHUNK)
  readonly c = new Int32Array(CHUNK)
  readonly d = new Int32Array(CHUNK)
}

class CellChunk {
  readonly seq = new Int32Array(CHUNK)
  readonly ref = new Int32Array(CHUNK)
  readonly field = new Uint8Array(CHUNK)
  readonly value = new Float64Array(CHUNK)
}

/** Concatenates the first `length` elements of equal-sized slices into one array of its own buffer. */
function join<A extends Int32Array | Uint8Array | Float64Array>(slices: readonly A[], length: number, make: (n: number) => A): A {
  const out = make(length)
  for (let i = 0; i < slices.length; i++) {
    const slice = slices[i] as A
    const left = length - i * CHUNK
    out.set(left < CHUNK ? slice.subarray(0, left) : slice, i * CHUNK)
  }
  return out
}

const i32 = (n: number) => new Int32Array(n)
const u8 = (n: number) => new Uint8Array(n)
const f64 = (n: number) => new Float64Array(n)

/**
 * Writes a run into columns and keeps the world of this moment. The clock is an argument of `at`, never the wall's.
 * Deltas are checked against the world: a `from` that is not what the world holds is our own bug and throws.
 */
export class TraceRecorder {
  /** seq of the step last written, -1 before the first: the usual `cause` of what comes next. */
  last = -1
  /** Virtual now, ns: set by the simulation before each event. */
  now = 0
  /** Counts the changes of Kubernetes objects: who reads them keeps an index until it moves. */
  objectVersion = 0
  readonly initial: World
  readonly world: Map<RecordId, WorldRecord>
  #refs = new Map<string, number>()
  #texts = new Map<string, number>()
  #chunks: EventChunk[] = []
  #cells: CellChunk[] = []
  #cellCount = 0
  #deltaSeq: number[] = []
  #deltas: Delta[] = []
  #packetRows: Int32Array[] = []
  #packetCount = 0
  #options: Uint8Array[] = []
  #payloads: Uint8Array[] = []
  #chunk: EventChunk | undefined

  constructor(initial: World) {
    this.initial = initial
    this.world = new OverlayWorld(initial)
  }

  /** Interns a record id for the ref columns. */
  ref(id: string): number {
    let n = this.#refs.get(id)
    if (n === undefined) {
      n = this.#refs.size
      this.#refs.set(id, n)
    }
    return n
  }

  text(s: string): number {
    let n = this.#texts.get(s)
    if (n === undefined) {
      n = this.#texts.size
      this.#texts.set(s, n)
    }
    return n
  }

  /** Writes one row and returns its seq. `kind` is a STEP code; the meaning of a…d is in columns.ts. */
  step(kind: number, at: StepAt, a = 0, b = 0, c = 0, d = 0): number {
    const seq = ++this.last
    const i = seq & CHUNK_MASK
    let chunk = this.#chunk
    if (i === 0 || chunk === undefined) {
      this.#chunk = chunk = new EventChunk()
      this.#chunks.push(chunk)
    }
    chunk.t[i] = this.now
    chunk.kind[i] = kind
    chunk.cause[i] = at.cause
    chunk.packet[i] = at.packet
    chunk.netns[i] = at.netns
    chunk.device[i] = at.device
    chunk.a[i] = a
    chunk.b[i] = b
    chunk.c[i] = c
    chunk.d[i] = d
    return seq
  }

  /** Changes a record as part of the step last written. */
  change(delta: Delta): void {
    if (this.world.get(delta.id) !== delta.from) throw new Error(`delta of ${delta.id} does not start from the world's record`)
    applyDelta(this.world, delta)
    if (delta.from?.kind === 'object' || delta.to?.kind === 'object') this.objectVersion++
    this.#deltaSeq.push(this.last)
    this.#deltas.push(delta)
  }

  /** Sets a cell (index into CELL_FIELDS) as part of the step last written. */
  cell(ref: number, field: number, value: number): void {
    const i = this.#cellCount++ & CHUNK_MASK
    if (i === 0) this.#cells.push(new CellChunk())
    const chunk = this.#cells[this.#cells.length - 1] as CellChunk
    chunk.seq[i] = this.last
    chunk.ref[i] = ref
    chunk.field[i] = field
    chunk.value[i] = value
  }

  /**
   * What rules (by ref) have counted up to now: packets and bytes. It reads the whole recording: for moments when rules change places,
   * not for every packet.
   */
  counted(refs: ReadonlySet<number>): ReadonlyMap<number, readonly [packets: number, bytes: number]> {
    const sums = new Map<number, [number, number]>([...refs].map((ref) => [ref, [0, 0]]))
    let cell = 0
    const stored = (seq: number) => {
      for (; cell < this.#cellCount; cell++) {
        const chunk = this.#cells[cell >> CHUNK_BITS] as CellChunk
        const i = cell & CHUNK_MASK
        if ((chunk.seq[i] as number) > seq) return
        const sum = sums.get(chunk.ref[i] as number)
        if (sum !== undefined && chunk.field[i] === PACKETS) sum[0] = chunk.value[i] as number
        if (sum !== undefined && chunk.field[i] === BYTES) sum[1] = chunk.value[i] as number
      }
    }
    for (let seq = 0; seq <= this.last; seq++) {
      const chunk = this.#chunks[seq >> CHUNK_BITS] as EventChunk
      const i = seq & CHUNK_MASK
      if (chunk.kind[i] === STEP.rule) {
        const sum = sums.get(chunk.a[i] as number)
        if (sum !== undefined) {
          sum[0]++
          sum[1] += chunk.d[i] as number
        }
      }
      stored(seq)
    }
    return sums
  }

  /** Registers a new packet and returns its number; write its `born` row next. */
  packet(p: Packet): number {
    const n = this.#packetCount++
    const i = n & CHUNK_MASK
    if (i === 0) this.#packetRows.push(new Int32Array(CHUNK * PACKET_WIDTH))
    writePacketRow(this.#packetRows[this.#packetRows.length - 1] as Int32Array, i * PACKET_WIDTH, p)
    this.#options.push(p.options)
    this.#payloads.push(p.payload)
    return n
  }

  /** Ends the recording. The recorder must not be used afterwards. */
  seal(journeys: readonly JourneyResult[], truncated?: string): Trace {
    const n = this.last + 1
    const col = <K extends Exclude<keyof EventChunk, never>>(k: K) => this.#chunks.map((c) => c[k])
    const rows = new Int32Array(this.#packetCount * PACKET_WIDTH)
    this.#packetRows.forEach((slice, i) => {
      const left = (this.#packetCount - i * CHUNK) * PACKET_WIDTH
      rows.set(left < slice.length ? slice.subarray(0, left) : slice, i * CHUNK * PACKET_WIDTH)
    })
    return {
      initial: this.initial,
      events: {
        length: n,
        t: join(col('t') as Float64Array[], n, f64),
        kind: join(col('kind') as Uint8Array[], n, u8),
        cause: join(col('cause') as Int32Array[], n, i32),
        packet: join(col('packet') as Int32Array[], n, i32),
        netns: join(col('netns') as Int32Array[], n, i32),
        device: join(col('device') as Int32Array[], n, i32),
        a: join(col('a') as Int32Array[], n, i32),
        b: join(col('b') as Int32Array[], n, i32),
        c: join(col('c') as Int32Array[], n, i32),
        d: join(col('d') as Int32Array[], n, i32),
      },
      refs: [...this.#refs.keys()],
      texts: [...this.#texts.keys()],
      deltas: { seq: Int32Array.from(this.#deltaSeq), deltas: this.#deltas },
      cells: {
        length: this.#cellCount,
        seq: join(
          this.#cells.map((c) => c.seq),
          this.#cellCount,
          i32,
        ),
        ref: join(
          this.#cells.map((c) => c.ref),
          this.#cellCount,
          i32,
        ),
        field: join(
          this.#cells.map((c) => c.field),
          this.#cellCount,
          u8,
        ),
        value: join(
          this.#cells.map((c) => c.value),
          this.#cellCount,
          f64,
        ),
      },
      packets: { length: this.#packetCount, rows, options: this.#options, payloads: this.#payloads },
      journeys,
      ...(truncated === undefined ? {} : { truncated }),
    }
  }
}
