import { maskOf, networkOf } from '../../net/address.ts'
import type { PolicyRuleRecord } from '../../world/records.ts'
import type { Flow } from '../types.ts'

/** A rule of the policy database, compiled: struct fib4_rule. */
export interface FibRule {
  readonly record: PolicyRuleRecord
  /** Table to look up; undefined when the rule itself is the end. */
  readonly table: number | undefined
  readonly always: boolean
  readonly src: number
  readonly srcMask: number
  readonly dst: number
  readonly dstMask: number
  readonly mark: number
  readonly markMask: number
  readonly iif: string | undefined
  readonly oif: string | undefined
}

/** Rules in the order they are tried: by priority, equals in the order they were added. */
export function compileRules(records: readonly PolicyRuleRecord[]): FibRule[] {
  return records
    .map(compileRule)
    .map((rule, i) => ({ rule, i }))
    .sort((a, b) => a.rule.record.priority - b.rule.record.priority || a.i - b.i)
    .map((x) => x.rule)
}

function compileRule(record: PolicyRuleRecord): FibRule {
  const { from, to, fwmark, iif, oif, invert, action } = record
  return {
    record,
    table: action.kind === 'lookup' ? action.table : undefined,
    always: !invert && !from?.length && !to?.length && fwmark === undefined && iif === undefined && oif === undefined,
    src: from === undefined ? 0 : networkOf(from) | 0,
    srcMask: from === undefined ? 0 : maskOf(from.length) | 0,
    dst: to === undefined ? 0 : networkOf(to) | 0,
    dstMask: to === undefined ? 0 : maskOf(to.length) | 0,
    mark: fwmark?.value ?? 0,
    markMask: fwmark?.mask ?? 0,
    iif,
    oif,
  }
}

/**
 * fib_rule_match(). `iif lo` stands for what the namespace sends itself: ip_route_output_key_hash() looks up with
 * LOOPBACK_IFINDEX, as does a flow here whose `iif` is open.
 */
export function ruleMatches(rule: FibRule, flow: Flow): boolean {
  if (rule.always) return true
  const matches =
    ((flow.src ^ rule.src) & rule.srcMask) === 0 &&
    ((flow.dst ^ rule.dst) & rule.dstMask) === 0 &&
    ((flow.mark ^ rule.mark) & rule.markMask) === 0 &&
    (rule.iif === undefined || rule.iif === (flow.iif === undefined ? 'lo' : flow.iif.name)) &&
    (rule.oif === undefined || rule.oif === flow.oif?.name)
  return matches !== rule.record.invert
}
