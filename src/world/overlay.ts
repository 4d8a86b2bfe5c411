import type { RecordId } from './ids.ts'
import type { RecordKind, RecordOf, WorldRecord } from './records.ts'
import type { World } from './world.ts'

/**
 * A world that changes, over one that does not: what a run starts from is shared, not copied, however large it is. Iterates as a
 * Map would to which the same was done.
 */
export class OverlayWorld extends Map<RecordId, WorldRecord> {
  readonly #base: World
  /** Other records in the places of those of the base; undefined where one is gone. */
  readonly #changed = new Map<RecordId, WorldRecord | undefined>()
  /** What the base does not have, or has no more. */
  readonly #added = new Map<RecordId, WorldRecord>()
  #gone = 0

  constructor(base: World) {
    super()
    this.#base = base
  }

  override get size(): number {
    return this.#base.size - this.#gone + this.#added.size
  }

  override get(id: RecordId): WorldRecord | undefined {
    const added = this.#added.get(id)
    if (added !== undefined) return added
    const changed = this.#changed.get(id)
    if (changed !== undefined) return changed
    return this.#changed.has(id) ? undefined : this.#base.get(id)
  }

  override has(id: RecordId): boolean {
    return this.get(id) !== undefined
  }

  override set(id: RecordId, record: WorldRecord): this {
    const inPlace = this.#base.has(id) && !(this.#changed.has(id) && this.#changed.get(id) === undefined)
    if (inPlace) this.#changed.set(id, record)
    else this.#added.set(id, record)
    return this
  }

  override delete(id: RecordId): boolean {
    if (this.#added.delete(id)) return true
    if (!this.has(id)) return false
    this.#changed.set(id, undefined)
    this.#gone++
    return true
  }

  override clear(): void {
    for (const id of [...this.keys()]) this.delete(id)
  }

  override *entries(): MapIterator<[RecordId, WorldRecord]> {
    if (this.#changed.size === 0) yield* this.#base
    else yield* this.#remaining()
    yield* this.#added
  }

  /** What is left of the base, as it is now. */
  *#remaining(): MapIterator<[RecordId, WorldRecord]> {
    for (const [id, record] of this.#base) {
      const now = this.#changed.has(id) ? this.#changed.get(id) : record
      if (now !== undefined) yield [id, now]
    }
  }

  override *keys(): MapIterator<RecordId> {
    for (const [id] of this.entries()) yield id
  }

  override *values(): MapIterator<WorldRecord> {
    if (this.#changed.size === 0) yield* this.#base.values()
    else for (const [, record] of this.#remaining()) yield record
    yield* this.#added.values()
  }

  override [Symbol.iterator](): MapIterator<[RecordId, WorldRecord]> {
    return this.entries()
  }

  /** Records of one kind, in the order in which all are iterated. Of the base, it looks at those alone. */
  ofKind<K extends RecordKind>(kind: K): RecordOf<K>[] {
    const here = recordsOfBase(this.#base, kind)
    const found: WorldRecord[] = this.#changed.size === 0 ? [...here] : []
    for (const record of this.#changed.size === 0 ? [] : here) {
      const now = this.#changed.has(record.id) ? this.#changed.get(record.id) : record
      if (now !== undefined) found.push(now)
    }
    for (const record of this.#added.values()) if (record.kind === kind) found.push(record)
    return found as RecordOf<K>[]
  }

  override forEach(fn: (record: WorldRecord, id: RecordId, map: Map<RecordId, WorldRecord>) => void): void {
    for (const [id, record] of this.entries()) fn(record, id, this)
  }
}

type Kinds = Map<RecordKind, readonly WorldRecord[]>

/** By kind. A base never changes, and is the base of many. */
const kinds = new WeakMap<World, Kinds>()

function recordsOfBase(base: World, kind: RecordKind): readonly WorldRecord[] {
  let lists = kinds.get(base)
  if (lists === undefined) {
    lists = base instanceof OverlayWorld ? new Map() : sorted(base)
    kinds.set(base, lists)
  }
  let list = lists.get(kind)
  if (list === undefined) {
    // One pass has sorted all of a plain world; of one that lies over another, each kind's when it is asked for.
    list = base instanceof OverlayWorld ? base.ofKind(kind) : []
    lists.set(kind, list)
  }
  return list
}

function sorted(world: World): Kinds {
  const lists = new Map<RecordKind, WorldRecord[]>()
  for (const record of world.values()) {
    const list = lists.get(record.kind)
    if (list === undefined) lists.set(record.kind, [record])
    else list.push(record)
  }
  return lists
}

/** Records of one kind, in the world's order. In the world of a run, it does not matter how many others there are. */
export function recordsOf<K extends RecordKind>(world: World, kind: K): RecordOf<K>[] {
  if (world instanceof OverlayWorld) return world.ofKind(kind)
  const found: WorldRecord[] = []
  for (const record of world.values()) if (record.kind === kind) found.push(record)
  return found as RecordOf<K>[]
}
