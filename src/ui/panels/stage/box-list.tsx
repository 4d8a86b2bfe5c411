import { memo } from 'react'
import type { Box, Layout } from '../../../diagram/figure.ts'
import { selectionOf } from './reach.ts'
import type { StageSelection } from './types.ts'

interface ListProps {
  readonly layout: Layout
  readonly label: string
  readonly onSelect: (selection: StageSelection) => void
}

/** The drawing as nested lists, for readers who do not see it: what is inside what, each a button. */
export const BoxList = memo(function BoxList({ layout, label, onSelect }: ListProps) {
  const children = new Map<string | undefined, Box[]>()
  for (const b of layout.boxes) {
    if (b.of.kind === 'region') continue
    const parent = layout.box.get(b.parent ?? '')
    // A machine is in no other, even where it is drawn as a chip on a switch.
    const key = b.of.kind === 'machine' ? undefined : parent?.of.kind === 'region' ? parent.parent : b.parent
    const l = children.get(key)
    if (l) l.push(b)
    else children.set(key, [b])
  }
  const items = (parent: string | undefined) => {
    const own = children.get(parent)
    if (own === undefined) return null
    return (
      <ul>
        {own.map((b) => (
          <li key={b.id}>
            <button type="button" tabIndex={-1} onClick={() => onSelect(selectionOf(b))}>
              {b.name}
            </button>
            {items(b.id)}
          </li>
        ))}
      </ul>
    )
  }
  return (
    <section className="stg-reader" aria-label={label}>
      {items(undefined)}
    </section>
  )
})
