import { memo } from 'react'
import { CAPSULE, type Capsule, capsuleShape } from '../../../diagram/capsule.ts'
import { fitText, type Measure } from '../../../diagram/text.ts'

/** No capsule is wider than the lanes that are kept free for it. */
const MOST_LABEL = 52

/** A packet around (0, 0): its headers as coloured pieces from the outside in, then what it is. */
export const CapsuleMark = memo(function CapsuleMark({
  capsule,
  measure,
}: {
  readonly capsule: Capsule
  readonly measure: Measure
}) {
  const text = fitText(capsule.label, 'status', MOST_LABEL, measure)
  const shape = capsuleShape(capsule, measure(text, 'status'))
  const x = -shape.w / 2
  const y = -CAPSULE.h / 2
  const last = shape.pieces.length - 1
  return (
    <g className={`stg-capsule stg-role-${capsule.role}`}>
      <rect className="stg-capsule-halo" x={x - 3} y={y - 3} width={shape.w + 6} height={CAPSULE.h + 6} rx={CAPSULE.h / 2 + 3} />
      <rect className="stg-capsule-body" x={x} y={y} width={shape.w} height={CAPSULE.h} rx={CAPSULE.h / 2} />
      {shape.pieces.map((p, i) => {
        const top = y + CAPSULE.pad + p.inset
        const h = CAPSULE.h - 2 * CAPSULE.pad - 2 * p.inset
        return i === 0 ? (
          <path
            key={p.x}
            className={`stg-seg stg-fill-${p.role}`}
            d={`M${x + p.x + p.w} ${top}H${x + p.x + h / 2}A${h / 2} ${h / 2} 0 0 0 ${x + p.x + h / 2} ${top + h}H${x + p.x + p.w}Z`}
          />
        ) : (
          <rect
            key={p.x}
            className={`stg-seg stg-fill-${p.role}`}
            x={x + p.x}
            y={top}
            width={p.w}
            height={h}
            rx={i === last ? 1.5 : 0.5}
          />
        )
      })}
      <text className="stg-capsule-label" x={x + shape.label.x} y={3.5}>
        {text}
      </text>
    </g>
  )
})

/** How wide `CapsuleMark` draws it. */
export const capsuleWidth = (capsule: Capsule, measure: Measure): number =>
  capsuleShape(capsule, measure(fitText(capsule.label, 'status', MOST_LABEL, measure), 'status')).w
