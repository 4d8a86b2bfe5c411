import { liveConnections, secondsLeft } from '../../../linux/ipvsadm.ts'
import { formatIpv4 } from '../../../net/address.ts'
import type { IpvsEndpoint } from '../../../world/records.ts'
import { useLang } from '../../context.tsx'
import type { Inspection } from '../../inspect.ts'
import { RecordTable } from '../../widgets/record-table.tsx'
import { IPVS_WORDS } from './words.ts'

const at = ({ address, port }: IpvsEndpoint): string => `${formatIpv4(address)}:${port}`

const minutes = (seconds: number): string =>
  `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`

/** The connection table, the newest first. */
export function Connections({ inspection, used }: { readonly inspection: Inspection; readonly used: ReadonlySet<string> }) {
  const own = IPVS_WORDS[useLang()]
  const { view, netns } = inspection
  return (
    <>
      <h3>{own.connections}</h3>
      <RecordTable
        caption={own.connections}
        inspection={inspection}
        records={[...liveConnections(view, netns)].reverse()}
        empty={own.noConnections}
        used={used}
        dim={(c) => !c.active && !c.template}
        columns={[
          {
            label: own.state,
            cell: (c) => (
              <span className={c.active ? 'state state-ok' : 'state'} title={c.template ? own.template : undefined}>
                {c.state}
              </span>
            ),
          },
          { label: own.source, cell: (c) => at(c.client), className: 'nowrap' },
          { label: own.virtual, cell: (c) => at(c.virtual), className: 'nowrap' },
          { label: own.destination, cell: (c) => <span className="ipvs-to">{at(c.destination)}</span>, className: 'nowrap' },
          { label: own.expire, cell: (c) => minutes(secondsLeft(view, c.id)), className: 'num nowrap' },
        ]}
      />
    </>
  )
}
