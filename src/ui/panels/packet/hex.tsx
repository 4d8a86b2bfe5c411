import { useMemo } from 'react'
import type { Layer, LayerField } from '../../../net/layer.ts'
import { usePanelWords } from '../../i18n/panel-words.ts'

/** Long payloads: the headers are what this is about. */
const SHOWN = 256

interface Run {
  readonly start: number
  readonly end: number
  readonly field: LayerField | undefined
  readonly colour: string
}

/** The bytes cut where fields begin and end; bit fields that share bytes make one piece, named by the first. */
function runsOf(bytes: Uint8Array, layers: readonly Layer[], colours: Readonly<Record<Layer['name'], string>>): Run[] {
  const length = Math.min(bytes.length, SHOWN)
  const owner: (LayerField | undefined)[] = new Array(length)
  const colour: string[] = new Array(length).fill('eth')
  for (const layer of layers) {
    for (let i = layer.start; i < Math.min(layer.end, length); i++) colour[i] = colours[layer.name]
    for (const field of layer.fields) {
      for (let i = field.start; i < Math.min(field.end, length); i++) owner[i] ??= field
    }
  }
  const runs: Run[] = []
  for (let i = 0; i < length; ) {
    let end = i + 1
    while (end < length && owner[end] === owner[i] && colour[end] === colour[i]) end++
    runs.push({ start: i, end, field: owner[i], colour: colour[i] ?? 'eth' })
    i = end
  }
  return runs
}

const hex = (bytes: Uint8Array) => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join(' ')

/** Bytes linked with the fields above, both ways: by pointer, and by Tab. */
export function Hex(props: {
  readonly bytes: Uint8Array
  readonly layers: readonly Layer[]
  readonly colours: Readonly<Record<Layer['name'], string>>
  readonly changed: readonly LayerField[]
  readonly lit: LayerField | undefined
  readonly onLit: (field: LayerField | undefined) => void
}) {
  const words = usePanelWords()
  const { bytes, layers, colours } = props
  const runs = useMemo(() => runsOf(bytes, layers, colours), [bytes, layers, colours])
  if (bytes.length === 0) return <p className="empty">{words.packet.noBytes}</p>
  const overlaps = (r: Run, f: LayerField) => r.start < f.end && f.start < r.end
  return (
    <div className="hex">
      <h3>
        {words.packet.hex} <span className="faint">{words.packet.bytesOut(bytes.length)}</span>
      </h3>
      {/* biome-ignore lint/a11y/useSemanticElements: a group of pieces, not a form's fieldset */}
      <div className="hex-bytes mono" role="group" aria-label={words.packet.hex}>
        {runs.map((r) => {
          const changed = props.changed.some((f) => overlaps(r, f))
          const lit = props.lit !== undefined && overlaps(r, props.lit)
          return (
            <button
              key={r.start}
              type="button"
              className={`run${changed ? ' run-changed' : ''}${lit ? ' run-lit' : ''}`}
              style={{ '--c': `var(--${r.colour})` } as React.CSSProperties}
              title={r.field === undefined ? '' : `${r.field.label} = ${r.field.value}`}
              onMouseEnter={() => props.onLit(r.field)}
              onMouseLeave={() => props.onLit(undefined)}
              onFocus={() => props.onLit(r.field)}
              onBlur={() => props.onLit(undefined)}
            >
              {hex(bytes.subarray(r.start, r.end))}
            </button>
          )
        })}
        {bytes.length > SHOWN ? <span className="faint"> …</span> : null}
      </div>
    </div>
  )
}
