import { useMemo, useState } from 'react'
import type { ObjectRecord, WorldRecord } from '../../../world/records.ts'
import { useApp } from '../../context.tsx'
import { usePanelWords } from '../../i18n/panel-words.ts'
import { useInspection } from '../../inspect.ts'
import { Filter } from '../../widgets/filter.tsx'
import { useReveal } from '../../widgets/sentence.tsx'
import { Manifest } from './manifest.tsx'
import './objects.css'

const MADE_SHOWN = 40

const nameOf = (o: ObjectRecord): string => (o.namespace === undefined ? o.name : `${o.namespace}/${o.name}`)

const isFrom = (record: WorldRecord, object: ObjectRecord): boolean => {
  const from = record.origin.object
  return (
    from !== undefined &&
    from.kind === object.objectKind &&
    from.name === object.name &&
    (from.namespace ?? object.namespace) === object.namespace
  )
}

/** The Kubernetes objects: what was given, what was filled in, and every record that was made from them. */
export default function Objects() {
  const words = usePanelWords()
  const { view, session, selected } = useInspection()
  const select = useApp((s) => s.select)
  const reveal = useReveal()
  const [filter, setFilter] = useState('')
  const objects = view.list('object')
  const wanted = filter.trim().toLowerCase()
  const shown = objects.filter((o) => `${o.objectKind} ${nameOf(o)}`.toLowerCase().includes(wanted))
  const current = objects.find((o) => o.id === selected)
  const made = useMemo(() => {
    if (current === undefined) return []
    return [...session.reader.trace.initial.values()].filter((r) => r.id !== current.id && isFrom(r, current))
  }, [current, session])
  if (objects.length === 0) return <p className="empty">{words.panels.emptyObjects}</p>
  return (
    <>
      <Filter label={words.objects.find} value={filter} onChange={setFilter} />
      <ul className="objects">
        {shown.map((o) => (
          <li key={o.id}>
            <button
              type="button"
              aria-expanded={o.id === selected}
              className="object"
              onClick={() => select(o.id === selected ? {} : { record: o.id })}
            >
              <span className="faint">{o.objectKind}</span> <b>{nameOf(o)}</b>
            </button>
            {o === current ? (
              <div className="object-body">
                <Manifest value={o.manifest} filled={o.filled} />
                {made.length === 0 ? null : (
                  <>
                    <h3>{words.objects.made}</h3>
                    <ul className="object-made">
                      {made.slice(0, MADE_SHOWN).map((r) => (
                        <li key={r.id}>
                          <button type="button" className="ref mono" title={r.origin.detail} onClick={() => reveal(r.id)}>
                            {r.id}
                          </button>
                        </li>
                      ))}
                      {made.length > MADE_SHOWN ? <li className="faint">+{made.length - MADE_SHOWN}</li> : null}
                    </ul>
                  </>
                )}
              </div>
            ) : null}
          </li>
        ))}
      </ul>
    </>
  )
}
