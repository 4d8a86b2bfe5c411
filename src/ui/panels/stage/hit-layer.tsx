import { type KeyboardEvent, memo, useCallback, useRef, useState } from 'react'
import type { Box, Layout } from '../../../diagram/figure.ts'
import type { Mark } from '../../../diagram/scene.ts'
import { radiusOf } from '../../../diagram/shape.ts'
import { neighbourBox, selectionOf } from './reach.ts'
import type { StageSelection } from './types.ts'

interface HitProps {
  readonly layout: Layout
  /** Boxes to offer as buttons. In a drawing too large for that: the present and the selected one; the others are reached by arrow keys. */
  readonly boxes: readonly Box[]
  readonly selected: string | undefined
  readonly onSelect: (selection: StageSelection) => void
  /** A box got the focus and may have to be brought into view. */
  readonly onReach: (box: Box) => void
}

const ARROWS: Readonly<Record<string, 'left' | 'right' | 'up' | 'down'>> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
}

/** Boxes as buttons over the drawing: one stop in the tab order, arrow keys from box to box by where they are. */
const HitLayer = memo(function HitLayer({ layout, boxes, selected, onSelect, onReach }: HitProps) {
  const [roving, setRoving] = useState<string | undefined>(undefined)
  const inner = useRef<HTMLDivElement>(null)
  const walked = roving === undefined ? undefined : layout.box.get(roving)
  const current = walked?.id ?? selected ?? boxes[0]?.id
  const offered = walked === undefined || boxes.includes(walked) ? boxes : [...boxes, walked]

  const onKeyDown = useCallback(
    (event: KeyboardEvent<HTMLButtonElement>) => {
      const target = event.currentTarget
      const box = layout.box.get(target.dataset.box ?? '')
      // After a click the keys belong to the timeline; only who came here by keyboard walks the drawing with them.
      if (box === undefined || !target.matches(':focus-visible')) return
      const direction = ARROWS[event.key]
      if (event.key === 'Enter' || event.key === ' ') onSelect(selectionOf(box))
      else if (direction === undefined || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return
      else {
        const next = neighbourBox(layout.boxes, box, direction)
        if (next !== undefined) {
          setRoving(next.id)
          onReach(next)
          requestAnimationFrame(() => inner.current?.querySelector<HTMLElement>(`[data-box="${CSS.escape(next.id)}"]`)?.focus())
        }
      }
      event.preventDefault()
      event.stopPropagation()
    },
    [layout, onSelect, onReach],
  )

  return (
    <div ref={inner}>
      {offered.map((b) => (
        <button
          key={b.id}
          type="button"
          tabIndex={b.id === current ? 0 : -1}
          aria-label={b.name}
          aria-pressed={b.id === selected}
          title={b.name}
          data-box={b.id}
          className="stg-hit"
          style={{ left: b.rect.x, top: b.rect.y, width: b.rect.w, height: b.rect.h, borderRadius: radiusOf(b) }}
          onClick={() => onSelect(selectionOf(b))}
          onKeyDown={onKeyDown}
          onFocus={() => setRoving(b.id)}
        />
      ))}
    </div>
  )
})

/** The other packets of this moment, to be followed instead. */
function PacketButtons(props: {
  readonly others: readonly Mark[]
  readonly label: string
  readonly onFollow: (packet: number) => void
}) {
  return props.others.map((o) => (
    <button
      key={o.packet}
      type="button"
      tabIndex={-1}
      className="stg-hit stg-hit-packet"
      title={`${props.label} ${o.packet} ${o.capsule.label}`}
      aria-label={`${props.label} ${o.packet} ${o.capsule.label}`}
      style={{ left: o.at.x - 9, top: o.at.y - 9, width: 18, height: 18, borderRadius: 9 }}
      onClick={() => props.onFollow(o.packet)}
    />
  ))
}

/** What the pointer and the keyboard reach on the drawing. */
export default function Hits({
  others,
  packet,
  onFollow,
  ...boxes
}: HitProps & {
  readonly others: readonly Mark[]
  /** The word before a packet's number. */
  readonly packet: string
  readonly onFollow: ((packet: number) => void) | undefined
}) {
  return (
    <>
      <HitLayer {...boxes} />
      {onFollow === undefined ? null : <PacketButtons others={others} label={packet} onFollow={onFollow} />}
    </>
  )
}
