import { assertNever } from '../base/assert-never.ts'
import type { Box, Label } from './figure.ts'
import { FONTS } from './text.ts'

// What both drawings of a layout, SVG and canvas, agree on.

/** More boxes than this and the stage draws them on a canvas. */
export const CANVAS_FROM = 400

/** y of a label's baseline: ascenders take about three quarters of the line. */
export const baseline = (label: Label): number => label.rect.y + FONTS[label.style].line * 0.5 + FONTS[label.style].size * 0.36

/** Corner radius of a box, pixels. */
export function radiusOf(box: Box): number {
  switch (box.of.kind) {
    case 'machine':
      // An idle machine is a chip like the ports beside it.
      return box.rect.h < 30 ? 6 : 11
    case 'pod':
    case 'region':
      return 9
    case 'gate':
      return 7
    case 'bridge':
      return 6
    case 'device':
    case 'container':
      return 5
    default:
      return assertNever(box.of)
  }
}
