import { useMemo } from 'react'
import { upperBound } from '../base/bisect.ts'
import { packetAtStep } from '../store/playhead.ts'
import type { Session } from '../store/session.ts'
import type { PanelName } from '../store/state.ts'
import { stopFrom } from '../store/stops.ts'
import { netnsOf, type WorldView } from '../world/world.ts'
import { useApp, useSession } from './context.tsx'
import { panelOf } from './place.ts'

/** What every inspector reads: one namespace at the current step, and what this step changed. */
export interface Inspection {
  readonly session: Session
  readonly seq: number
  readonly view: WorldView
  /** netns id */
  readonly netns: string
  /** Ids of records that changed since the playhead's last halt. */
  readonly changed: ReadonlySet<string>
  /** The selected record's id. */
  readonly selected: string | undefined
}

/** The namespace that the tables show: the pinned one, else where the packet of this step is. */
export function netnsAt(session: Session, seq: number, followed: number | undefined, pinned: string | undefined): string {
  if (pinned !== undefined) return pinned
  const { reader, packets } = session
  const packet = packetAtStep(session, seq, followed)
  if (packet >= 0) {
    const seqs = packets.seqsOf(packet)
    const at = seqs[upperBound(seqs, seq) - 1] ?? seqs[0]
    if (at !== undefined) return reader.netnsAt(at)
  }
  const journey = reader.trace.journeys[0]
  const view = session.timeline.at(-1)
  const from = journey === undefined ? undefined : view.list('netns').find((n) => n.name === journey.from)
  return from?.id ?? view.list('netns')[0]?.id ?? ''
}

/** Records changed in (after, upTo], with the namespace of each. Long leaps are a seek, not a step: nothing is marked. */
const LEAP = 4000
export function changesBetween(session: Session, after: number, upTo: number): ReadonlyMap<string, string | undefined> {
  const out = new Map<string, string | undefined>()
  if (upTo - after > LEAP || upTo < 0) return out
  const { seq, deltas } = session.reader.trace.deltas
  for (let i = upperBound(seq, after); i < deltas.length && (seq[i] as number) <= upTo; i++) {
    const delta = deltas[i]
    const record = delta?.to ?? delta?.from
    if (delta !== undefined && record !== undefined) out.set(delta.id, netnsOf(record))
  }
  return out
}

function useChanges(session: Session, seq: number): ReadonlyMap<string, string | undefined> {
  const granularity = useApp((s) => s.granularity)
  return useMemo(() => changesBetween(session, stopFrom(session.stops[granularity], seq, -1), seq), [session, seq, granularity])
}

export function useInspection(): Inspection {
  const session = useSession()
  const seq = useApp((s) => s.seq)
  const followed = useApp((s) => s.followed)
  const pinned = useApp((s) => s.pinned)
  const selected = useApp((s) => s.selection.record)
  const changes = useChanges(session, seq)
  return {
    session,
    seq,
    view: session.timeline.at(seq),
    netns: netnsAt(session, seq, followed, pinned),
    changed: useMemo(() => new Set(changes.keys()), [changes]),
    selected,
  }
}

/** How many records each table has that this step changed in the namespace shown. */
export function useChangeCounts(netns: string): ReadonlyMap<PanelName, number> {
  const session = useSession()
  const seq = useApp((s) => s.seq)
  const changes = useChanges(session, seq)
  return useMemo(() => {
    const counts = new Map<PanelName, number>()
    for (const [id, where] of changes) {
      const panel = panelOf(id)
      if (panel !== undefined && where === netns) counts.set(panel, (counts.get(panel) ?? 0) + 1)
    }
    return counts
  }, [changes, netns])
}
