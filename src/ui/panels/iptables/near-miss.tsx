import type { RuleRecord } from '../../../world/records.ts'
import { useWords } from '../../context.tsx'
import type { Inspection } from '../../inspect.ts'

export function NearMiss({ rule }: { readonly rule: RuleRecord; readonly inspection: Inspection }) {
  const words = useWords()
  return <div className="near-miss">{words.iptables.nearMissFor(rule.id)}</div>
}
