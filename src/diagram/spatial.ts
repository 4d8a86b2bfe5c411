import { overlaps, type Rect } from './geometry.ts'

/** A uniform grid over rectangles: which of them are in view, or under the pointer, without looking at all of them. */
export class SpatialIndex<T> {
  readonly #cell: number
  readonly #cells = new Map<number, number[]>()
  readonly #items: readonly T[]
  readonly #rects: readonly Rect[]

  constructor(items: readonly T[], rectOf: (item: T) => Rect, cell = 256) {
    this.#cell = cell
    this.#items = items
    this.#rects = items.map(rectOf)
    for (const [i, r] of this.#rects.entries()) {
      this.#each(r, (key) => {
        const l = this.#cells.get(key)
        if (l) l.push(i)
        else this.#cells.set(key, [i])
      })
    }
  }

  #each(r: Rect, visit: (key: number) => void): void {
    const c = this.#cell
    for (let y = Math.floor(r.y / c); y <= Math.floor((r.y + r.h) / c); y++) {
      for (let x = Math.floor(r.x / c); x <= Math.floor((r.x + r.w) / c); x++) visit((x + 0x8000) * 0x10000 + (y + 0x8000))
    }
  }

  /** Items that overlap `view`, in the order they were given. */
  query(view: Rect): T[] {
    const found = new Set<number>()
    this.#each(view, (key) => {
      for (const i of this.#cells.get(key) ?? []) if (overlaps(this.#rects[i] as Rect, view)) found.add(i)
    })
    return [...found].sort((a, b) => a - b).map((i) => this.#items[i] as T)
  }

  /** The last item at a point: what is drawn on top. */
  at(x: number, y: number): T | undefined {
    const hits = this.query({ x, y, w: 0.001, h: 0.001 })
    return hits[hits.length - 1]
  }
}
