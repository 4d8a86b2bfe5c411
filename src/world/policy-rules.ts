import { type NetnsId, policyRuleId } from './ids.ts'
import { type Origin, type PolicyRuleRecord, RT_TABLE } from './records.ts'

/** fib_default_rules_init(): what `ip rule` shows in a new namespace: 0 local, 32766 main, 32767 default. */
export function defaultPolicyRules(netns: NetnsId, origin: Origin = { component: 'kernel' }): PolicyRuleRecord[] {
  const rules = [
    [0, RT_TABLE.local],
    [32766, RT_TABLE.main],
    [32767, RT_TABLE.default],
  ] as const
  return rules.map(([priority, table], i) => ({
    kind: 'policy-rule',
    id: policyRuleId(netns.slice('netns:'.length), i),
    netns,
    priority,
    invert: false,
    action: { kind: 'lookup', table },
    origin,
  }))
}
