import { useState } from 'react'
import { formatIpv4, formatPrefix } from '../../../net/address.ts'
import { routeText } from '../../../trace/names.ts'
import { type PolicyRuleRecord, type RouteRecord, RT_TABLE } from '../../../world/records.ts'
import { usePanelWords } from '../../i18n/panel-words.ts'
import { type Inspection, useInspection } from '../../inspect.ts'
import { deviceName } from '../../place.ts'
import { usedBy } from '../../used.ts'
import { RecordTable } from '../../widgets/record-table.tsx'
import './routes.css'

/** `from 10.0.0.0/8 fwmark 0x1 lookup main`, as `ip rule` says it. */
function ruleText(r: PolicyRuleRecord, tableName: (n: number) => string): string {
  const parts = [r.invert ? 'not' : undefined, `from ${r.from === undefined ? 'all' : formatPrefix(r.from)}`]
  if (r.to !== undefined) parts.push(`to ${formatPrefix(r.to)}`)
  if (r.iif !== undefined) parts.push(`iif ${r.iif}`)
  if (r.oif !== undefined) parts.push(`oif ${r.oif}`)
  if (r.fwmark !== undefined) {
    const mask = r.fwmark.mask === 0xffffffff ? '' : `/0x${r.fwmark.mask.toString(16)}`
    parts.push(`fwmark 0x${r.fwmark.value.toString(16)}${mask}`)
  }
  parts.push(r.action.kind === 'lookup' ? `lookup ${tableName(r.action.table)}` : r.action.kind)
  return parts.filter((p) => p !== undefined).join(' ')
}

const destination = (r: RouteRecord): string =>
  r.prefixLength === 0
    ? 'default'
    : r.prefixLength === 32
      ? formatIpv4(r.dst)
      : formatPrefix({ address: r.dst, length: r.prefixLength })

export default function Routes() {
  const words = usePanelWords()
  const inspection = useInspection()
  const [local, setLocal] = useState(false)
  const used = usedBy(inspection)
  const routes = inspection.view.list('route', inspection.netns)
  const rules = [...inspection.view.list('policy-rule', inspection.netns)].sort((a, b) => a.priority - b.priority)
  const tableName = (n: number) => words.routes.tables[n] ?? String(n)
  const order = (n: number) => (n === RT_TABLE.main ? -1 : n === RT_TABLE.local ? 1000 : n)
  const tables = [...new Set(routes.map((r) => r.table))].sort((a, b) => order(a) - order(b))
  const usesLocal = routes.some((r) => r.table === RT_TABLE.local && (used.has(r.id) || inspection.selected === r.id))
  const shown = tables.filter((t) => t !== RT_TABLE.local || local || usesLocal)
  return (
    <>
      {routes.length === 0 ? <p className="empty">{words.panels.emptyRoutes}</p> : null}
      {shown.map((t) => (
        <section key={t} aria-label={words.routes.table(tableName(t))}>
          <h3 className="table-name">{words.routes.table(tableName(t))}</h3>
          <RouteTable inspection={inspection} used={used} routes={routes.filter((r) => r.table === t)} />
        </section>
      ))}
      {tables.includes(RT_TABLE.local) && !usesLocal ? (
        <label className="check">
          <input type="checkbox" checked={local} onChange={(e) => setLocal(e.target.checked)} /> {words.routes.showLocal}
        </label>
      ) : null}
      {rules.length > 3 || rules.some((r) => used.has(r.id)) ? (
        <section aria-label={words.routes.rules}>
          <h3 className="table-name">{words.routes.rules}</h3>
          <RecordTable
            caption={words.routes.rules}
            inspection={inspection}
            records={rules}
            used={used}
            empty=""
            columns={[
              { label: words.columns.priority, cell: (r) => r.priority, className: 'num' },
              { label: words.columns.rule, cell: (r) => ruleText(r, tableName) },
            ]}
          />
        </section>
      ) : null}
    </>
  )
}

function RouteTable(props: {
  readonly inspection: Inspection
  readonly used: ReadonlySet<string>
  readonly routes: readonly RouteRecord[]
}) {
  const words = usePanelWords()
  const sorted = [...props.routes].sort((a, b) => a.dst - b.dst || a.prefixLength - b.prefixLength || a.metric - b.metric)
  return (
    <RecordTable
      caption={words.panels.routes}
      inspection={props.inspection}
      records={sorted}
      used={props.used}
      empty={words.panels.emptyRoutes}
      columns={[
        {
          label: words.columns.destination,
          cell: (r) => (
            <span title={routeText(r)}>
              {r.type === 'unicast' ? '' : `${r.type} `}
              {destination(r)}
            </span>
          ),
        },
        {
          label: words.columns.via,
          cell: (r) => r.nexthops.map((n) => (n.via === undefined ? '—' : formatIpv4(n.via))).join(', '),
        },
        {
          label: words.columns.device,
          cell: (r) => r.nexthops.map((n) => (n.device === undefined ? '' : deviceName(n.device))).join(', '),
        },
        { label: words.columns.source, cell: (r) => (r.prefSrc === undefined ? '' : formatIpv4(r.prefSrc)) },
      ]}
    />
  )
}
