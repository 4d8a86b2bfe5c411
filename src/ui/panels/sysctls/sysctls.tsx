import { useState } from 'react'
import { usePanelWords } from '../../i18n/panel-words.ts'
import { useInspection } from '../../inspect.ts'
import { usedBy } from '../../used.ts'
import { Filter } from '../../widgets/filter.tsx'
import { originText, RecordTable } from '../../widgets/record-table.tsx'

export default function Sysctls() {
  const words = usePanelWords()
  const inspection = useInspection()
  const [filter, setFilter] = useState('')
  const records = inspection.view.list('sysctl', inspection.netns).filter((s) => s.key.includes(filter.trim()))
  return (
    <>
      <Filter label={words.sysctl.find} value={filter} onChange={setFilter} />
      <RecordTable
        caption={words.panels.sysctl}
        inspection={inspection}
        records={records}
        used={usedBy(inspection)}
        empty={words.panels.emptySysctl}
        columns={[
          { label: words.columns.key, cell: (s) => s.key },
          { label: words.columns.value, cell: (s) => <b>{s.value}</b>, className: 'num' },
          { label: words.columns.origin, cell: (s) => <span className="faint">{originText(s.origin)}</span> },
        ]}
      />
    </>
  )
}
