import { memo } from 'react'
import type { Box, Layout } from '../../../diagram/figure.ts'
import type { Scene } from '../../../diagram/scene.ts'
import { summarize } from '../../../net/summary.ts'
import type { TraceReader } from '../../../trace/reader.ts'
import { noteOf } from './note.ts'
import { selectionOf } from './reach.ts'
import type { StageSelection } from './types.ts'
import type { StageWords } from './words.ts'

interface ListProps {
  readonly layout: Layout
  readonly onSelect: (selection: StageSelection) => void
}

/** The drawing as nested lists, for readers who do not see it: what is inside what, each a button. */
const BoxList = memo(function BoxList({ layout, label, onSelect }: ListProps & { readonly label: string }) {
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
    <section className="sr-only" aria-label={label}>
      {items(undefined)}
    </section>
  )
})

/** Everything on the stage in words. */
export default function StageReader(
  props: ListProps & {
    readonly words: StageWords
    readonly scene: Scene | undefined
    readonly reader: TraceReader
    readonly seq: number
    readonly playing: boolean
  },
) {
  const { layout, onSelect, words, scene, reader, seq, playing } = props
  const note = scene === undefined ? undefined : noteOf(scene, words)
  const here = scene?.box === undefined ? undefined : layout.box.get(scene.box)
  return (
    <>
      <BoxList layout={layout} label={words.list} onSelect={onSelect} />
      <p className="sr-only" aria-live={playing ? 'off' : 'polite'}>
        {scene === undefined || scene.packet < 0 || scene.box === undefined
          ? words.nothing
          : `${words.packet} ${scene.packet} ${summarize(reader.packetAt(scene.packet, seq))} ${words.at} ${here?.name ?? ''} ${scene.did.get(scene.box)?.text ?? ''} ${note?.parts.map((p) => p.text).join('') ?? ''}`}
      </p>
    </>
  )
}
