import type { Point } from './geometry.ts'

// Ways that packets walk. A road is laid out with sharp orthogonal corners; before anything is drawn or walked its corners
// are rounded once, so that the line on the screen and the capsule on it agree to the pixel.

export type Polyline = readonly Point[]

const EPSILON = 1e-6
const same = (a: Point, b: Point) => Math.abs(a.x - b.x) < EPSILON && Math.abs(a.y - b.y) < EPSILON
const distance = (a: Point, b: Point) => Math.hypot(b.x - a.x, b.y - a.y)

/** Removes repeated points and points in the middle of straight runs. A turn back on the spot is kept. */
export function simplify(points: Polyline): Point[] {
  const out: Point[] = []
  for (const p of points) {
    const last = out[out.length - 1]
    if (last && same(last, p)) continue
    const before = out[out.length - 2]
    if (last && before) {
      const cross = (last.x - before.x) * (p.y - last.y) - (last.y - before.y) * (p.x - last.x)
      const dot = (last.x - before.x) * (p.x - last.x) + (last.y - before.y) * (p.y - last.y)
      if (Math.abs(cross) < EPSILON && dot > 0) out.pop()
    }
    out.push(p)
  }
  return out
}

/** Replaces each corner by a quarter turn of at most `radius`, sampled finely enough to look round at any sensible zoom. */
export function roundCorners(points: Polyline, radius = 7): Point[] {
  const p = simplify(points)
  if (p.length < 3) return p
  const out: Point[] = [p[0] as Point]
  for (let i = 1; i < p.length - 1; i++) {
    const a = p[i - 1] as Point
    const b = p[i] as Point
    const c = p[i + 1] as Point
    const ab = distance(a, b)
    const bc = distance(b, c)
    const r = Math.min(radius, ab / 2, bc / 2)
    const cross = (b.x - a.x) * (c.y - b.y) - (b.y - a.y) * (c.x - b.x)
    if (r < 0.5 || Math.abs(cross) < EPSILON) {
      out.push(b)
      continue
    }
    const from = { x: b.x - ((b.x - a.x) / ab) * r, y: b.y - ((b.y - a.y) / ab) * r }
    const to = { x: b.x + ((c.x - b.x) / bc) * r, y: b.y + ((c.y - b.y) / bc) * r }
    out.push(from)
    const parts = 5
    for (let k = 1; k < parts; k++) {
      const t = k / parts
      const u = 1 - t
      out.push({ x: u * u * from.x + 2 * u * t * b.x + t * t * to.x, y: u * u * from.y + 2 * u * t * b.y + t * t * to.y })
    }
    out.push(to)
  }
  out.push(p[p.length - 1] as Point)
  return out
}

const number = (n: number) => (Math.round(n * 100) / 100).toString()

/** An SVG path: `M x y L x y …`. Empty for fewer than two points. */
export function pathData(points: Polyline): string {
  if (points.length < 2) return ''
  let d = ''
  for (const [i, p] of points.entries()) d += `${i === 0 ? 'M' : 'L'}${number(p.x)} ${number(p.y)}`
  return d
}

/** A polyline with its running length, for walking it by distance. */
export interface Track {
  readonly points: Polyline
  /** Distance from the start to each point. */
  readonly at: Float64Array
  readonly length: number
}

export function track(points: Polyline): Track {
  const at = new Float64Array(points.length)
  for (let i = 1; i < points.length; i++) at[i] = (at[i - 1] as number) + distance(points[i - 1] as Point, points[i] as Point)
  return { points, at, length: points.length === 0 ? 0 : (at[points.length - 1] as number) }
}

/** Index of the segment that contains distance `s`. */
function segmentAt(t: Track, s: number): number {
  let lo = 0
  let hi = t.points.length - 2
  while (lo < hi) {
    const mid = (lo + hi + 1) >> 1
    if ((t.at[mid] as number) <= s) lo = mid
    else hi = mid - 1
  }
  return Math.max(0, lo)
}

/** The point at distance `s` from the start, clamped to the ends. */
export function pointAt(t: Track, s: number): Point {
  const first = t.points[0]
  if (first === undefined) return { x: 0, y: 0 }
  if (t.points.length === 1 || s <= 0) return first
  if (s >= t.length) return t.points[t.points.length - 1] as Point
  const i = segmentAt(t, s)
  const a = t.points[i] as Point
  const b = t.points[i + 1] as Point
  const span = (t.at[i + 1] as number) - (t.at[i] as number)
  const f = span === 0 ? 0 : (s - (t.at[i] as number)) / span
  return { x: a.x + (b.x - a.x) * f, y: a.y + (b.y - a.y) * f }
}
