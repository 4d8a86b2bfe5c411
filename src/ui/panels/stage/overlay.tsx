import { memo } from 'react'
import { type Change, fitActivity } from '../../../diagram/activity.ts'
import type { Layout } from '../../../diagram/figure.ts'
import { type Polyline, pathData } from '../../../diagram/polyline.ts'
import type { Scene } from '../../../diagram/scene.ts'
import { baseline, radiusOf } from '../../../diagram/shape.ts'
import type { Measure } from '../../../diagram/text.ts'
import { capsuleWidth } from './capsule-mark.tsx'
import type { StageWords } from './words.ts'

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

export interface Note {
  readonly key: string
  /** Id of the box that it is about. */
  readonly box: string | undefined
  readonly tone: 'nat' | 'plain' | 'drop' | 'wait'
  readonly parts: readonly { readonly text: string; readonly as: 'old' | 'new' | 'plain' }[]
}

/** What the callout says: how the packet's stay ended, else a change made here, else an address translated before in this namespace. */
export function noteOf(scene: Scene, words: StageWords): Note | undefined {
  const { ending, changes, box, translated } = scene
  if (ending?.kind === 'drop') {
    // What decided it, and the kernel's reason, when they are not the same.
    const decided = scene.did.get(scene.box ?? '')
    const by = decided?.tone === 'drop' && decided.text !== ending.reason ? `${decided.text} · ` : ''
    return { key: 'drop', box, tone: 'drop', parts: [{ text: `✕ ${words.dropped}: ${by}${ending.reason}`, as: 'plain' }] }
  }
  if (ending?.kind === 'undetermined') {
    return { key: 'undetermined', box, tone: 'drop', parts: [{ text: `? ${words.undetermined}: ${ending.what}`, as: 'plain' }] }
  }
  if (ending?.kind === 'wait') {
    return { key: 'wait', box, tone: 'wait', parts: [{ text: `${words.waitsFor} ${ending.for}`, as: 'plain' }] }
  }
  const weight: Readonly<Record<Change['field'], number>> = { dst: 4, src: 4, mark: 2, ttl: 1, eth: 0, other: 0 }
  let best: Change | undefined
  for (const c of changes) if (best === undefined || weight[c.field] >= weight[best.field]) best = c
  if (best !== undefined) return changeNote(best, box)
  return translated === undefined ? undefined : changeNote(translated.change, translated.box)
}

function changeNote(best: Change, box: string | undefined): Note {
  return {
    key: `${best.field} ${best.seq}`,
    box,
    tone: best.field === 'dst' || best.field === 'src' ? 'nat' : 'plain',
    parts: [
      ...(best.field === 'eth' ? [{ text: 'eth.dst ', as: 'plain' as const }] : []),
      ...(best.from === ''
        ? []
        : [
            { text: best.from, as: 'old' as const },
            { text: ' → ', as: 'plain' as const },
          ]),
      { text: best.to, as: 'new' },
    ],
  }
}

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
