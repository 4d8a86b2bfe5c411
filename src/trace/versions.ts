import { upperBound } from '../base/bisect.ts'
import type { RecordId } from '../world/ids.ts'
import type { WorldRecord } from '../world/records.ts'
import type { World } from '../world/world.ts'
import type { Trace } from './trace.ts'

/** One record's life: `records[i]` holds from the step `seqs[i]` on. The first entry is the initial world's, at -1. */
export interface VersionList {
  readonly seqs: number[]
  readonly records: (WorldRecord | undefined)[]
}

/**
 * Every record's versions, so that reading one at any moment is a bisection and seeking costs nothing at all. Records that
 * never change have no list: the initial world answers for them.
 */
export class RecordVersions {
  readonly initial: World
  readonly #lists = new Map<string, VersionList>()

  constructor(trace: Trace) {
    this.initial = trace.initial
    const { seq, deltas } = trace.deltas
    for (let i = 0; i < deltas.length; i++) {
      const delta = deltas[i]
      if (delta === undefined) continue
      let list = this.#lists.get(delta.id)
      if (list === undefined) {
        list = { seqs: [-1], records: [trace.initial.get(delta.id)] }
        this.#lists.set(delta.id, list)
      }
      list.seqs.push(seq[i] as number)
      list.records.push(delta.to)
    }
  }

  /** The versions of a record that changes during the run; undefined for one that never does. */
  listOf(id: string): VersionList | undefined {
    return this.#lists.get(id)
  }

  /** The record after step `k` (-1: before the first), undefined when there is none then. */
  at(id: string, k: number): WorldRecord | undefined {
    const list = this.#lists.get(id)
    if (list === undefined) return this.initial.get(id as RecordId)
    return list.records[upperBound(list.seqs, k) - 1]
  }

  /** The record at step `k`, or what it was last before, or will first be: for names of things that are gone or not yet there. */
  near(id: string, k: number): WorldRecord | undefined {
    const list = this.#lists.get(id)
    if (list === undefined) return this.initial.get(id as RecordId)
    const i = upperBound(list.seqs, k) - 1
    for (let j = i; j >= 0; j--) if (list.records[j] !== undefined) return list.records[j]
    for (let j = i + 1; j < list.records.length; j++) if (list.records[j] !== undefined) return list.records[j]
    return undefined
  }
}
