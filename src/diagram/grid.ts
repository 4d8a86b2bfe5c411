import type { Sketch } from './figure.ts'
import type { Point } from './geometry.ts'

// Rows of boxes that must all reach one bar, without a line through a box: lines from the rows further away run down the
// gutters between the columns, each on its own track.

export interface Cell {
  readonly id: string
  /** Least width. */
  readonly w: number
  readonly h: number
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
  readonly cols: number
  readonly rows: number
  readonly gutter: number
  readonly minWidth: number
  readonly h: number
}

/** How large `cells` become in at most `cols` columns. */
export function planGrid(cells: readonly Cell[], cols: number): GridPlan {
  const n = Math.max(1, Math.min(cols, cells.length))
  const rows = Math.ceil(cells.length / n)
  const gutter = 10 + (rows > 1 ? (rows - 1) * TRACK : 0)
  const edge = rows > 1 ? gutter - 4 : 0
  const w = Math.max(0, ...cells.map((c) => c.w))
  let h = 0
  for (let r = 0; r < rows; r++) h += Math.max(...cells.slice(r * n, (r + 1) * n).map((c) => c.h))
  return { cols: n, rows, gutter, minWidth: n * w + (n - 1) * gutter + edge, h: h + Math.max(0, rows - 1) * ROW_GAP }
}

/**
 * Draws `cells` in `width` pixels from (x, y). The bar is below, or above when `flip`. Cells keep reading order from the top
 * left in both cases; widths are shared out up to `maxCell`.
 */
export function drawGrid(
  sketch: Sketch,
  cells: readonly Cell[],
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
  const heights = Array.from({ length: plan.rows }, (_, r) =>
    Math.max(...cells.slice(r * plan.cols, (r + 1) * plan.cols).map((c) => c.h)),
  )
  const exits: Exit[] = []
  let top = y
  for (let r = 0; r < plan.rows; r++) {
    const rowHeight = heights[r] ?? 0
    // Distance from the bar, in rows: the nearest row goes straight, the others need a track.
    const far = flip ? r : plan.rows - 1 - r
    for (let c = 0; c < plan.cols; c++) {
      const cell = cells[r * plan.cols + c]
      if (cell === undefined) continue
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
