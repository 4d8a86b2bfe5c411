import { upperBound } from '../base/bisect.ts'
import type { RecordId } from '../world/ids.ts'
import type { RecordKind, RecordOf, WorldRecord } from '../world/records.ts'
import { type CellField, type Delta, netnsOf, type World, type WorldView } from '../world/world.ts'
import { type CellChange, CellHistories } from './cells.ts'
import { STEP } from './columns.ts'
import type { TraceReader } from './reader.ts'

/** From `born` up to but not including `died`, a record was in the world at this place of the order of creation. */
interface Life {
  readonly id: string
  readonly born: number
  died: number
}

/** Everything about the lists of one kind, or of one kind in one namespace. */
interface ListIndex {
  readonly initial: readonly WorldRecord[]
  /** seqs of the deltas that concern it, ascending; a list changes only there. */
  readonly changes: number[]
  readonly deltas: Delta[]
  lives: Life[] | undefined
  /** Lists by version (number of deltas applied), the most recently used last. */
  readonly cache: Map<number, readonly WorldRecord[]>
}

/** Enough for stepping to and fro and for comparing with the step before. */
const CACHED_LISTS = 16

/** Views of a moment stay the same object while it is looked at; a list of steps may read many others meanwhile. */
const CACHED_VIEWS = 256

/** By kind, and by kind and namespace. A trace's first world never changes, and the next command's trace may begin there too. */
const firstLists = new WeakMap<World, ReadonlyMap<string, readonly WorldRecord[]>>()

function listsOf(world: World): ReadonlyMap<string, readonly WorldRecord[]> {
  const known = firstLists.get(world)
  if (known !== undefined) return known
  const lists = new Map<string, WorldRecord[]>()
  for (const record of world.values()) {
    for (const key of [record.kind, `${record.kind}@${netnsOf(record) ?? ''}`]) {
      const list = lists.get(key)
      if (list === undefined) lists.set(key, [record])
      else list.push(record)
    }
  }
  firstLists.set(world, lists)
  return lists
}

const NO_RECORDS: readonly WorldRecord[] = []

/** What one step changed in the world. */
export interface StepChanges {
  readonly deltas: readonly Delta[]
  readonly cells: readonly CellChange[]
}

/**
 * The world at any step. There are no keyframes: each record keeps its versions and each cell its history, so that a seek
 * costs nothing, reading a record is a bisection, and what did not change stays the same object.
 */
export class Timeline {
  readonly reader: TraceReader
  readonly length: number
  #cells: CellHistories | undefined
  #lists: Map<string, ListIndex> | undefined
  readonly #views = new Map<number, WorldView>()

  constructor(reader: TraceReader) {
    this.reader = reader
    this.length = reader.length
  }

