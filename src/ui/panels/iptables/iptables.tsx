import { useMemo, useState } from 'react'
import type { ChainRecord } from '../../../world/records.ts'
import { useWords } from '../../context.tsx'
import { useInspection } from '../../inspect.ts'
import { Filter } from '../../widgets/filter.tsx'
import { Segmented } from '../../widgets/tabs.tsx'
import { Chain } from './chain.tsx'
import { walkAt } from './walked.ts'
import './iptables.css'

const TABLES = ['raw', 'mangle', 'nat', 'filter', 'security'] as const
const MOST_CHAINS = 200

/** Base chains first, then the users' own by name, table by table in the order that a packet meets them. */
function inOrder(chains: readonly ChainRecord[]): ChainRecord[] {
  return [...chains].sort(
    (a, b) =>
      TABLES.indexOf(a.table) - TABLES.indexOf(b.table) ||
      Number(a.hook === undefined) - Number(b.hook === undefined) ||
      (a.hook === undefined ? a.name.localeCompare(b.name, 'en') : 0),
  )
}

export default function Iptables() {
  const words = useWords()
  const inspection = useInspection()
  const { session, seq, view, netns, selected } = inspection
  const [mode, setMode] = useState<'walked' | 'all'>('walked')
  const [filter, setFilter] = useState('')
  const walk = useMemo(() => walkAt(session, seq), [session, seq])
  const here = walk.netns === netns ? walk : undefined
  const chains = view.list('chain', netns)
  if (chains.length === 0) return <p className="empty">{words.panels.emptyIptables}</p>
  const consulted = (here?.chains ?? []).flatMap((id) => view.get('chain', id) ?? [])
  const wanted = filter.trim().toLowerCase()
  const chosen = selected === undefined ? undefined : chainOf(selected, chains)
  const everything = mode === 'all' || consulted.length === 0 || wanted !== ''
  const list = everything
    ? inOrder(chains).filter((c) => wanted === '' || matches(c, wanted))
    : chosen === undefined || consulted.includes(chosen)
      ? consulted
      : [chosen, ...consulted]
  return (
    <>
      <div className="ipt-bar">
        <Segmented
          label={words.panels.iptables}
          value={mode}
          onChange={setMode}
          options={[
            { key: 'walked', label: words.iptables.onlyWalked },
            { key: 'all', label: words.iptables.all },
          ]}
        />
        <span className="faint">{here === undefined || here.tried === 0 ? '' : words.iptables.walked(here.tried)}</span>
      </div>
      {mode === 'all' ? <Filter label={words.iptables.find} value={filter} onChange={setFilter} /> : null}
      {mode === 'walked' && consulted.length === 0 ? <p className="empty ipt-note">{words.iptables.untouched}</p> : null}
      {list.slice(0, MOST_CHAINS).map((c) => (
        <Chain
          key={c.id}
          chain={c}
          inspection={inspection}
          walk={here}
          open={!everything || here?.chains.includes(c.id) === true || c === chosen || wanted !== '' || chains.length < 6}
        />
      ))}
      {list.length > MOST_CHAINS ? <p className="empty">+{list.length - MOST_CHAINS}</p> : null}
    </>
  )
}

/** A filter names chains, tables or what a chain is for. */
const matches = (c: ChainRecord, wanted: string): boolean => {
  const { object } = c.origin
  return `${c.table} ${c.name} ${object === undefined ? '' : `${object.kind} ${object.namespace ?? ''}/${object.name}`}`
    .toLowerCase()
    .includes(wanted)
}

/** The chain that a selected record is or belongs to: `rule:node1/nat/KUBE-SERVICES/4` lies in `chain:node1/nat/KUBE-SERVICES`. */
function chainOf(id: string, chains: readonly ChainRecord[]): ChainRecord | undefined {
  const wanted = id.startsWith('rule:') ? `chain:${id.slice('rule:'.length, id.lastIndexOf('/'))}` : id
  return chains.find((c) => c.id === wanted)
}
