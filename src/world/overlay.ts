import type { RecordId } from './ids.ts'
import type { WorldRecord } from './records.ts'
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

  override forEach(fn: (record: WorldRecord, id: RecordId, map: Map<RecordId, WorldRecord>) => void): void {
    for (const [id, record] of this.entries()) fn(record, id, this)
  }
}
