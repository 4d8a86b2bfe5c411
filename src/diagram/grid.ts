import type { Sketch } from './figure.ts'
import type { Point } from './geometry.ts'

// Rows of boxes that must all reach one bar, without a line through a box: lines from the rows further away run down the
// gutters between the columns, each on its own track.

export interface Cell {
  readonly id: string
  /** Least width. */
  readonly w: number
  readonly h: number
  /** One line high: fills up rows, and else stands in rows of its own, furthest from the bar. */
  readonly small?: boolean
  /** Draws it with its top left corner at (x, y), `w` wide; returns the x of its lane. */
  draw(sketch: Sketch, at: { readonly x: number; readonly y: number; readonly w: number }): number
}

export interface Exit {
  readonly id: string
  /** From the edge of the cell to the edge of the grid. */
  readonly points: readonly Point[]
}

const TRACK = 6
const ROW_GAP = 14

export interface GridPlan {
  /** From the top. */
  readonly lines: readonly (readonly Cell[])[]
  readonly cols: number
  readonly rows: number
  readonly gutter: number
  readonly minWidth: number
  readonly h: number
}

function chunks<T>(items: readonly T[], n: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / n) }, (_, i) => items.slice(i * n, (i + 1) * n))
}

/** Rows of at most `n`, from the top. */
function linesOf(cells: readonly Cell[], n: number, flip: boolean): (readonly Cell[])[] {
  const small = cells.filter((c) => c.small)
  const tall = cells.filter((c) => !c.small)
  if (small.length === 0 || tall.length === 0 || cells.length <= n) return chunks(cells, n)
  const near = chunks([...tall, ...small.slice(0, (n - (tall.length % n)) % n)], n)
  const far = chunks(small.slice((n - (tall.length % n)) % n), n)
  return flip ? [...near, ...far] : [...far, ...near]
}

/** How large `cells` become in at most `cols` columns. The bar is below, or above when `flip`. */
export function planGrid(cells: readonly Cell[], cols: number, flip = false): GridPlan {
  const n = Math.max(1, Math.min(cols, cells.length))
  const lines = linesOf(cells, n, flip)
  const rows = lines.length
  const gutter = 10 + (rows > 1 ? (rows - 1) * TRACK : 0)
  const edge = rows > 1 ? gutter - 4 : 0
  const w = Math.max(0, ...cells.map((c) => c.w))
  const h = lines.reduce((sum, line) => sum + Math.max(...line.map((c) => c.h)), 0)
  return { lines, cols: n, rows, gutter, minWidth: n * w + (n - 1) * gutter + edge, h: h + Math.max(0, rows - 1) * ROW_GAP }
}

/**
 * Draws the cells of `plan` in `width` pixels from (x, y). The bar is below, or above when `flip`. Cells keep reading order from the top
 * left in both cases; widths are shared out up to `maxCell`.
 */
export function drawGrid(
  sketch: Sketch,
  options: {
    readonly plan: GridPlan
    readonly x: number
    readonly y: number
    readonly width: number
    readonly maxCell: number
    readonly flip: boolean
  },
): Exit[] {
  const { plan, x, y, width, flip } = options
  const edge = plan.rows > 1 ? plan.gutter - 4 : 0
  const cellWidth = Math.min(options.maxCell, (width - edge - (plan.cols - 1) * plan.gutter) / plan.cols)
  const exits: Exit[] = []
  let top = y
  for (const [r, line] of plan.lines.entries()) {
    const rowHeight = Math.max(...line.map((c) => c.h))
    // Distance from the bar, in rows: the nearest row goes straight, the others need a track.
    const far = flip ? r : plan.rows - 1 - r
    for (const [c, cell] of line.entries()) {
      const left = x + c * (cellWidth + plan.gutter)
      const cellTop = flip ? top : top + rowHeight - cell.h
      const lane = cell.draw(sketch, { x: left, y: cellTop, w: cellWidth })
      const start = { x: lane, y: flip ? top : top + rowHeight }
      const end = flip ? y : y + plan.h
      if (far === 0) {
        exits.push({ id: cell.id, points: [start, { x: lane, y: end }] })
      } else {
        const trackX = left + cellWidth + 4 + (far - 1) * TRACK
        // Neighbouring tracks turn at different heights, so that two lines never share a piece of way.
        const turn = flip ? start.y - 6 : start.y + 6
        exits.push({ id: cell.id, points: [start, { x: lane, y: turn }, { x: trackX, y: turn }, { x: trackX, y: end }] })
      }
    }
    top += rowHeight + ROW_GAP
  }
  return exits
}
