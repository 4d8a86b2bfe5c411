import { ChevronRight } from 'lucide-react'
import { lazy, Suspense, useMemo, useState } from 'react'
import type { ChainRecord } from '../../../world/records.ts'
import { usePanelWords } from '../../i18n/panel-words.ts'
import { type Inspection, useInspection } from '../../inspect.ts'
import { Filter } from '../../widgets/filter.tsx'
import { Icon } from '../../widgets/icon.tsx'
import { Segmented } from '../../widgets/tabs.tsx'
import { Chain } from './chain.tsx'
import { byTable, type TableChains } from './tables.ts'
import { type HopWalk, walkAt } from './walked.ts'
import './iptables.css'

const Nft = lazy(() => import('./nft.tsx'))

const MOST_CHAINS = 200
const FEW_CHAINS = 6

export default function Iptables() {
  const words = usePanelWords()
  const inspection = useInspection()
  const { session, seq, view, netns, selected } = inspection
  const [mode, setMode] = useState<'walked' | 'all'>('walked')
  const [filter, setFilter] = useState('')
  const walk = useMemo(() => walkAt(session, seq), [session, seq])
  const here = walk.netns === netns ? walk : undefined
  const chains = view.list('chain', netns)
  const consulted = (here?.chains ?? []).flatMap((id) => view.get('chain', id) ?? [])
  const wanted = filter.trim().toLowerCase()
  const chosen = selected === undefined ? undefined : chainOf(selected, chains)
  const everything = mode === 'all' || consulted.length === 0 || wanted !== ''
  const list = chosen === undefined || consulted.includes(chosen) ? consulted : [chosen, ...consulted]
  const tables = useMemo(() => byTable(chains, (id) => view.get('rule', id)), [chains, view])
  const few = tables.reduce((n, t) => n + t.chains.length, 0) <= FEW_CHAINS
  const nft = view.list('nft-table', netns).length > 0
  const nftWalked = here?.chains.some((id) => id.startsWith('nftchain:')) === true
  if (chains.length === 0 && !nft) return <p className="empty">{words.panels.emptyIptables}</p>
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
      {mode === 'walked' && consulted.length === 0 && !nftWalked ? (
        <p className="empty ipt-note">{words.iptables.untouched}</p>
      ) : null}
      {nft ? (
        <Suspense fallback={null}>
          <Nft inspection={inspection} walk={here} all={mode === 'all'} wanted={wanted} />
        </Suspense>
      ) : null}
      {everything
        ? tables.map((t) => (
            <Table key={t.table} of={t} inspection={inspection} walk={here} chosen={chosen} wanted={wanted} few={few} />
          ))
        : list.map((c) => <Chain key={c.id} chain={c} inspection={inspection} walk={here} open />)}
    </>
  )
}

/** One table, closed until somebody looks, a filter finds something in it or the walk has been there. */
function Table(props: {
  readonly of: TableChains
  readonly inspection: Inspection
  readonly walk: HopWalk | undefined
  readonly chosen: ChainRecord | undefined
  readonly wanted: string
  /** All tables together are short enough to be read at once. */
  readonly few: boolean
}) {
  const words = usePanelWords()
  const { of, inspection, walk, chosen, wanted } = props
  const [toggled, setToggled] = useState<boolean | undefined>()
  const [empties, setEmpties] = useState(false)
  const found = (list: readonly ChainRecord[]) => (wanted === '' ? list : list.filter((c) => matches(c, wanted)))
  const chains = found(of.chains)
  const empty = found(of.empty)
  if (wanted !== '' && chains.length === 0 && empty.length === 0) return null
  const concerned = (c: ChainRecord) => walk?.chains.includes(c.id) === true || c === chosen
  const shown = toggled ?? (props.few || wanted !== '' || [...of.chains, ...of.empty].some(concerned))
  const open = (c: ChainRecord) => concerned(c) || wanted !== '' || chains.length < 6
  return (
    <section className="ipt-table" aria-label={of.table}>
      <button type="button" className="ipt-table-head" aria-expanded={shown} onClick={() => setToggled(!shown)}>
        <Icon of={ChevronRight} size={13} />
        <b>{of.table}</b>
        <span className="faint">
          {of.chains.length === 0 ? words.iptables.emptyChains(of.empty.length) : words.iptables.size(of.chains.length, of.rules)}
        </span>
      </button>
      {shown ? (
        <>
          {chains.slice(0, MOST_CHAINS).map((c) => (
            <Chain key={c.id} chain={c} inspection={inspection} walk={walk} open={open(c)} />
          ))}
          {chains.length > MOST_CHAINS ? <p className="empty">+{chains.length - MOST_CHAINS}</p> : null}
          {empty.length === 0 || (chains.length === 0 && wanted !== '') ? null : (
            <button type="button" className="ref faint chain-more" aria-expanded={empties} onClick={() => setEmpties(!empties)}>
              {words.iptables.emptyChains(empty.length)}
            </button>
          )}
          {empties || (chains.length === 0 && wanted !== '') || empty.some((c) => c === chosen)
            ? empty.map((c) => <Chain key={c.id} chain={c} inspection={inspection} walk={walk} open={concerned(c)} />)
            : null}
        </>
      ) : null}
    </section>
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
