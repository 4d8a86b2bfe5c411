import { memo } from 'react'
import { fitActivity } from '../../../diagram/activity.ts'
import type { Layout } from '../../../diagram/figure.ts'
import { type Polyline, pathData } from '../../../diagram/polyline.ts'
import type { Scene } from '../../../diagram/scene.ts'
import { baseline, radiusOf } from '../../../diagram/shape.ts'
import type { Measure } from '../../../diagram/text.ts'
import { capsuleWidth } from './capsule-mark.tsx'

const joined = (lines: readonly Polyline[]) => lines.map(pathData).join('')

/** The way: what is walked glows, what is to come is dotted. */
export const WayLayer = memo(function WayLayer({ walked, role }: { readonly walked: Scene['walked']; readonly role: string }) {
  const done = joined(walked.done)
  return (
    <g className={`stg-way stg-role-${role}`}>
      <path className="stg-ahead" d={joined(walked.ahead)} />
      <path className="stg-glow" d={done} />
      <path className="stg-walked" d={done} />
    </g>
  )
})

/** Outlines of the places on the way, and what each of them did. */
export const PlacesLayer = memo(function PlacesLayer({
  layout,
  scene,
  measure,
}: {
  readonly layout: Layout
  readonly scene: Scene
  readonly measure: Measure
}) {
  const lit = [...scene.walked.boxes].flatMap((id) => layout.box.get(id) ?? [])
  return (
    <g>
      {lit.map((b) => {
        const here = b.id === scene.box
        const tone = scene.did.get(b.id)?.tone ?? 'busy'
        return (
          <rect
            key={b.id}
            className={`stg-lit${here ? ` stg-here stg-act-${tone}` : ''}`}
            x={b.rect.x}
            y={b.rect.y}
            width={b.rect.w}
            height={b.rect.h}
            rx={radiusOf(b)}
          />
        )
      })}
      {[...scene.did].map(([id, activity]) => {
        const slot = layout.box.get(id)?.slot
        if (slot === undefined) return null
        const y = baseline({ rect: slot, style: 'status', text: '', full: '', tone: 'normal', box: id, resting: false })
        return (
          <text
            key={id}
            className={`stg-t-status stg-say-${activity.tone}${id === scene.box ? '' : ' stg-past'}`}
            x={slot.x}
            y={y}
          >
            {fitActivity(activity, slot.w, measure)}
          </text>
        )
      })}
    </g>
  )
})

/** The box that there is something to say about, in a callout: where the packet's stay ended or changed it, else where its address was translated before. */
export const spokenOf = ({ ending, changes, box, translated }: Scene): string | undefined =>
  (ending !== undefined && ending.kind !== 'deliver') || changes.length > 0 ? box : translated?.box

/** The end of a packet, on the spot. */
export function EndingMark({ scene, measure }: { readonly scene: Scene; readonly measure: Measure }) {
  const { ending, walked } = scene
  if (ending === undefined || walked.here === undefined || scene.capsule === undefined) return null
  const beside = `translate(${capsuleWidth(scene.capsule, measure) / 2 + 5} 0)`
  if (ending.kind === 'drop' || ending.kind === 'undetermined') {
    return (
      <g className="stg-end stg-end-drop" transform={beside}>
        <circle className="stg-end-ring" r={9} />
        <circle r={9} />
        <path d="M-3.8 -3.8L3.8 3.8M3.8 -3.8L-3.8 3.8" />
      </g>
    )
  }
  if (ending.kind === 'wait') {
    return (
      <g className="stg-end stg-end-wait" transform={beside}>
        <circle r={7} />
        <path d="M0 -4V0L3 2" />
      </g>
    )
  }
  return null
}
