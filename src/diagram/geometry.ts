// Points and rectangles in layout units (CSS pixels at zoom 1), y downwards. Everything here is pure arithmetic.

export interface Point {
  readonly x: number
  readonly y: number
}
export interface Rect {
  readonly x: number
  readonly y: number
  readonly w: number
  readonly h: number
}

export const right = (r: Rect): number => r.x + r.w
export const bottom = (r: Rect): number => r.y + r.h
export const centre = (r: Rect): Point => ({ x: r.x + r.w / 2, y: r.y + r.h / 2 })

/** Shared area; touching edges do not overlap. `slack` forgives rounding, in pixels. */
export const overlaps = (a: Rect, b: Rect, slack = 0): boolean =>
  a.x + slack < right(b) && b.x + slack < right(a) && a.y + slack < bottom(b) && b.y + slack < bottom(a)

export const within = (inner: Rect, outer: Rect, slack = 0): boolean =>
  inner.x >= outer.x - slack &&
  inner.y >= outer.y - slack &&
  right(inner) <= right(outer) + slack &&
  bottom(inner) <= bottom(outer) + slack

export function union(rects: Iterable<Rect>): Rect {
  let x0 = Number.POSITIVE_INFINITY
  let y0 = Number.POSITIVE_INFINITY
  let x1 = Number.NEGATIVE_INFINITY
  let y1 = Number.NEGATIVE_INFINITY
  for (const r of rects) {
    x0 = Math.min(x0, r.x)
    y0 = Math.min(y0, r.y)
    x1 = Math.max(x1, right(r))
    y1 = Math.max(y1, bottom(r))
  }
  return x1 < x0 ? { x: 0, y: 0, w: 0, h: 0 } : { x: x0, y: y0, w: x1 - x0, h: y1 - y0 }
}

/** Whether an axis-parallel segment enters the inside of `r`. */
export function segmentHits(a: Point, b: Point, r: Rect): boolean {
  const x0 = Math.min(a.x, b.x)
  const x1 = Math.max(a.x, b.x)
  const y0 = Math.min(a.y, b.y)
  const y1 = Math.max(a.y, b.y)
  return x0 < right(r) && x1 > r.x && y0 < bottom(r) && y1 > r.y
}

/** Between two numbers, `t` from 0 to 1. d3-interpolate has it too, but brings d3-color along before the first frame. */
export const between = (from: number, to: number, t: number): number => from * (1 - t) + to * t
