import { FONTS } from './text.ts'

// How much of each thing is drawn. A crowded cluster gives up what is beside the packets' way first, and no more than it takes
// to read the rest.

export interface Detail {
  /** A pod's name and address share a line, the name shortened where it must be; pods that take no part are chips. */
  readonly chips: boolean
  /** Nodes that take no part, with all their pods, are chips on their switch's edge. */
  readonly cards: boolean
  /** A pod's process and its stack are one place. */
  readonly terse: boolean
}

/** From everything to the least. */
export const DETAILS: readonly Detail[] = [
  { chips: false, cards: false, terse: false },
  { chips: true, cards: false, terse: false },
  { chips: true, cards: true, terse: false },
  { chips: true, cards: false, terse: true },
  { chips: true, cards: true, terse: true },
]

const SMALLEST = Math.min(...Object.values(FONTS).map((f) => f.size))
/** A tablet is held nearer than a screen stands; on a phone the camera goes with the packet, and there is no reason to be small. */
const TABLET = { from: 560, to: 740, pixels: 9 } as const
const PIXELS = 10

/** The scale at which the smallest text is read without effort in a room so wide (CSS pixels). */
export const readableScale = (room: { readonly width: number }): number =>
  (room.width >= TABLET.from && room.width < TABLET.to ? TABLET.pixels : PIXELS) / SMALLEST

/** A hair less is not worth anything. */
export const isReadable = (scale: number, room: { readonly width: number }): boolean => scale >= readableScale(room) * 0.995
