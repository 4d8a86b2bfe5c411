import { lazy, type ReactNode, useState } from 'react'
import { formatSpec } from '../../../linux/iptables/print-rule.ts'
import type { RuleSpec } from '../../../world/netfilter.ts'
import type { ChainRecord, RuleRecord } from '../../../world/records.ts'
import { usePanelWords } from '../../i18n/panel-words.ts'
import type { Inspection } from '../../inspect.ts'
import { originText } from '../../widgets/record-table.tsx'
import { useReveal } from '../../widgets/sentence.tsx'
import { Counter, type Met, RuleRow } from './rule-row.tsx'
import type { HopWalk } from './walked.ts'

const NearMiss = lazy(() => import('./near-miss.tsx'))

/** Chains of big clusters have ten thousand rules: those walked and their neighbours are shown, the rest on demand. */
const SHORT = 40

interface ChainProps {
  readonly chain: ChainRecord
  readonly inspection: Inspection
  readonly walk: HopWalk | undefined
  readonly open: boolean
}

export function Chain({ chain, inspection, walk, open }: ChainProps) {
  const words = usePanelWords()
  const [toggled, setToggled] = useState<boolean | undefined>()
  const [all, setAll] = useState(false)
  const shown = toggled ?? open
  const { view } = inspection
  const policy = walk?.policies.get(chain.id)
  const packets = chain.counters.packets + view.cell(chain.id, 'packets')
  return (
    <section className="chain" aria-label={`${chain.table} ${chain.name}`}>
      <div className="chain-head">
        <button type="button" aria-expanded={shown} className="chain-name" onClick={() => setToggled(!shown)}>
          <span className="faint">{chain.table}</span> {chain.name}
        </button>
        <Purpose chain={chain} />
      </div>
      {shown ? (
        <>
          <Rules chain={chain} inspection={inspection} walk={walk} all={all} onAll={() => setAll(true)} />
          {chain.policy === undefined ? null : (
            <div className={policy === undefined ? 'rule rule-policy' : 'rule rule-policy rule-hit'}>
              <i />
              <span>
                {words.iptables.policy} {chain.policy}
              </span>
              <Counter packets={packets} />
            </div>
          )}
        </>
      ) : null}
    </section>
  )
}

/** The Kubernetes object a chain is for, one click from its manifest. */
function Purpose({ chain }: { readonly chain: ChainRecord }) {
  const reveal = useReveal()
  const { object } = chain.origin
  if (object === undefined) return null
  const name = object.namespace === undefined ? object.name : `${object.namespace}/${object.name}`
  return (
    <button
      type="button"
      className="ref chain-for"
      title={originText(chain.origin)}
      onClick={() => reveal(`obj:${object.kind}/${name}`)}
    >
      {object.kind} {name}
    </button>
  )
}

function Rules(props: Omit<ChainProps, 'open'> & { readonly all: boolean; readonly onAll: () => void }) {
  const words = usePanelWords()
  const { chain, inspection, walk } = props
  const { rules } = chain
  const hitAt = rules.findIndex((id) => walk?.hits.has(id) === true || id === inspection.selected)
  const from = props.all || rules.length <= SHORT || hitAt < 0 ? 0 : Math.max(0, hitAt - SHORT / 2)
  const to = props.all ? rules.length : Math.min(rules.length, from + SHORT)
  const out: ReactNode[] = []
  for (let i = from; i < to; i++) {
    const id = rules[i]
    const rule = id === undefined ? undefined : inspection.view.get('rule', id)
    if (rule === undefined) continue
    out.push(
      <Rule
        key={rule.id}
        rule={rule}
        number={i + 1}
        hit={walk?.hits.get(rule.id)}
        entered={walk?.entered.get(chain.id)}
        inspection={inspection}
      />,
    )
  }
  const hidden = rules.length - (to - from)
  return (
    <>
      {out}
      {hidden > 0 ? (
        <button type="button" className="ref faint chain-more" onClick={props.onAll}>
          {words.iptables.rulesHidden(hidden)}
        </button>
      ) : null}
    </>
  )
}

/** The rule as iptables-save has it, its comment behind it as iptables -L does: what it does comes first. */
function RuleText({ spec }: { readonly spec: RuleSpec }) {
  const comment = spec.matches.find((m) => m.kind === 'comment')
  const bare = comment === undefined ? spec : { ...spec, matches: spec.matches.filter((m) => m !== comment) }
  return (
    <>
      {formatSpec(bare).trimStart()}
      {comment?.kind === 'comment' ? <span className="rule-comment"> /* {comment.text} */</span> : null}
    </>
  )
}

function Rule({ rule, ...met }: Met & { readonly rule: RuleRecord }) {
  const { inspection } = met
  return (
    <RuleRow
      {...met}
      id={rule.id}
      origin={rule.origin}
      packets={rule.counters.packets + inspection.view.cell(rule.id, 'packets')}
      whyNot={(at) => <NearMiss rule={rule} inspection={inspection} at={at} />}
    >
      <RuleText spec={rule.spec} />
    </RuleRow>
  )
}
