import { memo } from 'react'
import { chevronsOf } from '../../../diagram/chevrons.ts'
import type { Box, Layout } from '../../../diagram/figure.ts'
import { pathData, roundCorners } from '../../../diagram/polyline.ts'
import { baseline, radiusOf } from '../../../diagram/shape.ts'

const BACK: ReadonlySet<string> = new Set(['machine', 'region'])

function BoxShape({ box, bare = false }: { readonly box: Box; readonly bare?: boolean }) {
  const { x, y, w, h } = box.rect
  const down = box.of.kind === 'device' && !box.of.up
  return (
    <>
      <rect
        className={`stg-box stg-${box.of.kind}${box.of.kind === 'machine' ? ` stg-role-${box.of.role}${bare ? ' stg-bare' : ''}` : ''}${down ? ' stg-down' : ''}`}
        x={x}
        y={y}
        width={w}
        height={h}
        rx={radiusOf(box)}
      />
      {box.of.kind === 'bridge' &&
        box.of.ticks.map((t) => (
          <rect key={`${t.x} ${t.y}`} className="stg-tick" x={t.x - 3.5} y={t.y - 3.5} width={7} height={7} rx={1.5} />
        ))}
    </>
  )
}

/** Everything that does not change from step to step. Drawn once a layout. */
export const BaseLayer = memo(function BaseLayer({ layout }: { readonly layout: Layout }) {
  // Of a switch only its bar is seen.
  const bars = new Set(
    layout.boxes.flatMap((b) =>
      b.of.kind === 'bridge' && layout.box.get(b.parent ?? '')?.rect.w === b.rect.w ? [b.parent] : [],
    ),
  )
  const back = layout.boxes.filter((b) => BACK.has(b.of.kind))
  const front = layout.boxes.filter((b) => !BACK.has(b.of.kind))
  return (
    <g>
      {back.map((b) => (
        <BoxShape key={b.id} box={b} bare={bars.has(b.id)} />
      ))}
      {front
        .filter((b) => b.of.kind === 'pod' || b.of.kind === 'bridge')
        .map((b) => (
          <BoxShape key={b.id} box={b} />
        ))}
      {front
        .filter((b) => b.of.kind !== 'pod' && b.of.kind !== 'bridge')
        .map((b) => (
          <BoxShape key={b.id} box={b} />
        ))}
      {layout.roads.map((r) => (
        <path key={`${r.from} ${r.to}`} className={`stg-road stg-road-${r.kind}`} d={pathData(roundCorners(r.points))} />
      ))}
      {chevronsOf(layout).map((c) => (
        <path
          key={`${c.at.x} ${c.at.y}`}
          className="stg-chevron"
          d="M-2.5 -3.5L1.5 0L-2.5 3.5"
          transform={`translate(${c.at.x} ${c.at.y}) rotate(${c.heading})`}
        />
      ))}
      {layout.labels
        .filter((l) => !l.resting)
        .map((l) => (
          <text
            key={`${l.box} ${l.rect.x} ${l.rect.y}`}
            className={`stg-t-${l.style} stg-tone-${l.tone}`}
            x={l.rect.x}
            y={baseline(l)}
          >
            {l.text}
          </text>
        ))}
    </g>
  )
})

/** Labels that give way when their box has something to say. */
export const RestingLabels = memo(function RestingLabels({
  layout,
  busy,
}: {
  readonly layout: Layout
  readonly busy: ReadonlySet<string>
}) {
  return (
    <g>
      {layout.labels
        .filter((l) => l.resting && !busy.has(l.box))
        .map((l) => (
          <text key={`${l.box} ${l.text}`} className={`stg-t-${l.style} stg-tone-${l.tone}`} x={l.rect.x} y={baseline(l)}>
            {l.text}
          </text>
        ))}
    </g>
  )
})
