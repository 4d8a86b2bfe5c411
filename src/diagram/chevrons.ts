import type { Layout } from './figure.ts'
import type { Point } from './geometry.ts'

/** An arrowhead on a one-way road: where, and its heading in degrees (0 is to the right, clockwise). */
interface Chevron {
  readonly at: Point
  readonly heading: number
}

const LEAST = 34

/** One arrowhead in the middle of the longest straight of each one-way road that is long enough to need one; shared pieces get one. */
export function chevronsOf(layout: Layout): Chevron[] {
  const found = new Map<string, Chevron>()
  for (const road of layout.roads) {
    if (road.both) continue
    let best: { readonly a: Point; readonly b: Point; readonly length: number } | undefined
    for (let i = 1; i < road.points.length; i++) {
      const a = road.points[i - 1]
      const b = road.points[i]
      if (a === undefined || b === undefined) continue
      const length = Math.abs(a.x - b.x) + Math.abs(a.y - b.y)
      if (best === undefined || length > best.length) best = { a, b, length }
    }
    if (best === undefined || best.length < LEAST) continue
    const { a, b } = best
    const at = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 }
    const heading = b.x > a.x ? 0 : b.x < a.x ? 180 : b.y > a.y ? 90 : 270
    found.set(`${Math.round(at.x / 4)} ${Math.round(at.y / 4)}`, { at, heading })
  }
  return [...found.values()]
}
