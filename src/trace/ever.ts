import type { RecordId } from '../world/ids.ts'
import type { WorldRecord } from '../world/records.ts'
import { netnsOf, viewOf, type WorldView } from '../world/world.ts'
import type { TraceReader } from './reader.ts'
import type { Timeline } from './timeline.ts'

/** Ids of the namespaces that come or go while the trace runs: pods that are made and pods that are deleted. */
export function passingNamespaces(reader: TraceReader): ReadonlySet<string> {
  const ids = new Set<string>()
  for (const { from, to } of reader.trace.deltas.deltas) {
    if (from?.kind === 'netns' && to === undefined) ids.add(from.id)
    if (to?.kind === 'netns' && from === undefined) ids.add(to.id)
  }
  return ids
}

/**
 * The world that the trace begins with, and with it the namespaces that come later, as they are when they come: what has to have
 * a place in a drawing that stays the same throughout.
 */
export function everView(reader: TraceReader, timeline: Timeline): WorldView {
  const passing = passingNamespaces(reader)
  const { initial, deltas } = reader.trace
  const later = new Map<RecordId, WorldRecord>()
  for (const { id, to } of deltas.deltas) {
    if (to === undefined || initial.has(id) || later.has(id)) continue
    if (passing.has(netnsOf(to) ?? '') || to.kind === 'device') later.set(id, to)
  }
  return later.size === 0 ? timeline.at(-1) : viewOf(new Map([...initial, ...later]))
}
