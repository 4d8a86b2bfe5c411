import { STEP } from '../../trace/columns.ts'
import { nftTarget } from '../../trace/nft.ts'
import { TraceRecorder } from '../../trace/recorder.ts'
import { RULE_VERDICTS } from '../../trace/step.ts'
import type { StepAt } from '../../trace/trace.ts'
import type { NftRuleRecord, RuleRecord } from '../../world/records.ts'

export const NODE = 'node'

/** Where one packet ended: targets and verdicts in the order they were met. */
export interface End {
  readonly text: string
  readonly masq: boolean
}

interface Met {
  readonly rule: RuleRecord | NftRuleRecord
  readonly verdict: string
}

/** Notes the rules that the first packet met. */
export class Notes extends TraceRecorder {
  readonly #met: Met[] = []
  readonly #ids: string[] = []
  #first = -1

  override ref(id: string): number {
    const n = super.ref(id)
    this.#ids[n] = id
    return n
  }

  override step(kind: number, at: StepAt, a = 0, b = 0, c = 0, d = 0): number {
    if (this.#first < 0) this.#first = at.packet
    if (kind === STEP.rule && at.packet === this.#first) {
      const rule = this.world.get(this.#ids[a] as RuleRecord['id'])
      if (rule?.kind === 'rule' || rule?.kind === 'nft-rule') this.#met.push({ rule, verdict: RULE_VERDICTS[c & 0xff] ?? '' })
    }
    return super.step(kind, at, a, b, c, d)
  }

  /** What kube-proxy's rules did. `targets`: where its DNATs sent it, where the rules' records cannot say it. Throws for a rule that the engine does not evaluate. */
  end(targets?: readonly string[]): End {
    const left = targets?.values()
    const ends: string[] = []
    let masq = false
    for (const { rule, verdict } of this.#met) {
      if (verdict === 'undetermined') throw new Error(`a rule of ${rule.chain} is not evaluated`)
      if (rule.kind === 'nft-rule') {
        const target = nftTarget(rule.statements)
        if (rule.chain === 'mark-for-masquerade') masq = true
        if (target.kind === 'dnat' && verdict === 'nat') ends.push(left?.next().value ?? targetText(target.range))
        else if (verdict === 'drop' || verdict === 'reject') ends.push(verdict.toUpperCase())
        continue
      }
      const { target } = rule.spec
      if (rule.table === 'nat' && rule.chain === 'KUBE-MARK-MASQ') masq = true
      if (rule.table === 'nat' && target.kind === 'dnat' && verdict === 'nat') ends.push(targetText(target.range))
      if (rule.table !== 'filter' || !rule.chain.startsWith('KUBE-')) continue
      if (verdict === 'drop') ends.push('DROP')
      else if (verdict === 'reject') ends.push('REJECT')
      else if (verdict === 'accept' && rule.chain === 'KUBE-NODEPORTS') ends.push('ACCEPT')
    }
    return { text: ends.join(', '), masq }
  }
}

function targetText(range: { addresses?: { from: number }; ports?: { from: number } }): string {
  const a = range.addresses?.from ?? 0
  return `${a >>> 24}.${(a >>> 16) & 255}.${(a >>> 8) & 255}.${a & 255}:${range.ports?.from ?? 0}`
}
