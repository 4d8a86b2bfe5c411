import { useEffect, useRef, useState } from 'react'
import { explainNftRule } from '../../../kernel/nftables/near-miss.ts'
import { printStatement } from '../../../linux/nft/print.ts'
import type { NftRuleRecord } from '../../../world/records.ts'
import { useApp } from '../../context.tsx'
import { usePanelWords } from '../../i18n/panel-words.ts'
import type { Inspection } from '../../inspect.ts'
import { formatCount } from '../../time.ts'
import { originText } from '../../widgets/record-table.tsx'
import { factsAt } from './facts.ts'
import type { RuleHit } from './walked.ts'

const ACTING = new Set(['accept', 'drop', 'reject', 'nat', 'undetermined', 'stolen'])

interface RuleProps {
  readonly rule: NftRuleRecord
  readonly text: string
  readonly number: number
  readonly hit: RuleHit | undefined
  /** The step that entered the chain; undefined when this hop did not. */
  readonly entered: number | undefined
  readonly inspection: Inspection
}

/** A rule of nftables, marked when this hop met it; one that it passed by says why when asked. */
export function NftRule({ rule, text, number, hit, entered, inspection }: RuleProps) {
  const words = usePanelWords()
  const seek = useApp((s) => s.seek)
  const [asked, setAsked] = useState(false)
  const ref = useRef<HTMLDivElement>(null)
  const current = hit !== undefined && hit.seq === inspection.seq
  const selected = inspection.selected === rule.id
  useEffect(() => {
    if (current || selected) ref.current?.scrollIntoView({ block: 'nearest' })
  }, [current, selected])
  const look = hit === undefined ? '' : ACTING.has(hit.verdict) ? ` rule-act rule-${hit.verdict}` : ' rule-hit'
  const counter = rule.statements.find((s) => s.kind === 'counter')
  const packets = (counter?.packets ?? 0) + inspection.view.cell(rule.id, 'packets')
  return (
    <>
      <div
        ref={ref}
        className={`rule${look}${current ? ' rule-now' : ''}${selected ? ' row-selected' : ''}`}
        title={originText(rule.origin)}
      >
        <i>{number}</i>
        {hit !== undefined ? (
          <button type="button" className="rule-text" title={words.panels.go(hit.seq + 1)} onClick={() => seek(hit.seq)}>
            {text}
          </button>
        ) : entered !== undefined ? (
          <button
            type="button"
            className="rule-text"
            aria-expanded={asked}
            title={words.iptables.nearMiss}
            onClick={() => setAsked(!asked)}
          >
            {text}
          </button>
        ) : (
          <span className="rule-text">{text}</span>
        )}
        <span className="rule-count" title={words.columns.packets}>
          {packets === 0 ? '' : formatCount(packets)}
        </span>
      </div>
      {asked && hit === undefined && entered !== undefined ? <NearMiss rule={rule} inspection={inspection} at={entered} /> : null}
    </>
  )
}

/** Which condition of the rule the packet did not fit, and which it did. */
function NearMiss(props: { readonly rule: NftRuleRecord; readonly inspection: Inspection; readonly at: number }) {
  const words = usePanelWords()
  const { session } = props.inspection
  const facts = factsAt(session, props.at)
  if (facts === undefined) return null
  const then = session.timeline.at(props.at)
  const sets = then.list('nft-set', props.rule.netns)
  const parts = explainNftRule(props.rule, { ...facts, sets, now: then.now })
  const failed = parts.findIndex((p) => p.fits === false)
  const shown = failed < 0 ? parts : parts.slice(0, failed + 1)
  return (
    <div className="near-miss" role="note">
      {failed < 0 && parts.every((p) => p.fits === true) ? words.iptables.notReached : null}
      {shown.map((p) => {
        const text = printStatement(p.statement)
        return (
          <div key={text} className={`near-${String(p.fits)}`}>
            <span>{p.fits === true ? '✓' : p.fits === false ? '✗' : '?'}</span> <code>{text}</code>{' '}
            <span className="faint">
              {p.fits === true ? words.iptables.fits : p.fits === false ? words.iptables.misses : words.iptables.depends}
            </span>
          </div>
        )
      })}
    </div>
  )
}
