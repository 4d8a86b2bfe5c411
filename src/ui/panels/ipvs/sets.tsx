import type { IpsetRecord } from '../../../world/records.ts'
import { useLang } from '../../context.tsx'
import { originText } from '../../widgets/record-table.tsx'
import { IPVS_WORDS } from './words.ts'

/** Up to so many entries are shown at once: a cluster with thousands of Services has as many in one set. */
const SHOWN = 200

/** The namespace's ipsets; those without entries only by name. */
export function Sets({ sets, selected }: { readonly sets: readonly IpsetRecord[]; readonly selected: string | undefined }) {
  const own = IPVS_WORDS[useLang()]
  if (sets.length === 0) return null
  const full = sets.filter((s) => s.entries.length > 0)
  const empty = sets.filter((s) => s.entries.length === 0)
  return (
    <>
      <h3>{own.sets}</h3>
      {full.map((s) => (
        <details key={s.id} open className={s.id === selected ? 'ipvs-set row-selected' : 'ipvs-set'}>
          <summary title={originText(s.origin)}>
            <b>{s.name}</b> <span className="faint">{s.type}</span> <span className="faint">{own.entries(s.entries.length)}</span>
          </summary>
          <ul>
            {s.entries.slice(0, SHOWN).map((e) => (
              <li key={e}>{e}</li>
            ))}
            {s.entries.length > SHOWN ? <li className="faint">…</li> : null}
          </ul>
        </details>
      ))}
      {empty.length === 0 ? null : (
        <details className="ipvs-set">
          <summary className="faint">{own.emptySets(empty.length)}</summary>
          <ul>
            {empty.map((s) => (
              <li key={s.id} title={originText(s.origin)}>
                {s.name} <span className="faint">{s.type}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  )
}
