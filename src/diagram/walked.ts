import type { Paths } from './path.ts'
import { type Polyline, roundCorners } from './polyline.ts'

/** What is lit and what is still to come, for one followed packet at one step. */
export interface Walked {
  /** One line per unbroken piece, corners rounded. */
  readonly done: readonly Polyline[]
  readonly ahead: readonly Polyline[]
  /** Box ids on the way so far, the present one included. */
  readonly boxes: ReadonlySet<string>
  readonly here: string | undefined
}

const NOTHING: Walked = { done: [], ahead: [], boxes: new Set(), here: undefined }

/** A packet and those it was made from (cloned, cut, wrapped), oldest first. */
function ancestry(paths: Paths, packet: number): number[] {
  const { packets } = paths.visits.reader
  const line = [packet]
  for (let p = packet; line.length < 16; ) {
    const origin = packets.origin(p)
    const parent = packets.parent[p] ?? -1
    if (parent < 0 || (origin !== 'clone' && origin !== 'fragment' && origin !== 'encapsulated' && origin !== 'decapsulated'))
      break
    line.unshift(parent)
    p = parent
  }
  return line
}

/** The way of `packet` up to step `seq`, with the ways of the packets it was made from, and the rest of its own way. */
export function walkedBy(paths: Paths, packet: number, seq: number): Walked {
  if (packet < 0) return NOTHING
  const done: Polyline[] = []
  const ahead: Polyline[] = []
  const boxes = new Set<string>()
  let here: string | undefined
  const { packets } = paths.visits.reader
  const line = ancestry(paths, packet)
  for (const [i, p] of line.entries()) {
    const child = line[i + 1]
    // Of a packet that another was made from, only the way up to that moment belongs to the story.
    const until = child === undefined ? seq : Math.min(seq, packets.born[child] ?? seq)
    const legs = paths.of(p)
    const now = paths.legAt(p, until)
    for (let k = 0; k <= now; k++) boxes.add(legs[k]?.box ?? '')
    if (now >= 0) here = legs[now]?.box
    done.push(...pieces(paths, p, 0, now))
    if (child === undefined) ahead.push(...pieces(paths, p, Math.max(0, now), legs.length - 1))
  }
  return { done, ahead, boxes, here }
}

/** The legs `from` … `to` as unbroken lines: a jump begins a new one. */
function pieces(paths: Paths, packet: number, from: number, to: number): Polyline[] {
  const legs = paths.of(packet)
  const out: Polyline[] = []
  let line = [...(legs[from] ? [legs[from].at] : [])]
  for (let k = from + 1; k <= to; k++) {
    const leg = legs[k]
    if (leg === undefined) break
    if (leg.jumped) {
      if (line.length > 1) out.push(roundCorners(line))
      line = [leg.at]
    } else line.push(...leg.way)
  }
  if (line.length > 1) out.push(roundCorners(line))
  return out
}
