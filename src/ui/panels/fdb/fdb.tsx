import { formatIpv4, formatMac } from '../../../net/address.ts'
import { usePanelWords } from '../../i18n/panel-words.ts'
import { useInspection } from '../../inspect.ts'
import { deviceName } from '../../place.ts'
import { formatSeconds } from '../../time.ts'
import { RecordTable } from '../../widgets/record-table.tsx'

export default function Fdb() {
  const words = usePanelWords()
  const inspection = useInspection()
  const { view } = inspection
  const entries = [...view.list('fdb', inspection.netns)].sort((a, b) => Number(a.local) - Number(b.local))
  return (
    <RecordTable
      caption={words.panels.fdb}
      inspection={inspection}
      records={entries}
      empty={words.panels.emptyFdb}
      dim={(f) => f.local}
      columns={[
        { label: words.columns.mac, cell: (f) => formatMac(f.mac), className: 'nowrap' },
        { label: words.columns.port, cell: (f) => deviceName(f.port) },
        {
          label: words.columns.bridge,
          cell: (f) => (f.remote === undefined ? deviceName(f.bridge) : `dst ${formatIpv4(f.remote)}`),
        },
        {
          label: words.columns.age,
          cell: (f) =>
            f.local || (f.static && f.remote !== undefined)
              ? 'permanent'
              : f.static
                ? 'static'
                : formatSeconds(view.now - view.cell(f.id, 'updated')),
          className: 'nowrap',
        },
      ]}
    />
  )
}
