import { connectionsByServer } from '../../../linux/ipvsadm.ts'
import { formatIpv4 } from '../../../net/address.ts'
import type { IpvsDestinationRecord, IpvsEndpoint, IpvsServiceRecord } from '../../../world/records.ts'
import { useLang } from '../../context.tsx'
import { type Inspection, useInspection } from '../../inspect.ts'
import { usedBy } from '../../used.ts'
import { type Column, originText, RecordTable } from '../../widgets/record-table.tsx'
import { Connections } from './connections.tsx'
import { Sets } from './sets.tsx'
import { IPVS_WORDS } from './words.ts'
import './ipvs.css'

const endpointText = ({ address, port }: IpvsEndpoint): string => `${formatIpv4(address)}:${port}`

/** Virtual servers with their real servers, the connection table, and the sets that the rules around IPVS look things up in. */
export default function Ipvs() {
  const own = IPVS_WORDS[useLang()]
  const inspection = useInspection()
  const { view, netns } = inspection
  const services = view.list('ipvs-service', netns)
  const used = usedBy(inspection)
  const columns = useServerColumns(inspection)
  return (
    <div className="ipvs">
      <h3>{own.servers}</h3>
      {services.length === 0 ? <p className="empty">{own.none}</p> : null}
      {services.map((s) => (
        <section key={s.id} aria-label={endpointText(s)} className={used.has(s.id) ? 'ipvs-service row-used' : 'ipvs-service'}>
          <ServiceLine service={s} />
          <RecordTable
            caption={`${own.real} ${endpointText(s)}`}
            inspection={inspection}
            records={view.list('ipvs-destination', netns).filter((d) => d.service === s.id)}
            columns={columns}
            empty={own.noServers}
            used={used}
            dim={(d) => d.weight === 0}
          />
        </section>
      ))}
      {services.length === 0 ? null : <Connections inspection={inspection} used={used} />}
      <Sets sets={view.list('ipset', netns)} selected={inspection.selected} />
    </div>
  )
}

function ServiceLine({ service }: { readonly service: IpvsServiceRecord }) {
  const own = IPVS_WORDS[useLang()]
  const { object } = service.origin
  return (
    <div className="ipvs-head" title={originText(service.origin)}>
      <b>{service.protocol.toUpperCase()}</b> <span>{endpointText(service)}</span>
      <span className="state">{service.scheduler}</span>
      {service.flags.map((f) => (
        <span key={f} className="state">
          {f}
        </span>
      ))}
      {service.persistence === undefined ? null : <span className="state">{own.persistent(service.persistence)}</span>}
      {object === undefined ? null : (
        <span className="faint ipvs-of">
          {object.kind} {object.namespace === undefined ? '' : `${object.namespace}/`}
          {object.name}
        </span>
      )}
    </div>
  )
}

function useServerColumns({ view, netns }: Inspection): readonly Column<IpvsDestinationRecord>[] {
  const own = IPVS_WORDS[useLang()]
  const counts = connectionsByServer(view, netns)
  return [
    { label: own.real, cell: endpointText, className: 'nowrap' },
    { label: own.weight, cell: (d) => d.weight, className: 'num' },
    { label: own.active, cell: (d) => counts.get(d.id)?.active ?? 0, className: 'num' },
    { label: own.inactive, cell: (d) => counts.get(d.id)?.inactive ?? 0, className: 'num' },
    { label: own.conns, cell: (d) => view.cell(d.id, 'connections'), className: 'num' },
    { label: own.inOut, cell: (d) => `${view.cell(d.id, 'rxPackets')} / ${view.cell(d.id, 'txPackets')}`, className: 'num' },
  ]
}