  /** The world after step `k`; -1 is the world before the first. Steps beyond either end are clamped. */
  at(k: number): WorldView {
    const step = Math.max(-1, Math.min(this.length - 1, Math.trunc(k)))
    const known = this.#views.get(step)
    if (known !== undefined) return known
    const { versions } = this.reader
    const view: WorldView = {
      get: <K extends RecordKind>(kind: K, id: string) => {
        const record = versions.at(id, step)
        return record?.kind === kind ? (record as RecordOf<K>) : undefined
      },
      list: <K extends RecordKind>(kind: K, netns?: string) =>
        this.#list(netns === undefined ? kind : `${kind}@${netns}`, step) as unknown as readonly RecordOf<K>[],
      cell: (id: string, field: CellField) => this.#histories().value(id, field, step),
      now: step < 0 ? 0 : this.reader.timeOf(step),
    }
    if (this.#views.size >= CACHED_VIEWS) this.#views.delete(this.#views.keys().next().value as number)
    this.#views.set(step, view)
    return view
  }

  /** What step `k` changed: records, and cells (timers, counters). */
  changes(k: number): StepChanges {
    const { deltas, cells, events: e } = this.reader.trace
    const from = upperBound(deltas.seq, k - 1)
    const to = upperBound(deltas.seq, k)
    let refs: number[] = []
    for (let i = upperBound(cells.seq, k - 1); i < cells.length && cells.seq[i] === k; i++) refs.push(cells.ref[i] as number)
    const kind = e.kind[k]
    if (kind === STEP.rule || kind === STEP.policy) refs.push(e.a[k] as number)
    else if ((kind === STEP.enter && e.a[k] === 0) || kind === STEP.depart) refs.push(e.device[k] as number)
    refs = refs.filter((r) => r >= 0)
    return {
      deltas: deltas.deltas.slice(from, to),
      cells: refs.length === 0 ? [] : this.#histories().changesAt(k, refs),
    }
  }

  /** Ascending seqs of the steps that changed the record or one of its cells, each once. */
  history(id: string): Int32Array {
    const versions = this.reader.versions.listOf(id)?.seqs.filter((s) => s >= 0) ?? []
    return Int32Array.from(new Set([...versions, ...this.#histories().seqsOf(id)])).sort()
  }

  /** The step that made the record as it is in the world after step `k`; undefined when it was there from the start or is not there. */
  madeBy(id: string, k: number): number | undefined {
    const list = this.reader.versions.listOf(id)
    if (list === undefined) return undefined
    for (let i = upperBound(list.seqs, k) - 1; i >= 1 && list.records[i] !== undefined; i--) {
      if (list.records[i - 1] === undefined) return list.seqs[i]
    }
    return undefined
  }

  #histories(): CellHistories {
    this.#cells ??= new CellHistories(this.reader.trace, this.reader.versions, this.reader.indexes.cells)
    return this.#cells
  }

  #list(key: string, k: number): readonly WorldRecord[] {
    this.#lists ??= this.#index()
    const index = this.#lists.get(key)
    if (index === undefined) return listsOf(this.reader.trace.initial).get(key) ?? NO_RECORDS
    const version = upperBound(index.changes, k)
    if (version === 0) return index.initial
    let list = index.cache.get(version)
    if (list === undefined) {
      list = this.#assemble(index, k)
      if (index.cache.size >= CACHED_LISTS) index.cache.delete(index.cache.keys().next().value as number)
    } else index.cache.delete(version)
    index.cache.set(version, list)
    return list
  }

  #assemble(index: ListIndex, k: number): readonly WorldRecord[] {
    index.lives ??= livesOf(index)
    const { versions } = this.reader
    const out: WorldRecord[] = []
    for (const life of index.lives) {
      if (life.born > k) break
      if (life.died <= k) continue
      const record = versions.at(life.id, k)
      if (record !== undefined) out.push(record)
    }
    return out
  }

  /** Lists that change. */
  #index(): Map<string, ListIndex> {
    const first = listsOf(this.reader.trace.initial)
    const lists = new Map<string, ListIndex>()
    const of = (key: string): ListIndex => {
      let index = lists.get(key)
      if (index === undefined) {
        index = { initial: first.get(key) ?? NO_RECORDS, changes: [], deltas: [], lives: undefined, cache: new Map() }
        lists.set(key, index)
      }
      return index
    }
    const { seq, deltas } = this.reader.trace.deltas
    for (let i = 0; i < deltas.length; i++) {
      const delta = deltas[i] as Delta
      const record = delta.to ?? delta.from
      if (record === undefined) continue
      for (const key of [record.kind, `${record.kind}@${netnsOf(record) ?? ''}`]) {
        const index = of(key)
        index.changes.push(seq[i] as number)
        index.deltas.push(delta)
      }
    }
    return lists
  }
}

/** The order of creation is a Map's: an update keeps its place, what is removed and made again comes last. */
function livesOf(index: ListIndex): Life[] {
  const lives: Life[] = []
  const alive = new Map<RecordId, Life>()
  const begin = (id: RecordId, born: number) => {
    const life = { id, born, died: Number.POSITIVE_INFINITY }
    lives.push(life)
    alive.set(id, life)
  }
  for (const record of index.initial) begin(record.id, -1)
  index.deltas.forEach((delta, i) => {
    const seq = index.changes[i] as number
    if (delta.to === undefined) {
      const life = alive.get(delta.id)
      if (life !== undefined) life.died = seq
      alive.delete(delta.id)
    } else if (!alive.has(delta.id)) begin(delta.id, seq)
  })
  return lives
}
