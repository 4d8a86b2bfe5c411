import { explainRule, type RulePart } from '../../../kernel/netfilter/near-miss.ts'
import { formatSpec } from '../../../linux/iptables/print-rule.ts'
import type { RuleSpec } from '../../../world/netfilter.ts'
import type { RuleRecord } from '../../../world/records.ts'
import { usePanelWords } from '../../i18n/panel-words.ts'
import type { Inspection } from '../../inspect.ts'
import { factsAt } from './facts.ts'

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
  const words = usePanelWords()
  const facts = factsAt(props.inspection.session, props.at)
  if (facts === undefined) return null
  const parts = explainRule(props.rule.spec, facts).filter((p) => p.part.kind !== 'match' || p.part.match.kind !== 'comment')
  const failed = parts.findIndex((p) => p.fits === false)
  const shown = failed < 0 ? parts : parts.slice(0, failed + 1)
  return (
    <div className="near-miss" role="note">
      {failed < 0 && parts.every((p) => p.fits === true) ? words.iptables.notReached : null}
      {shown.map((p) => {
        const text = partText(props.rule.spec, p.part)
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
