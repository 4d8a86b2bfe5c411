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
    for (const [id, record] of this.#base) {
      const now = this.#changed.has(id) ? this.#changed.get(id) : record
      if (now !== undefined) yield [id, now]
    }
    yield* this.#added
  }

  override *keys(): MapIterator<RecordId> {
    for (const [id] of this.entries()) yield id
  }

  override *values(): MapIterator<WorldRecord> {
    for (const [, record] of this.entries()) yield record
  }

  override [Symbol.iterator](): MapIterator<[RecordId, WorldRecord]> {
    return this.entries()
  }

  /** Records of one kind, in the order in which all are iterated. Of the base, it looks at those alone. */
  ofKind<K extends RecordKind>(kind: K): RecordOf<K>[] {
    const found: WorldRecord[] = []
    for (const record of kindsOf(this.#base).get(kind) ?? []) {
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

/** By kind. A base never changes, and is the base of many. */
const kinds = new WeakMap<World, ReadonlyMap<RecordKind, readonly WorldRecord[]>>()

function kindsOf(base: World): ReadonlyMap<RecordKind, readonly WorldRecord[]> {
  const known = kinds.get(base)
  if (known !== undefined) return known
  const lists = new Map<RecordKind, WorldRecord[]>()
  for (const record of base.values()) {
    const list = lists.get(record.kind)
    if (list === undefined) lists.set(record.kind, [record])
    else list.push(record)
  }
  kinds.set(base, lists)
  return lists
}

/** Records of one kind, in the world's order. In the world of a run, it does not matter how many others there are. */
export function recordsOf<K extends RecordKind>(world: World, kind: K): RecordOf<K>[] {
  if (world instanceof OverlayWorld) return world.ofKind(kind)
  const found: WorldRecord[] = []
  for (const record of world.values()) if (record.kind === kind) found.push(record)
  return found as RecordOf<K>[]
}
