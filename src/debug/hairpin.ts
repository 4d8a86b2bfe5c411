import { STEP } from '../trace/columns.ts'
import { DROP_REASONS } from '../trace/step.ts'
import type { JourneyResult, Trace } from '../trace/trace.ts'
import type { Probe } from './probes.ts'

/** A connection of a pod to a Service that was bound to the pod itself. */
export interface MetItself {
  /** The drop of the packet that was bound so; a connection that lost it may draw another endpoint when it tries again. */
  readonly lost?: number
}

const OTHERHOST = DROP_REASONS.indexOf('SKB_DROP_REASON_OTHERHOST')

/**
 * Looks for a conntrack entry of the journey that leads back to the pod that it came from. Confirmed, its packet got through
 * POSTROUTING; else it was lost on the way, and a retransmission asks the nat table anew.
 */
export function metItself(trace: Trace, probe: Probe, { first, last }: JourneyResult): MetItself | undefined {
  const own = new Set<number>()
  for (const r of trace.initial.values()) if (r.kind === 'address' && r.netns === probe.pod?.id) own.add(r.address)
  let bound: number | undefined
  for (const [i, { to }] of trace.deltas.deltas.entries()) {
    const seq = trace.deltas.seq[i] ?? -1
    if (seq < first || seq > last || to?.kind !== 'conntrack') continue
    if (!own.has(to.original.src) || !own.has(to.reply.src) || to.original.dst === to.reply.src) continue
    if (to.confirmed) return {}
    bound ??= seq
  }
  if (bound === undefined) return undefined
  for (let row = bound; row <= last; row++) {
    if (trace.events.kind[row] === STEP.drop && trace.events.a[row] !== OTHERHOST) return { lost: row }
  }
  return { lost: bound }
}
