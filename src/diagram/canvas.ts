import { assertNever } from '../base/assert-never.ts'
import type { Box, Label, LabelTone, Layout, Road } from './figure.ts'
import { type Rect, union } from './geometry.ts'
import { roundCorners } from './polyline.ts'
import { baseline, radiusOf } from './shape.ts'
import { SpatialIndex } from './spatial.ts'
import { fontOf } from './text.ts'
import type { View } from './view.ts'

// The drawing at rest on a canvas, for layouts with more boxes than the DOM can pan smoothly. Only what is in view is drawn,
// and what would be smaller than can be read is left out, so a frame costs what is seen and not what there is: 5,000 boxes
// in view take the boxes alone, without labels and thin roads.

export interface Palette {
  readonly panel: string
  readonly raised: string
  readonly inset: string
  readonly line: string
  readonly line2: string
  readonly text: string
  readonly muted: string
  readonly faint: string
}

/** Below these scales labels, and then everything inside pods, are no longer readable and not drawn. */
const LEGIBLE = { note: 0.5, small: 0.42, any: 0.26, roads: 0.2 } as const

interface RoadItem {
  readonly road: Road
  readonly points: ReturnType<typeof roundCorners>
  readonly rect: Rect
}

/** A layout prepared for drawing many times. */
export class CanvasDrawing {
  readonly #boxes: SpatialIndex<Box>
  readonly #labels: SpatialIndex<Label>
  readonly #roads: SpatialIndex<RoadItem>

  constructor(layout: Layout) {
    this.#boxes = new SpatialIndex(layout.boxes, (b) => b.rect)
    this.#labels = new SpatialIndex(layout.labels, (l) => l.rect)
    const roads = layout.roads.map((road) => {
      const points = roundCorners(road.points)
      return { road, points, rect: union(points.map((p) => ({ x: p.x - 1, y: p.y - 1, w: 2, h: 2 }))) }
    })
    this.#roads = new SpatialIndex(roads, (r) => r.rect)
  }

  /** Boxes at a point of the layout, innermost last. */
  boxAt(x: number, y: number): Box | undefined {
    return this.#boxes.at(x, y)
  }

  /** Draws what `visible` shows. `ratio` is device pixels per CSS pixel. `hidden` are boxes whose resting label gives way. */
  draw(
    ctx: CanvasRenderingContext2D,
    options: {
      readonly view: View
      readonly visible: Rect
      readonly ratio: number
      readonly palette: Palette
      readonly hidden: ReadonlySet<string>
    },
  ): void {
    const { view, visible, ratio, palette } = options
    ctx.setTransform(1, 0, 0, 1, 0, 0)
    ctx.clearRect(0, 0, ctx.canvas.width, ctx.canvas.height)
    ctx.setTransform(ratio * view.k, 0, 0, ratio * view.k, ratio * view.x, ratio * view.y)
    const small = view.k < LEGIBLE.any
    for (const box of this.#boxes.query(visible)) {
      if (small && box.of.kind !== 'machine' && box.of.kind !== 'pod' && box.of.kind !== 'bridge') continue
      drawBox(ctx, box, palette)
    }
    if (view.k >= LEGIBLE.roads) {
      ctx.strokeStyle = palette.line2
      ctx.lineWidth = 1.4
      ctx.lineJoin = 'round'
      ctx.beginPath()
      for (const { points } of this.#roads.query(visible)) {
        for (const [i, p] of points.entries()) i === 0 ? ctx.moveTo(p.x, p.y) : ctx.lineTo(p.x, p.y)
      }
      ctx.stroke()
    }
    for (const label of this.#labels.query(visible)) {
      if (label.resting && options.hidden.has(label.box)) continue
      if (view.k < LEGIBLE.note && label.style === 'note') continue
      if (view.k < LEGIBLE.small && label.style !== 'title' && (label.style !== 'name' || small)) continue
      ctx.font = fontOf(label.style)
      // From afar only machines are named, and large enough to be read.
      if (view.k < LEGIBLE.small && label.style === 'title')
        ctx.font = ctx.font.replace(/[\d.]+px/, `${Math.min(30, 9 / view.k)}px`)
      ctx.fillStyle = toneColour(label.tone, palette)
      ctx.fillText(label.text, label.rect.x, baseline(label))
    }
  }
}

function toneColour(tone: LabelTone, palette: Palette): string {
  switch (tone) {
    case 'strong':
    case 'normal':
      return palette.text
    case 'muted':
      return palette.muted
    case 'faint':
      return palette.faint
    default:
      return assertNever(tone)
  }
}

function drawBox(ctx: CanvasRenderingContext2D, box: Box, palette: Palette): void {
  const { kind } = box.of
  const { x, y, w, h } = box.rect
  ctx.beginPath()
  ctx.roundRect(x, y, w, h, radiusOf(box))
  ctx.fillStyle = kind === 'machine' ? palette.panel : kind === 'region' || kind === 'bridge' ? palette.inset : palette.raised
  ctx.fill()
  ctx.strokeStyle = kind === 'container' || kind === 'region' ? palette.line : palette.line2
  ctx.lineWidth = 1
  if (kind === 'region') ctx.setLineDash([3, 3])
  ctx.stroke()
  ctx.setLineDash([])
  if (box.of.kind === 'bridge') {
    ctx.fillStyle = palette.line2
    for (const t of box.of.ticks) ctx.fillRect(t.x - 3, t.y - 3, 6, 6)
  }
}
