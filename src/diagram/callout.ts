import type { Box, Layout } from './figure.ts'
import { type Rect, right } from './geometry.ts'
import { SpatialIndex } from './spatial.ts'

/** Finds room for a callout of a given size near a box, on no label and, where it can, on no other box. */
export class CalloutPlacer {
  readonly #layout: Layout
  readonly #labels: SpatialIndex<{ readonly rect: Rect }>
  readonly #leaves: SpatialIndex<Box>

  constructor(layout: Layout) {
    this.#layout = layout
    this.#labels = new SpatialIndex(layout.labels, (l) => l.rect)
    this.#leaves = new SpatialIndex(
      layout.boxes.filter((b) => b.of.kind !== 'machine' && b.of.kind !== 'region'),
      (b) => b.rect,
    )
  }

  /** `keepClear` are rectangles that it must not cover either (the capsule). */
  place(box: Box, size: { readonly w: number; readonly h: number }, keepClear: readonly Rect[] = []): Rect {
    const lane = box.callout
    if (lane !== undefined && size.w <= lane.w) {
      const middle = box.rect.x + box.rect.w / 2 - size.w / 2
      return { x: Math.max(lane.x, Math.min(right(lane) - size.w, middle)), y: lane.y + (lane.h - size.h) / 2, ...size }
    }
    let best: { readonly rect: Rect; readonly cost: number } | undefined
    for (const [i, wished] of [...this.#candidates(box, size)].entries()) {
      const rect = this.#inside(wished)
      const cost = this.#cost(rect, keepClear) + i * 0.5
      if (best === undefined || cost < best.cost) best = { rect, cost }
    }
    return best?.rect ?? { x: box.rect.x, y: box.rect.y - size.h - 4, ...size }
  }

  /** Moved as far as needed to lie inside the drawing. */
  #inside(r: Rect): Rect {
    const { bounds: b } = this.#layout
    const x = Math.max(b.x + 4, Math.min(right(b) - r.w - 4, r.x))
    return { ...r, x, y: Math.max(b.y + 4, Math.min(b.y + b.h - r.h - 4, r.y)) }
  }

  *#candidates(box: Box, { w, h }: { readonly w: number; readonly h: number }): Generator<Rect> {
    const r = box.rect
    const d = box.dock ?? { x: r.x + r.w / 2, y: r.y + r.h / 2 }
    const outer = this.#outer(box)
    for (const gap of [4, 14, 26]) {
      yield { x: d.x - w / 2, y: r.y - h - gap, w, h }
      yield { x: d.x - w / 2, y: r.y + r.h + gap, w, h }
      yield { x: right(r) + gap, y: d.y - h / 2, w, h }
      yield { x: r.x - w - gap, y: d.y - h / 2, w, h }
      yield { x: d.x - w / 2, y: outer.y - h - gap, w, h }
      yield { x: d.x - w / 2, y: outer.y + outer.h + gap, w, h }
      yield { x: right(outer) + gap, y: d.y - h / 2, w, h }
      yield { x: outer.x - w - gap, y: d.y - h / 2, w, h }
    }
  }

  /** The pod or machine around a box. */
  #outer(box: Box): Rect {
    let at = box
    while (at.parent !== undefined && at.of.kind !== 'pod' && at.of.kind !== 'machine') {
      const parent = this.#layout.box.get(at.parent)
      if (parent === undefined) break
      at = parent
    }
    return at.rect
  }

  #cost(rect: Rect, keepClear: readonly Rect[]): number {
    const area = (a: Rect) =>
      Math.max(0, Math.min(right(a), right(rect)) - Math.max(a.x, rect.x)) *
      Math.max(0, Math.min(a.y + a.h, rect.y + rect.h) - Math.max(a.y, rect.y))
    let cost = 0
    for (const l of this.#labels.query(rect)) cost += 10_000 + area(l.rect)
    for (const b of this.#leaves.query(rect)) cost += area(b.rect) * 0.1
    for (const k of keepClear) if (area(k) > 0) cost += 20_000
    return cost
  }
}
