import { upperBound } from '../base/bisect.ts'
import { CELL_FIELDS, type CellField } from '../world/world.ts'
import { STEP } from './columns.ts'
import type { Trace } from './trace.ts'
import type { RecordVersions } from './versions.ts'

const FIELDS = CELL_FIELDS.length
const F = Object.fromEntries(CELL_FIELDS.map((f, i) => [f, i])) as Record<CellField, number>
/** Ethernet header: what a device's byte counters have beyond the network layer's length. */
const ETH_HLEN = 14
/** Marks a bridge: it receives only what it passes up to the host. */
const PASSED_UP = 255

/** One cell's change at one step. */
export interface CellChange {
  readonly id: string
  readonly field: CellField
  readonly from: number
  readonly to: number
}

/** Every cell's stores as columns, grouped by cell (refs index × fields + field): what the worker makes and the page gets by transfer. */
export interface CellColumns {
  readonly start: Int32Array
  readonly seqs: Int32Array
  readonly values: Float64Array
}

/**
 * Every cell's history, grouped by cell: the logged stores, and the counters that follow from `rule`, `policy` and `enter`
 * rows. Reading one is a bisection in that cell's own slice.
 *
 * Counters are those of ipt_do_table (a rule's hits, a base chain's policy; user chains count nothing themselves) and of
 * `ip -s link`. Bytes: with the link-layer header, except where eth_type_trans has taken it off before the device counts: lo
 * (loopback_xmit) and what a bridge passes up (br_pass_frame_up). What a bridge forwards from port to port it does not count.
 */
export class CellHistories {
  readonly #refOf = new Map<string, number>()
  readonly #start: Int32Array
  readonly #seqs: Int32Array
  readonly #values: Float64Array
  readonly #refs: readonly string[]

  constructor(trace: Trace, versions: RecordVersions, columns: CellColumns = cellColumns(trace, versions)) {
    const { refs } = trace
    this.#refs = refs
    for (let r = 0; r < refs.length; r++) this.#refOf.set(refs[r] as string, r)
    this.#start = columns.start
    this.#seqs = columns.seqs
    this.#values = columns.values
  }

  /** The cell's value after step `k`, 0 when never set. */
  value(id: string, field: CellField, k: number): number {
    const ref = this.#refOf.get(id)
    return ref === undefined ? 0 : this.#valueAt(ref * FIELDS + F[field], k)
  }

