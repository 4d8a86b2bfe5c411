import type { Layout } from '../../../diagram/figure.ts'
import { overlaps } from '../../../diagram/geometry.ts'
import { fitView } from '../../../diagram/view.ts'
import type { Size } from './use-size.ts'

const TOOLS = { w: 124, h: 38, right: 12, bottom: 12 } as const
const STEP = 6

/** How far above the stage's lower edge the buttons stand, in pixels, so that they cover no word while everything is shown. */
export function toolsBottom(layout: Layout, size: Size): number {
  const { x, y, k } = fitView(layout.bounds, size)
  const words = layout.labels.map(({ rect }) => ({ x: x + rect.x * k, y: y + rect.y * k, w: rect.w * k, h: rect.h * k }))
  for (let bottom: number = TOOLS.bottom; bottom < size.height / 2; bottom += STEP) {
    const tools = { x: size.width - TOOLS.right - TOOLS.w, y: size.height - bottom - TOOLS.h, w: TOOLS.w, h: TOOLS.h }
    if (!words.some((w) => overlaps(w, tools))) return bottom
  }
  return TOOLS.bottom
}
