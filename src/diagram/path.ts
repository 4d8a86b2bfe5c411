import { easeCubicInOut } from 'd3-ease'
import type { Layout } from './figure.ts'
import { between, centre, type Point } from './geometry.ts'
import { type Polyline, pointAt, roundCorners, type Track, track } from './polyline.ts'
import { boxOfVisit, type Visit, type VisitIndex } from './visits.ts'
import { Ways } from './ways.ts'

/** A packet's stay in one box, and how it came there from the one before. */
export interface Leg {
  readonly visit: Visit
  /** Box id. */
  readonly box: string
  /** seqs of the packet's first and last step here. */
  readonly first: number
  readonly last: number
  /** From the last leg's resting point to this one's, corners sharp; a single point for the first leg. */
  readonly way: Polyline
  /** Where it rests. */
  readonly at: Point
  /** No road leads here: the packet jumped. */
  readonly jumped: boolean
}

/** The ways of all packets over one layout. */
export class Paths {
  readonly layout: Layout
  readonly visits: VisitIndex
  readonly #ways: Ways
  readonly #legs = new Map<number, readonly Leg[]>()
  readonly #lives = new Map<number, Life>()

  constructor(layout: Layout, visits: VisitIndex) {
    this.layout = layout
    this.visits = visits
    this.#ways = new Ways(layout)
  }

  /** The legs of a packet's whole life, in order. Empty when it never was in a namespace that is drawn. */
  of(packet: number): readonly Leg[] {
    let legs = this.#legs.get(packet)
    if (legs === undefined) {
      legs = this.#build(packet)
      this.#legs.set(packet, legs)
    }
    return legs
  }

  #build(packet: number): Leg[] {
    const legs: { -readonly [K in keyof Leg]: Leg[K] }[] = []
    for (const visit of this.visits.of(packet)) {
      const box = boxOfVisit(this.layout, visit)
      const place = box === undefined ? undefined : this.layout.box.get(box)
      if (box === undefined || place === undefined) continue
      const before = legs[legs.length - 1]
      if (before?.box === box) {
        before.last = visit.last
        continue
      }
      const dock = (before === undefined ? this.#birthplace(packet, box) : undefined) ?? place.dock ?? centre(place.rect)
      const road = before === undefined ? undefined : this.#ways.between(before.box, box)
      const way = before === undefined ? [dock] : [before.at, ...(road ?? [dock])]
      const at = way[way.length - 1] ?? dock
      legs.push({ visit, box, first: visit.first, last: visit.last, way, at, jumped: before !== undefined && road === undefined })
    }
    return legs
  }

  /** A packet made from another begins where that one is: a flooded copy on the bridge right beside its original. */
  #birthplace(packet: number, box: string): Point | undefined {
    const { packets } = this.visits.reader
    const parent = packets.parent[packet] ?? -1
    if (parent < 0 || parent >= packet) return undefined
    const leg = this.of(parent)[this.legAt(parent, packets.born[packet] ?? -1)]
    return leg?.box === box ? leg.at : undefined
  }

  /** Index of the leg that a packet is in after step `seq`; -1 before its birth. */
  legAt(packet: number, seq: number): number {
    const legs = this.of(packet)
    let i = legs.length - 1
    while (i >= 0 && (legs[i]?.first ?? 0) > seq) i--
    return i
  }

  /** Where a packet rests after step `seq`. */
  positionAt(packet: number, seq: number): Point | undefined {
    return this.of(packet)[this.legAt(packet, seq)]?.at
  }

  /** The whole way of a packet as one track, and how far along it the packet rests in each leg. */
  lifeOf(packet: number): Life {
    let life = this.#lives.get(packet)
    if (life === undefined) {
      const points: Point[] = []
      const ends: number[] = []
      for (const leg of this.of(packet)) {
        points.push(...roundCorners(leg.way))
        ends.push(points.length - 1)
      }
      const whole = track(points)
      life = { track: whole, rests: ends.map((i) => whole.at[i] ?? 0) }
      this.#lives.set(packet, life)
    }
    return life
  }
}

export interface Life {
  readonly track: Track
  /** Distance from the start, one a leg. */
  readonly rests: readonly number[]
}

/** The polyline that a packet walks from birth to end, corners rounded. */
export const pathOfPacket = (paths: Paths, packet: number): Polyline => paths.lifeOf(packet).track.points

/**
 * Where a packet is at a fractional step: between the rest of step ⌊t⌋ and that of the next, eased. Undefined before its
 * birth and for packets that are not drawn.
 */
export function positionAt(paths: Paths, packet: number, t: number): Point | undefined {
  const seq = Math.floor(t)
  const here = paths.legAt(packet, seq)
  if (here < 0) return undefined
  const { track: whole, rests } = paths.lifeOf(packet)
  const from = rests[here] ?? 0
  const to = rests[paths.legAt(packet, seq + 1)] ?? from
  return pointAt(whole, between(from, to, easeCubicInOut(t - seq)))
}
