import { CalloutPlacer } from '../../../diagram/callout.ts'
import type { Box, Layout } from '../../../diagram/figure.ts'
import type { Rect } from '../../../diagram/geometry.ts'
import type { Scene } from '../../../diagram/scene.ts'
import { FONTS, type Measure } from '../../../diagram/text.ts'
import { noteOf } from './note.ts'
import type { StageWords } from './words.ts'

const PAD = 7

const placers = new WeakMap<Layout, CalloutPlacer>()

function placerOf(layout: Layout): CalloutPlacer {
  let placer = placers.get(layout)
  if (placer === undefined) {
    placer = new CalloutPlacer(layout)
    placers.set(layout, placer)
  }
  return placer
}

/** A change, a drop or a wait, said near the place where it happened, where no label is. */
export default function CalloutMark({
  scene,
  words,
  box,
  layout,
  measure,
  keepClear,
}: {
  readonly scene: Scene
  readonly words: StageWords
  readonly box: Box
  readonly layout: Layout
  readonly measure: Measure
  readonly keepClear: readonly Rect[]
}) {
  const note = noteOf(scene, words)
  if (note === undefined) return null
  const widths = note.parts.map((p) => measure(p.text, 'address'))
  const w = widths.reduce((a, b) => a + b, 0) + 2 * PAD
  const h = FONTS.address.line + 6
  const rect = placerOf(layout).place(box, { w, h }, keepClear)
  let x = rect.x + PAD
  return (
    <g key={note.key} className={`stg-note stg-note-${note.tone}`}>
      <rect className="stg-note-box" x={rect.x} y={rect.y} width={w} height={h} rx={6} />
      {note.parts.map((p, i) => {
        const at = x
        x += widths[i] ?? 0
        return (
          <g key={p.as + p.text}>
            <text className={`stg-t-address stg-part-${p.as}`} x={at} y={rect.y + 13.8} xmlSpace="preserve">
              {p.text}
            </text>
            {p.as === 'old' && <path className="stg-strike" d={`M${at} ${rect.y + 10}h${widths[i] ?? 0}`} />}
          </g>
        )
      })}
    </g>
  )
}
