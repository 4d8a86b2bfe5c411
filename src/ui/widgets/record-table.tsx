import type { ReactNode } from 'react'
import type { Origin } from '../../world/records.ts'
import { useApp } from '../context.tsx'
import { usePanelWords } from '../i18n/panel-words.ts'
import type { Inspection } from '../inspect.ts'
import './record-table.css'
import { useShown } from './use-shown.ts'

export interface Column<R> {
  readonly label: string
  readonly cell: (record: R) => ReactNode
  readonly className?: string
}

/** A table of records: what this step changed is marked, and the last cell leads to the step that made each. */
export function RecordTable<R extends { readonly id: string; readonly origin: Origin }>(props: {
  readonly caption: string
  readonly inspection: Inspection
  readonly records: readonly R[]
  readonly columns: readonly Column<R>[]
  readonly empty: string
  /** Records that this step used without changing them. */
  readonly used?: ReadonlySet<string>
  readonly dim?: (record: R) => boolean
}) {
  const { inspection, records, columns } = props
  if (records.length === 0) return <p className="empty">{props.empty}</p>
  return (
    <table className="records">
      <caption className="sr-only">{props.caption}</caption>
      <thead>
        <tr>
          {columns.map((c) => (
            <th key={c.label} scope="col" className={c.className}>
              {c.label}
            </th>
          ))}
          <th scope="col">
            <span className="sr-only">{props.caption}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {records.map((r) => (
          <Row
            key={r.id}
            record={r}
            columns={columns}
            inspection={inspection}
            used={props.used?.has(r.id) === true}
            dim={props.dim?.(r) === true}
          />
        ))}
      </tbody>
    </table>
  )
}

function Row<R extends { readonly id: string; readonly origin: Origin }>(props: {
  readonly record: R
  readonly columns: readonly Column<R>[]
  readonly inspection: Inspection
  readonly used: boolean
  readonly dim: boolean
}) {
  const { record, inspection } = props
  const words = usePanelWords()
  const changed = inspection.changed.has(record.id)
  const selected = inspection.selected === record.id
  const ref = useShown<HTMLTableRowElement>(changed, selected, props.used)
  const state = `${changed ? ' row-changed' : ''}${selected ? ' row-selected' : ''}${props.used ? ' row-used' : ''}${props.dim ? ' row-dim' : ''}`
  return (
    <tr ref={ref} className={state.trim()} title={originText(record.origin)}>
      {props.columns.map((c) => (
        <td key={c.label} className={c.className}>
          {c.cell(record)}
        </td>
      ))}
      <td className="made">
        {changed ? <span className="sr-only">{words.panels.changedNow}</span> : null}
        <MadeBy id={record.id} inspection={inspection} />
      </td>
    </tr>
  )
}

/** Who made a record, for a tooltip: `kube-proxy · Service default/web · kubernetesServicesChain`. */
export function originText(origin: Origin): string {
  const { object } = origin
  const name =
    object === undefined
      ? undefined
      : `${object.kind} ${object.namespace === undefined ? '' : `${object.namespace}/`}${object.name}`
  return [origin.component, name, origin.detail].filter((x) => x !== undefined).join(' · ')
}

/** The step that made a record, as a link to it; nothing for what was there from the start. */
export function MadeBy({ id, inspection }: { readonly id: string; readonly inspection: Inspection }) {
  const words = usePanelWords()
  const seek = useApp((s) => s.seek)
  const made = inspection.session.timeline.madeBy(id, inspection.seq)
  if (made === undefined) return null
  return (
    <button
      type="button"
      className="step-link"
      title={`${words.panels.made} ${made + 1}`}
      aria-label={`${words.panels.made} ${made + 1}. ${words.panels.go(made + 1)}`}
      onClick={() => seek(made)}
    >
      #{made + 1}
    </button>
  )
}
