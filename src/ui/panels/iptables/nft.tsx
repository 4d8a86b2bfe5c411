import { ChevronRight } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { liveElements, printBase, printNftRule } from '../../../linux/nft/list.ts'
import { printElement } from '../../../linux/nft/print.ts'
import { sortedElements } from '../../../linux/nft/ruleset.ts'
import type { NftChainRecord, NftSetRecord, NftTableRecord } from '../../../world/records.ts'
import { useLang } from '../../context.tsx'
import { usePanelWords } from '../../i18n/panel-words.ts'
import type { Inspection } from '../../inspect.ts'
import { Icon } from '../../widgets/icon.tsx'
import { originText } from '../../widgets/record-table.tsx'
import { useReveal } from '../../widgets/sentence.tsx'
import { chainsInOrder, nftOwner } from './nft-order.ts'
import { NftRule } from './nft-rule.tsx'
import type { HopWalk } from './walked.ts'
import { NFT_WORDS } from './words.ts'

const MOST_CHAINS = 200
const MOST_ELEMENTS = 60

interface NftProps {
  readonly inspection: Inspection
  readonly walk: HopWalk | undefined
  readonly all: boolean
  readonly wanted: string
}

/** The namespace's tables of nftables: the chains that this hop walked, or all of them with their sets. */
export default function Nft({ inspection, walk, all, wanted }: NftProps) {
  const { view, netns, selected } = inspection
  const tables = view.list('nft-table', netns)
  const walked = (walk?.chains ?? []).flatMap((id) => view.get('nft-chain', id) ?? [])
  const owner = selected === undefined ? undefined : nftOwner(view, selected)
  if (all || walked.length === 0 || wanted !== '') {
    return tables.map((t) => <Table key={t.id} table={t} inspection={inspection} walk={walk} wanted={wanted} owner={owner} />)
  }
  const chosen = owner?.kind === 'nft-chain' && !walked.includes(owner) ? [owner] : []
  return (
    <>
      {owner?.kind === 'nft-set' ? <SetBlock set={owner} inspection={inspection} open /> : null}
      {[...chosen, ...walked].map((c) => (
        <ChainBlock key={c.id} chain={c} inspection={inspection} walk={walk} open />
      ))}
    </>
  )
}

function Table(props: {
  readonly table: NftTableRecord
  readonly inspection: Inspection
  readonly walk: HopWalk | undefined
  readonly wanted: string
  readonly owner: NftChainRecord | NftSetRecord | undefined
}) {
  const words = usePanelWords()
  const own = NFT_WORDS[useLang()]
  const { table, inspection, walk, wanted, owner } = props
  const { view } = inspection
  const [toggled, setToggled] = useState<boolean | undefined>()
  const isMine = (r: { readonly family: string; readonly table: string }) => r.family === table.family && r.table === table.name
  const named = (r: NftChainRecord | NftSetRecord) => wanted === '' || matches(r, wanted)
  const chains = chainsInOrder(view.list('nft-chain', table.netns).filter(isMine), (id) => view.get('nft-rule', id)).filter(named)
  const sets = view.list('nft-set', table.netns).filter(isMine).filter(named)
  if (wanted !== '' && chains.length + sets.length === 0) return null
  const rules = chains.reduce((n, c) => n + c.rules.length, 0)
  const concerned = (c: NftChainRecord) => walk?.chains.includes(c.id) === true || c === owner
  const shown = toggled ?? (wanted !== '' || chains.some(concerned) || sets.some((s) => s === owner) || chains.length < 12)
  return (
    <section className="ipt-table" aria-label={`${table.family} ${table.name}`}>
      <button type="button" className="ipt-table-head" aria-expanded={shown} onClick={() => setToggled(!shown)}>
        <Icon of={ChevronRight} size={13} />
        <b>
          nft {table.family} {table.name}
        </b>
        <span className="faint">
          {words.iptables.size(chains.length, rules)}, {own.sets(sets.length)}
        </span>
      </button>
      {shown ? (
        <>
          {chains.slice(0, MOST_CHAINS).map((c) => (
            <ChainBlock key={c.id} chain={c} inspection={inspection} walk={walk} open={concerned(c) || chains.length < 6} />
          ))}
          {chains.length > MOST_CHAINS ? <p className="empty">+{chains.length - MOST_CHAINS}</p> : null}
          {sets.slice(0, MOST_CHAINS).map((s) => (
            <SetBlock key={s.id} set={s} inspection={inspection} open={s === owner} />
          ))}
          {sets.length > MOST_CHAINS ? <p className="empty">+{sets.length - MOST_CHAINS}</p> : null}
        </>
      ) : null}
    </section>
  )
}

