import { explainRule, type RulePart } from '../../../kernel/netfilter/near-miss.ts'
import { formatSpec } from '../../../linux/iptables/print-rule.ts'
import type { RuleSpec } from '../../../world/netfilter.ts'
import type { RuleRecord } from '../../../world/records.ts'
import type { Inspection } from '../../inspect.ts'
import { factsAt } from './facts.ts'
import { Conditions } from './rule-row.tsx'

const NOTHING: RuleSpec = { matches: [], target: { kind: 'none' } }

/** One condition of a rule, as iptables writes it. */
function partText(spec: RuleSpec, part: RulePart): string {
  const pick = (one: Partial<RuleSpec>) => formatSpec({ ...NOTHING, ...one }).trim()
  switch (part.kind) {
    case 'src':
      return spec.src === undefined ? '' : pick({ src: spec.src })
    case 'dst':
      return spec.dst === undefined ? '' : pick({ dst: spec.dst })
    case 'in':
      return spec.inIface === undefined ? '' : pick({ inIface: spec.inIface })
    case 'out':
      return spec.outIface === undefined ? '' : pick({ outIface: spec.outIface })
    case 'protocol':
      return spec.protocol === undefined ? '' : pick({ protocol: spec.protocol })
    case 'fragment':
      return spec.fragment === undefined ? '' : pick({ fragment: spec.fragment })
    case 'match':
      return pick({ matches: [part.match] })
  }
}

/** Worked out again, now that somebody asks: which condition of this rule the packet did not fit, and which it did. */
export default function NearMiss(props: { readonly rule: RuleRecord; readonly inspection: Inspection; readonly at: number }) {
  const facts = factsAt(props.inspection.session, props.at)
  if (facts === undefined) return null
  const parts = explainRule(props.rule.spec, facts).filter((p) => p.part.kind !== 'match' || p.part.match.kind !== 'comment')
  return <Conditions all={parts.map((p) => ({ text: partText(props.rule.spec, p.part), fits: p.fits }))} />
}
