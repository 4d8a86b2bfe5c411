import type { StateCreator } from 'zustand/vanilla'
import { upperBound } from '../base/bisect.ts'
import type { ViewSpec } from '../scenario/document.ts'
import { STEP } from '../trace/columns.ts'
import type { Session } from './session.ts'
import type { AppState, PlayheadSlice } from './state.ts'
import { stopFrom } from './stops.ts'

/** Where a run opens: at the wished step, else where its first packet enters the first device. */
export function openingSeq(session: Session, view: Pick<ViewSpec, 'at' | 'step'> | undefined): number {
  const last = session.length - 1
  const wished = view?.at === undefined ? view?.step : view.at - 1
  if (wished !== undefined) return Math.max(-1, Math.min(last, Math.trunc(wished)))
  const first = session.reader.trace.events.kind.indexOf(STEP.enter)
  return first < 0 ? Math.min(0, last) : first
}

/** The packet shown at a step: the followed one, else the step's own, else the one most recently seen. -1 before any. */
export function packetAtStep(session: Session, seq: number, followed: number | undefined): number {
  if (followed !== undefined) return followed
  const { packet } = session.reader.trace.events
  for (let s = Math.min(seq, session.length - 1); s >= 0; s--) {
    const p = packet[s] as number
    if (p >= 0) return p
  }
  return -1
}

export const createPlayheadSlice: StateCreator<AppState, [], [], PlayheadSlice> = (set, get) => ({
  seq: -1,
  playing: false,
  speed: 1,
  granularity: 'step',
  seek: (seq) => {
    const { session } = get()
    if (session === undefined) return
    set({ seq: Math.max(-1, Math.min(session.length - 1, Math.round(seq))) })
  },
  step: (direction, granularity = get().granularity) => {
    const { session, seq, playing } = get()
    if (session === undefined) return
    const next = stopFrom(session.stops[granularity], seq, direction)
    set({ seq: next, playing: playing && direction === 1 && next < session.length - 1 && next !== seq })
  },
  packetStep: (direction) => {
    const { session, seq, followed } = get()
    if (session === undefined || session.packets.length === 0) return
    const here = packetAtStep(session, seq, followed)
    const next = Math.max(0, Math.min(session.packets.length - 1, here + direction))
    const hop = session.hops.hopsOf(next)[0]
    set({
      seq: hop === undefined ? seq : (session.hops.first[hop] ?? seq),
      followed: followed === undefined ? undefined : next,
    })
  },
  play: () => {
    const { session, seq, granularity } = get()
    if (session === undefined) return
    const stops = session.stops[granularity]
    const atEnd = upperBound(stops, seq) >= stops.length
    set({ playing: true, ...(atEnd ? { seq: openingSeq(session, undefined) } : {}) })
  },
  pause: () => set({ playing: false }),
  setSpeed: (speed) => {
    set({ speed })
    get().setPreferences({ speed })
  },
  setGranularity: (granularity) => {
    set({ granularity })
    get().setPreferences({ granularity })
  },
})