  #valueAt(cell: number, k: number): number {
    const from = this.#start[cell] as number
    const i = upperBound(this.#seqs, k, from, this.#start[cell + 1] as number)
    return i === from ? 0 : (this.#values[i - 1] as number)
  }

  /** Ascending seqs at which any cell of the record was stored; a seq may come twice. */
  seqsOf(id: string): Int32Array {
    const ref = this.#refOf.get(id)
    if (ref === undefined) return new Int32Array(0)
    const from = this.#start[ref * FIELDS] as number
    return this.#seqs.slice(from, this.#start[(ref + 1) * FIELDS] as number).sort()
  }

  /** The cells of the given records that step `k` stored. */
  changesAt(k: number, refs: Iterable<number>): CellChange[] {
    const out: CellChange[] = []
    for (const ref of new Set(refs)) {
      for (let f = 0; f < FIELDS; f++) {
        const cell = ref * FIELDS + f
        const i = upperBound(this.#seqs, k, this.#start[cell] as number, this.#start[cell + 1] as number)
        if (i === this.#start[cell] || this.#seqs[i - 1] !== k) continue
        const field = CELL_FIELDS[f]
        const id = this.#refs[ref]
        if (field === undefined || id === undefined) continue
        out.push({ id, field, from: this.#valueAt(cell, k - 1), to: this.#values[i - 1] as number })
      }
    }
    return out
  }
}

export function cellColumns(trace: Trace, versions: RecordVersions): CellColumns {
  const { refs } = trace
  const overhead = linkOverhead(refs, versions)
  const start = new Int32Array(refs.length * FIELDS + 1)
  eachStore(trace, overhead, (_seq, cell) => {
    start[cell + 1] = (start[cell + 1] as number) + 1
  })
  for (let i = 1; i < start.length; i++) start[i] = (start[i] as number) + (start[i - 1] as number)
  const total = start[start.length - 1] as number
  const at = start.slice()
  const seqs = new Int32Array(total)
  const values = new Float64Array(total)
  eachStore(trace, overhead, (seq, cell, value, adds) => {
    const i = at[cell] as number
    at[cell] = i + 1
    seqs[i] = seq
    values[i] = adds && i > (start[cell] as number) ? (values[i - 1] as number) + value : value
  })
  return { start, seqs, values }
}

/** Per ref: bytes that a device's counters add on the way in and on the way out (index 2·ref and 2·ref + 1). */
function linkOverhead(refs: readonly string[], versions: RecordVersions): Uint8Array {
  const out = new Uint8Array(refs.length * 2).fill(ETH_HLEN)
  for (let r = 0; r < refs.length; r++) {
    const id = refs[r] as string
    if (!id.startsWith('dev:')) continue
    const device = versions.near(id, -1)
    if (device?.kind !== 'device') continue
    // A tunnel counts what it carries from the network layer on (iptunnel_xmit(), vxlan_rcv() behind eth_type_trans()).
    if (device.link.kind === 'loopback' || device.link.kind === 'vxlan') out.fill(0, 2 * r, 2 * r + 2)
    else if (device.link.kind === 'bridge') out[2 * r] = PASSED_UP
  }
  return out
}

/** Every store in the order of steps: the logged ones and the derived counters (`adds`). */
function eachStore(
  trace: Trace,
  overhead: Uint8Array,
  store: (seq: number, cell: number, value: number, adds: boolean) => void,
): void {
  const { events: e, cells } = trace
  const lengths = new Int32Array(trace.packets.length)
  let next = 0
  const logged = (seq: number) => {
    for (; next < cells.length && (cells.seq[next] as number) <= seq; next++) {
      const cell = (cells.ref[next] as number) * FIELDS + (cells.field[next] as number)
      store(cells.seq[next] as number, cell, cells.value[next] as number, false)
    }
  }
  logged(-1)
  for (let s = 0; s < e.length; s++) {
    const kind = e.kind[s]
    // A policy row that returned from a user chain is no hit of that chain's counters.
    if (kind === STEP.rule || (kind === STEP.policy && e.c[s] !== 2)) {
      const cell = (e.a[s] as number) * FIELDS
      store(s, cell + F.packets, 1, true)
      store(s, cell + F.bytes, e.d[s] as number, true)
    } else if (kind === STEP.enter && e.a[s] === 0 && e.d[s] === 0) {
      const device = e.device[s] as number
      const out = e.b[s] === 1
      const extra = overhead[2 * device + (out ? 1 : 0)] as number
      const bytes = e.c[s] as number
      if (!out && extra === PASSED_UP) lengths[e.packet[s] as number] = bytes
      else {
        store(s, device * FIELDS + (out ? F.txPackets : F.rxPackets), 1, true)
        store(s, device * FIELDS + (out ? F.txBytes : F.rxBytes), bytes + extra, true)
      }
    } else if (kind === STEP.depart && (e.device[s] as number) >= 0 && overhead[2 * (e.device[s] as number)] === PASSED_UP) {
      if (trace.refs[e.a[s] as number]?.startsWith('netns:')) {
        const cell = (e.device[s] as number) * FIELDS
        store(s, cell + F.rxPackets, 1, true)
        store(s, cell + F.rxBytes, lengths[e.packet[s] as number] as number, true)
      }
    }
    if (next < cells.length && (cells.seq[next] as number) <= s) logged(s)
  }
  logged(Number.MAX_SAFE_INTEGER)
}
