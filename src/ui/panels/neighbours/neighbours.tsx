import { formatIpv4, formatMac } from '../../../net/address.ts'
import type { NudState } from '../../../world/records.ts'
import { usePanelWords } from '../../i18n/panel-words.ts'
import { useInspection } from '../../inspect.ts'
import { deviceName } from '../../place.ts'
import { RecordTable } from '../../widgets/record-table.tsx'

const TONE: Partial<Record<NudState, string>> = {
  REACHABLE: 'state-ok',
  PERMANENT: 'state-ok',
  INCOMPLETE: 'state-wait',
  PROBE: 'state-wait',
  DELAY: 'state-wait',
  FAILED: 'state-bad',
}

export default function Neighbours() {
  const words = usePanelWords()
  const inspection = useInspection()
  return (
    <RecordTable
      caption={words.panels.neigh}
      inspection={inspection}
      records={inspection.view.list('neighbour', inspection.netns)}
      empty={words.panels.emptyNeigh}
      columns={[
        { label: words.columns.address, cell: (n) => formatIpv4(n.address), className: 'nowrap' },
        { label: words.columns.device, cell: (n) => deviceName(n.device) },
        { label: words.columns.mac, cell: (n) => (n.mac === undefined ? '—' : formatMac(n.mac)), className: 'nowrap' },
        {
          label: words.columns.state,
          cell: (n) => (
            <>
              <span className={`state ${TONE[n.state] ?? ''}`}>{n.state}</span>
              {n.probes > 0 ? <span className="faint"> probes {n.probes}</span> : null}
              {n.queued > 0 ? <span className="faint"> queued {n.queued}</span> : null}
            </>
          ),
        },
      ]}
    />
  )
}
