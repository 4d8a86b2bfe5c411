import { explainNftRule } from '../../../kernel/nftables/near-miss.ts'
import { printStatement } from '../../../linux/nft/print.ts'
import type { NftRuleRecord } from '../../../world/records.ts'
import type { Inspection } from '../../inspect.ts'
import { factsAt } from './facts.ts'
import { Conditions, type Met, RuleRow } from './rule-row.tsx'

/** A rule of nftables. */
export function NftRule({ rule, text, ...met }: Met & { readonly rule: NftRuleRecord; readonly text: string }) {
  const { inspection } = met
  const counter = rule.statements.find((s) => s.kind === 'counter')
  return (
    <RuleRow
      {...met}
      id={rule.id}
      origin={rule.origin}
      packets={(counter?.packets ?? 0) + inspection.view.cell(rule.id, 'packets')}
      whyNot={(at) => <NearMiss rule={rule} inspection={inspection} at={at} />}
    >
      {text}
    </RuleRow>
  )
}

/** Which condition of the rule the packet did not fit, and which it did. */
function NearMiss(props: { readonly rule: NftRuleRecord; readonly inspection: Inspection; readonly at: number }) {
  const { session } = props.inspection
  const facts = factsAt(session, props.at)
  if (facts === undefined) return null
  const then = session.timeline.at(props.at)
  const sets = then.list('nft-set', props.rule.netns)
  const parts = explainNftRule(props.rule, { ...facts, sets, now: then.now })
  return <Conditions all={parts.map((p) => ({ text: printStatement(p.statement), fits: p.fits }))} />
}
