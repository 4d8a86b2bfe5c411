import type { Target } from '../world/netfilter.ts'
import type { NftRuleRecord, RuleRecord } from '../world/records.ts'
import { targetAt } from './nft.ts'
import type { TraceReader } from './reader.ts'

/** A rule that did something, and the chains that led to it. */
export interface WalkedRule {
  readonly seq: number
  readonly rule: RuleRecord | NftRuleRecord
  /** Chains from the base chain's first jump to the rule's own: [KUBE-SERVICES, KUBE-SVC-…, KUBE-SEP-…]; empty in the base chain itself. */
  readonly path: readonly string[]
  readonly target: Target
}

/**
 * Follows the `rule` rows of one table's walk and keeps what counts: rules whose target acted or decided. Jumps that came
 * back without effect, and RETURNs, are left out.
 */
export class Walk {
  readonly base: string
  readonly #stack: string[] = []
  readonly rules: WalkedRule[] = []

  /** `base` is the base chain's name. */
  constructor(base: string) {
    this.base = base
  }

  /** Takes the next `rule` row of this walk. */
  add(reader: TraceReader, seq: number): void {
    const step = reader.step(seq)
    if (step.kind !== 'rule') return
    const rule = reader.versions.near(step.rule, seq)
    if (rule?.kind !== 'rule' && rule?.kind !== 'nft-rule') return
    // Chains that ran to their end leave no trace of their own: the rule's chain says how far the walk has come back.
    while (this.#stack.length > 0 && this.#stack.at(-1) !== rule.chain) this.#stack.pop()
    const target = targetAt(reader, rule, step, seq)
    if (target.kind === 'jump') this.#stack.push(target.chain)
    // kube-proxy's chains of nftables go to each other all the way: that is the way that is told.
    else if (target.kind === 'goto') this.#stack.splice(rule.kind === 'rule' ? -1 : this.#stack.length, 1, target.chain)
    else if (target.kind === 'return') this.#stack.pop()
    else if (target.kind !== 'none') this.rules.push({ seq, rule, path: [...this.#stack], target })
  }
}
