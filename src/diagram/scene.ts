import { STEP } from '../trace/columns.ts'
import { type Activity, activityOf, type Change, changesOf, shortReason } from './activity.ts'
import { type Capsule, capsuleOf } from './capsule.ts'
import type { Point } from './geometry.ts'
import type { Paths } from './path.ts'
import { type Walked, walkedBy } from './walked.ts'

// Everything that the stage shows of one moment, worked out from trace and layout; drawing it is somebody else's work.

/** How the packet's stay ended here, when it did. */
type Ending =
  | { readonly kind: 'drop'; readonly reason: string }
  | { readonly kind: 'undetermined'; readonly what: string }
  | { readonly kind: 'wait'; readonly for: string }
  | { readonly kind: 'deliver' }

export interface Mark {
  readonly packet: number
  readonly at: Point
  readonly capsule: Capsule
}

export interface Scene {
  /** The packet in focus, -1 for none. */
  readonly packet: number
  readonly leg: number
  readonly box: string | undefined
  readonly capsule: Capsule | undefined
  readonly walked: Walked
  /** What each place on the way did, by box id. */
  readonly did: ReadonlyMap<string, Activity>
  /** Header changes of the present stay that have happened by now. */
  readonly changes: readonly Change[]
  /** The last translation of an address earlier in this namespace, and the box where it was made. */
  readonly translated: { readonly change: Change; readonly box: string } | undefined
  readonly ending: Ending | undefined
  /** Other packets that are somewhere at this moment, at most `MOST_OTHERS`. */
  readonly others: readonly Mark[]
}

const MOST_OTHERS = 24

/** The packet that a step is about: its own, or the last one before it that any step was about. -1 before the first. */
export function packetAtStep(paths: Paths, seq: number): number {
  const { packet } = paths.visits.reader.trace.events
  for (let s = Math.min(seq, packet.length - 1); s >= 0; s--) if ((packet[s] as number) >= 0) return packet[s] as number
  return -1
}

/** The scene after step `seq` with `packet` in focus. */
export function sceneAt(paths: Paths, packet: number, seq: number): Scene {
  const { reader } = paths.visits
  const legs = paths.of(packet)
  const now = paths.legAt(packet, seq)
  const did = new Map<string, Activity>()
  for (let i = 0; i <= now; i++) {
    const leg = legs[i]
    if (leg === undefined) continue
    const activity = activityOf(reader, packet, {
      first: leg.first,
      last: Math.min(seq, leg.last),
      onDevice: leg.visit.place.kind === 'device',
    })
    if (activity !== undefined) did.set(leg.box, activity)
  }
  const leg = legs[now]
  return {
    packet,
    leg: now,
    box: leg?.box,
    capsule: leg === undefined ? undefined : capsuleOf(reader.packetAt(packet, seq)),
    walked: walkedBy(paths, packet, seq),
    did,
    changes: leg === undefined ? [] : changesOf(reader, packet, { first: leg.first, last: seq }),
    translated: translatedBefore(paths, packet, now),
    ending: leg === undefined ? undefined : endingOf(paths, packet, seq),
    others: othersAt(paths, packet, seq),
  }
}

function translatedBefore(paths: Paths, packet: number, now: number): Scene['translated'] {
  const legs = paths.of(packet)
  const netns = legs[now]?.visit.netns
  for (let i = now - 1; i >= 0; i--) {
    const leg = legs[i]
    if (leg === undefined || leg.visit.netns !== netns) return undefined
    const change = changesOf(paths.visits.reader, packet, leg).findLast((c) => c.field === 'src' || c.field === 'dst')
    if (change !== undefined) return { change, box: leg.box }
  }
  return undefined
}

function endingOf(paths: Paths, packet: number, seq: number): Ending | undefined {
  const { reader } = paths.visits
  let ending: Ending | undefined
  for (const s of reader.packets.seqsOf(packet)) {
    if (s > seq) break
    switch (reader.kindOf(s)) {
      case STEP.drop: {
        const step = reader.step(s)
        if (step.kind === 'drop') ending = { kind: 'drop', reason: shortReason(step.reason) }
        break
      }
      case STEP.undetermined: {
        const step = reader.step(s)
        if (step.kind === 'undetermined') ending = { kind: 'undetermined', what: step.what }
        break
      }
      case STEP.wait: {
        const step = reader.step(s)
        if (step.kind === 'wait') ending = { kind: 'wait', for: step.neighbour.slice(step.neighbour.lastIndexOf('/') + 1) }
        break
      }
      case STEP.deliver:
        ending = { kind: 'deliver' }
        break
      case STEP.rewrite:
      case STEP.depart:
      case STEP.enter:
        // Whoever waited goes on.
        if (ending?.kind === 'wait') ending = undefined
        break
      default:
        break
    }
  }
  return ending
}

function othersAt(paths: Paths, focus: number, seq: number): Mark[] {
  const { reader } = paths.visits
  const { first, last, length } = reader.packets
  const marks: Mark[] = []
  for (let p = 0; p < length && marks.length < MOST_OTHERS; p++) {
    if (p === focus || (first[p] as number) > seq || (last[p] as number) < seq || (first[p] as number) < 0) continue
    const at = paths.positionAt(p, seq)
    if (at !== undefined) marks.push({ packet: p, at, capsule: capsuleOf(reader.packetAt(p, seq)) })
  }
  return marks
}
