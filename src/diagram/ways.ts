import type { Layout, Road } from './figure.ts'
import type { Point } from './geometry.ts'

interface Edge {
  readonly to: string
  readonly road: Road
  readonly back: boolean
  readonly length: number
}

function lengthOf(points: readonly Point[]): number {
  let sum = 0
  for (let i = 1; i < points.length; i++) {
    const a = points[i - 1] as Point
    const b = points[i] as Point
    sum += Math.hypot(b.x - a.x, b.y - a.y)
  }
  return sum
}

/** The roads of a layout as a graph: which way a packet takes from one place to another. */
export class Ways {
  readonly #edges = new Map<string, Edge[]>()
  readonly #known = new Map<string, readonly Point[] | undefined>()

  constructor(layout: Layout) {
    for (const road of layout.roads) {
      if (road.points.length < 2) continue
      const length = lengthOf(road.points)
      this.#add(road.from, { to: road.to, road, back: false, length })
      if (road.both) this.#add(road.to, { to: road.from, road, back: true, length })
    }
  }

  #add(from: string, edge: Edge): void {
    const l = this.#edges.get(from)
    if (l) l.push(edge)
    else this.#edges.set(from, [edge])
  }

  /** Points of the shortest way over the roads, corners sharp; undefined when no road leads there. */
  between(from: string, to: string): readonly Point[] | undefined {
    const key = `${from} ${to}`
    if (!this.#known.has(key)) this.#known.set(key, this.#search(from, to))
    return this.#known.get(key)
  }

  /** Dijkstra's algorithm. Steps of a packet are near each other, so the search ends after a handful of places. */
  #search(from: string, to: string): readonly Point[] | undefined {
    const best = new Map<string, { readonly cost: number; readonly via: Edge | undefined; readonly before: string }>([
      [from, { cost: 0, via: undefined, before: from }],
    ])
    const open = new Map<string, number>([[from, 0]])
    const done = new Set<string>()
    while (open.size > 0) {
      let here = ''
      let cost = Number.POSITIVE_INFINITY
      for (const [id, c] of open) if (c < cost) [here, cost] = [id, c]
      open.delete(here)
      done.add(here)
      if (here === to) break
      for (const edge of this.#edges.get(here) ?? []) {
        if (done.has(edge.to)) continue
        const c = cost + edge.length
        const known = best.get(edge.to)
        if (known !== undefined && known.cost <= c) continue
        best.set(edge.to, { cost: c, via: edge, before: here })
        open.set(edge.to, c)
      }
    }
    const legs: Edge[] = []
    for (let at = best.get(to); at?.via !== undefined; at = best.get(at.before)) legs.unshift(at.via)
    if (legs.length === 0) return undefined
    // Roads of one bar end at different points of it: the way between those points is along the bar.
    return legs.flatMap((e) => (e.back ? [...e.road.points].reverse() : e.road.points))
  }
}
