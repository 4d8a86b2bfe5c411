import { liveConnections, secondsLeft } from '../../../linux/ipvsadm.ts'
import { formatIpv4 } from '../../../net/address.ts'
import type { IpvsConnectionRecord, IpvsEndpoint } from '../../../world/records.ts'
import { useLang } from '../../context.tsx'
import type { Inspection } from '../../inspect.ts'
import { MadeBy } from '../../widgets/record-table.tsx'
import { useShown } from '../../widgets/use-shown.ts'
import { IPVS_WORDS } from './words.ts'

const at = ({ address, port }: IpvsEndpoint): string => `${formatIpv4(address)}:${port}`

/** As ipvsadm writes it: minutes and seconds. */
const minutes = (seconds: number): string =>
  `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`

/** The connection table, the newest first. */
export function Connections({ inspection, used }: { readonly inspection: Inspection; readonly used: ReadonlySet<string> }) {
  const own = IPVS_WORDS[useLang()]
  const entries = [...liveConnections(inspection.view, inspection.netns)].reverse()
  return (
    <>
      <h3>{own.connections}</h3>
      {entries.length === 0 ? <p className="empty">{own.noConnections}</p> : null}
      <ul className="ipvs-list">
        {entries.map((c) => (
          <Connection key={c.id} entry={c} inspection={inspection} used={used.has(c.id)} />
        ))}
      </ul>
    </>
  )
}

function Connection(props: { readonly entry: IpvsConnectionRecord; readonly inspection: Inspection; readonly used: boolean }) {
  const own = IPVS_WORDS[useLang()]
  const { entry, inspection, used } = props
  const changed = inspection.changed.has(entry.id)
  const selected = inspection.selected === entry.id
  const ref = useShown<HTMLLIElement>(changed, used, selected)
  const marks = `${changed ? ' row-changed' : used ? ' row-used' : ''}${selected ? ' row-selected' : ''}`
  return (
    <li ref={ref} className={`ipvs-connection${marks}`}>
      <div className="ipvs-line">
        <b>{entry.protocol.toUpperCase()}</b>
        <span className={entry.active ? 'state state-ok' : 'state'}>{entry.state}</span>
        {entry.template ? (
          <span className="state" title={own.templateMeans}>
            {own.template}
          </span>
        ) : null}
        <span className="ipvs-right">
          {own.expire(minutes(secondsLeft(inspection.view, entry.id)))} <MadeBy id={entry.id} inspection={inspection} />
        </span>
      </div>
      <div>
        {at(entry.client)} <span className="faint">→</span> {at(entry.virtual)} <span className="faint">→</span>{' '}
        <span className="ipvs-to">{at(entry.destination)}</span>
      </div>
    </li>
  )
}
