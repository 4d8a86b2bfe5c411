import { assertNever } from '../../../base/assert-never.ts'
import { type Box, gateId, type Layout } from '../../../diagram/figure.ts'
import { centre } from '../../../diagram/geometry.ts'
import type { StageSelection } from './types.ts'

/** What a click on a box means. */
export function selectionOf(box: Box): StageSelection {
  switch (box.of.kind) {
    case 'machine':
    case 'pod':
    case 'region':
    case 'container':
      return { netns: box.netns }
    case 'bridge':
    case 'device':
      return { netns: box.netns, device: box.id }
    case 'gate':
      return { netns: box.netns, gate: box.of.gate }
    default:
      return assertNever(box.of)
  }
}

/** The box that a selection marks, if the drawing has it. */
export function selectedBox(layout: Layout, s: StageSelection): string | undefined {
  const drawn = (id: string) => [id, layout.inside.get(id) ?? ''].find((b) => layout.box.has(b))
  const device = s.device === undefined ? undefined : drawn(s.device)
  if (device !== undefined) return device
  if (s.netns !== undefined && s.gate !== undefined) {
    const id = gateId(s.netns, s.gate as 'routing')
    if (layout.box.has(id)) return id
    const stack = gateId(s.netns, 'stack')
    if (layout.box.has(stack)) return stack
  }
  return s.netns === undefined ? undefined : drawn(s.netns)
}

/** The nearest box in a direction: distance counts, straying sideways counts double. */
export function neighbourBox(boxes: readonly Box[], from: Box, direction: 'left' | 'right' | 'up' | 'down'): Box | undefined {
  const a = centre(from.rect)
  let best: { readonly box: Box; readonly cost: number } | undefined
  for (const box of boxes) {
    if (box.id === from.id || box.of.kind === 'region') continue
    const b = centre(box.rect)
    const [dx, dy] = [b.x - a.x, b.y - a.y]
    const along = direction === 'left' ? -dx : direction === 'right' ? dx : direction === 'up' ? -dy : dy
    const aside = Math.abs(direction === 'left' || direction === 'right' ? dy : dx)
    if (along < 4) continue
    const cost = along + 2 * aside
    if (best === undefined || cost < best.cost) best = { box, cost }
  }
  return best?.box
}
