import type { RecordId } from './ids.ts'
import type { RecordKind, RecordOf, WorldRecord } from './records.ts'

/** Every record at one moment. Iteration order is insertion order and is part of the contract: same input, same order. */
export type World = ReadonlyMap<RecordId, WorldRecord>

/** One reversible change: undefined `from` is an addition, undefined `to` a removal. */
export interface Delta {
  readonly id: RecordId
  readonly from: WorldRecord | undefined
  readonly to: WorldRecord | undefined
}

/**
 * Numbers that change with nearly every packet live beside the records, one cell per record and field, so that a counted
 * packet costs two stores and not a new object.
 * Times (`expires`, `updated`, `used`, `confirmed`) are in virtual nanoseconds; counters count from the record's own.
 */
export const CELL_FIELDS = [
  'packets',
  'bytes',
  'expires',
  'updated',
  'used',
  'confirmed',
  'rxPackets',
  'rxBytes',
  'txPackets',
  'txBytes',
  'rxDropped',
  'txDropped',
  'connections',
] as const
export type CellField = (typeof CELL_FIELDS)[number]

/** What a reader of state needs, at one moment of a trace or of a world at rest. Printers and inspectors take only this. */
export interface WorldView {
  get<K extends RecordKind>(kind: K, id: string): RecordOf<K> | undefined
  /** Records of a kind in a namespace (all namespaces when omitted), in order of creation. */
  list<K extends RecordKind>(kind: K, netns?: string): readonly RecordOf<K>[]
  /** The cell's value at this moment, 0 when never set. */
  cell(id: string, field: CellField): number
  /** Virtual time of this moment, ns. */
  readonly now: number
}

export function applyDelta(world: Map<RecordId, WorldRecord>, delta: Delta): void {
  if (delta.to === undefined) world.delete(delta.id)
  else world.set(delta.id, delta.to)
}

export const reverseDelta = (d: Delta): Delta => ({ id: d.id, from: d.to, to: d.from })

export const netnsOf = (r: WorldRecord): string | undefined => (r.kind === 'netns' ? r.id : 'netns' in r ? r.netns : undefined)

/** A world at rest, with no trace behind it. */
export function viewOf(world: World, now = 0): WorldView {
  const lists = new Map<string, WorldRecord[]>()
  for (const r of world.values()) {
    for (const key of [r.kind, `${r.kind}@${netnsOf(r) ?? ''}`]) {
      const l = lists.get(key)
      if (l) l.push(r)
      else lists.set(key, [r])
    }
  }
  return {
    get: <K extends RecordKind>(kind: K, id: string) => {
      const r = world.get(id as RecordId)
      return r?.kind === kind ? (r as RecordOf<K>) : undefined
    },
    list: <K extends RecordKind>(kind: K, netns?: string) =>
      (lists.get(netns === undefined ? kind : `${kind}@${netns}`) ?? []) as unknown as readonly RecordOf<K>[],
    cell: () => 0,
    now,
  }
}