const matches = (r: NftChainRecord | NftSetRecord, wanted: string): boolean => {
  const { object } = r.origin
  return `${r.table} ${r.name} ${object === undefined ? '' : `${object.kind} ${object.namespace ?? ''}/${object.name}`}`
    .toLowerCase()
    .includes(wanted)
}

/** A name that opens and closes what is under it, and the Kubernetes object that it is for. */
function Block(props: {
  readonly of: NftChainRecord | NftSetRecord
  readonly head: ReactNode
  readonly open: boolean
  readonly children: ReactNode
}) {
  const reveal = useReveal()
  const [toggled, setToggled] = useState<boolean | undefined>()
  const shown = toggled ?? props.open
  const { object } = props.of.origin
  const name = object === undefined ? '' : `${object.namespace === undefined ? '' : `${object.namespace}/`}${object.name}`
  return (
    <section className="chain" aria-label={`${props.of.table} ${props.of.name}`}>
      <div className="chain-head">
        <button type="button" aria-expanded={shown} className="chain-name" onClick={() => setToggled(!shown)}>
          {props.head}
        </button>
        {object === undefined ? null : (
          <button
            type="button"
            className="ref chain-for"
            title={originText(props.of.origin)}
            onClick={() => reveal(`obj:${object.kind}/${name}`)}
          >
            {object.kind} {name}
          </button>
        )}
      </div>
      {shown ? props.children : null}
    </section>
  )
}

function ChainBlock(props: {
  readonly chain: NftChainRecord
  readonly inspection: Inspection
  readonly walk: HopWalk | undefined
  readonly open: boolean
}) {
  const words = usePanelWords()
  const { chain, inspection, walk } = props
  const { view } = inspection
  const policy = walk?.policies.get(chain.id)
  const head = (
    <>
      <span className="faint">{chain.table}</span> {chain.name}
    </>
  )
  return (
    <Block of={chain} head={head} open={props.open}>
      {chain.base === undefined ? null : <div className="rule-comment nft-base">{printBase(chain.base)}</div>}
      {chain.rules.flatMap((id, i) => {
        const rule = view.get('nft-rule', id)
        if (rule === undefined) return []
        return [
          <NftRule
            key={rule.id}
            rule={rule}
            text={printNftRule(view, { ...rule, statements: rule.statements.filter((s) => s.kind !== 'counter') }).trim()}
            number={i + 1}
            hit={walk?.hits.get(rule.id)}
            entered={walk?.entered.get(chain.id)}
            inspection={inspection}
          />,
        ]
      })}
      {chain.base === undefined ? null : (
        <div className={policy === undefined ? 'rule rule-policy' : 'rule rule-policy rule-hit'}>
          <i />
          <span>
            {words.iptables.policy} {chain.base.policy}
          </span>
        </div>
      )}
    </Block>
  )
}

function SetBlock({
  set,
  inspection,
  open,
}: {
  readonly set: NftSetRecord
  readonly inspection: Inspection
  readonly open: boolean
}) {
  const own = NFT_WORDS[useLang()]
  const [all, setAll] = useState(false)
  const { view } = inspection
  const live = sortedElements(liveElements(set, view.now), set.type)
  const of = { key: set.type, now: view.now, ...(set.data && { data: set.data }) }
  const shown = all ? live : live.slice(0, MOST_ELEMENTS)
  const changed = inspection.changed.has(set.id)
  const head = (
    <>
      <span className="faint">{set.data === undefined ? own.set : own.map}</span> @{set.name}{' '}
      <span className="faint">{own.elements(live.length)}</span>
    </>
  )
  return (
    <Block of={set} head={head} open={open || changed}>
      <div className="rule-comment nft-base">
        {set.type.join(' . ')}
        {set.data === undefined ? '' : ` : ${set.data.join(' . ')}`}
      </div>
      {live.length === 0 ? <div className="rule rule-policy">{own.empty}</div> : null}
      {shown.map((e) => {
        const text = printElement(e, of)
        return (
          <div key={text} className={changed ? 'rule rule-hit' : 'rule'}>
            <i />
            <span className="rule-text">{text}</span>
          </div>
        )
      })}
      {live.length > shown.length ? (
        <button type="button" className="ref faint chain-more" onClick={() => setAll(true)}>
          +{live.length - shown.length}
        </button>
      ) : null}
    </Block>
  )
}
