import type { Layout } from '../../../diagram/figure.ts'
import { overlaps, type Rect } from '../../../diagram/geometry.ts'
import type { View } from '../../../diagram/view.ts'
import type { Size } from './use-size.ts'

const TOOLS = { w: 124, h: 38, right: 12, bottom: 12 } as const
const STEP = 6

/**
 * How far above the stage's lower edge the buttons stand, in pixels, so that they cover no word in the view of everything;
 * nor a device or a gate, where there is such a place.
 */
export function toolsBottom(layout: Layout, size: Size, { x, y, k }: View): number {
  const left = (size.width - TOOLS.right - TOOLS.w - x) / k
  const beside = (r: Rect) => r.x + r.w > left
  const words = layout.labels.map((l) => l.rect).filter(beside)
  const boxes = layout.boxes.filter((b) => b.dock !== undefined && b.of.kind !== 'bridge' && beside(b.rect)).map((b) => b.rect)
  for (const obstacles of [[...words, ...boxes], words]) {
    for (let bottom: number = TOOLS.bottom; bottom < size.height / 2; bottom += STEP) {
      const tools = { x: left, y: (size.height - bottom - TOOLS.h - y) / k, w: TOOLS.w / k, h: TOOLS.h / k }
      if (!obstacles.some((o) => overlaps(o, tools))) return bottom
    }
  }
  return TOOLS.bottom
}
