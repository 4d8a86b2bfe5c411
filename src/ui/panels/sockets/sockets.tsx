import { formatIpv4 } from '../../../net/address.ts'
import type { SocketRecord } from '../../../world/records.ts'
import { usePanelWords } from '../../i18n/panel-words.ts'
import { useInspection } from '../../inspect.ts'
import { usedBy } from '../../used.ts'
import { RecordTable } from '../../widgets/record-table.tsx'

const end = (e: SocketRecord['local'] | undefined): string =>
  e === undefined ? '*:*' : `${e.address === 0 ? '*' : formatIpv4(e.address)}:${e.port === 0 ? '*' : e.port}`

const tone = (state: SocketRecord['state']): string =>
  state === 'ESTABLISHED' || state === 'ESTAB' || state === 'LISTEN' ? 'state-ok' : state === 'UNCONN' ? '' : 'state-wait'

export default function Sockets() {
  const words = usePanelWords()
  const inspection = useInspection()
  const { view } = inspection
  return (
    <RecordTable
      caption={words.panels.sockets}
      inspection={inspection}
      records={view.list('socket', inspection.netns)}
      used={usedBy(inspection)}
      empty={words.panels.emptySockets}
      columns={[
        {
          label: words.columns.protocol,
          cell: (s) => (
            <>
              {s.protocol} <span className={`state ${tone(s.state)}`}>{s.state}</span>
            </>
          ),
        },
        { label: words.columns.local, cell: (s) => end(s.local) },
        { label: words.columns.remote, cell: (s) => end(s.remote) },
        {
          label: words.columns.process,
          cell: (s) => {
            const process = s.process === undefined ? undefined : view.get('process', s.process)
            return process === undefined ? (
              ''
            ) : (
              <span title={process.argv.join(' ')}>{`${process.argv[0] ?? ''} (${process.pid})`}</span>
            )
          },
        },
      ]}
    />
  )
}
