import { ipLength } from '../../net/packet.ts'
import { STEP } from '../../trace/columns.ts'
import { RULE_VERDICTS, type RuleVerdict } from '../../trace/step.ts'
import { CELL_FIELDS } from '../../world/world.ts'
import type { HookState } from '../netfilter/hook-state.ts'
import type { TargetDeps } from '../netfilter/target.ts'
import { NF_ACCEPT, NF_DROP, NF_STOLEN, type Skb } from '../types.ts'
import type { CompiledNftChain, CompiledNftRule, Turn } from './rule.ts'

/** A `policy` row's verdict. */
const POLICY = { accept: 0, drop: 1, return: 2 } as const
const VERDICT = Object.fromEntries(RULE_VERDICTS.map((v, i) => [v, i])) as Readonly<Record<RuleVerdict, number>>
const PACKETS = CELL_FIELDS.indexOf('packets')
const BYTES = CELL_FIELDS.indexOf('bytes')

/** NFT_JUMP_STACK_SIZE */
const JUMP_STACK = 16
/** Chains that one walk may enter. The kernel refuses a table whose chains lead back to themselves. */
const MAX_CHAINS = 1024

export interface NftWalkDeps extends TargetDeps {
  prepare(chain: CompiledNftChain): void
  /** Ends the packet: netfilter's drop, decided by this rule or chain. */
  drop(skb: Skb, decidedBy: number): void
}

/** What a rule came to. */
const BROKE = -1
const CONTINUE = -2
const TURN = -3

/**
 * nft_do_chain() (net/netfilter/nf_tables_core.c): walks a base chain and the chains that its rules lead to. One `chain` row,
 * one `rule` row per rule whose conditions all held, one `policy` row where a chain came to its end; `tried` counts the rules of
 * that chain since the last row in it. `accept` ends this base chain alone. At any answer but NF_ACCEPT the closing step is written.
 */
export class NftWalk {
  readonly #deps: NftWalkDeps
  /** Where the last rule that said jump or goto leads. */
  #turn: Turn = { kind: 'continue' }

  constructor(deps: NftWalkDeps) {
    this.#deps = deps
  }

  run(base: CompiledNftChain, skb: Skb, at: HookState): number {
    const deps = this.#deps
    const { rec } = deps
    rec.step(STEP.chain, skb, base.ref(deps))
    const stack: { readonly chain: CompiledNftChain; readonly next: number }[] = []
    let chain = base
    let entered = 1
    // Position in the chain, and where the last row left it.
    let i = 0
    let mark = 0
    for (;;) {
      if (!chain.ready) deps.prepare(chain)
      const rule = chain.rules[i]
      if (rule === undefined) {
        const back = stack.pop()
        if (back === undefined) {
          // A chain that was gone to from the base chain ends with the base chain's policy.
          if (!chain.base) rec.step(STEP.policy, skb, chain.ref(deps), i - mark, POLICY.return, ipLength(skb.pkt))
          return this.#policy(base, skb, chain === base ? i - mark : 0)
        }
        rec.step(STEP.policy, skb, chain.ref(deps), i - mark, POLICY.return, ipLength(skb.pkt))
        chain = back.chain
        i = mark = back.next
        continue
      }
      i++
      const result = this.#evaluate(rule, skb, at, i - mark)
      if (result === BROKE) continue
      mark = i
      if (result === CONTINUE) continue
      if (result !== TURN) return result
      const turn = this.#turn
      switch (turn.kind) {
        case 'accept':
          return NF_ACCEPT
        case 'drop':
          deps.drop(skb, rule.ref(deps))
          return NF_DROP
        case 'continue':
          continue
        case 'return': {
          const back = stack.pop()
          if (back === undefined) return this.#policy(base, skb, 0)
          chain = back.chain
          i = mark = back.next
          continue
        }
        case 'jump':
        case 'goto':
          if (turn.kind === 'jump') stack.push({ chain, next: i })
          if (stack.length > JUMP_STACK || ++entered > MAX_CHAINS) {
            deps.path.undetermined(skb, 'chain', `${chain.record.name}: a chain that leads back to itself`, rule.ref(deps))
            return NF_STOLEN
          }
          chain = turn.chain
          i = mark = 0
      }
    }
  }

  #policy(base: CompiledNftChain, skb: Skb, tried: number): number {
    const deps = this.#deps
    const drop = base.policyDrop
    deps.rec.step(STEP.policy, skb, base.ref(deps), tried, drop ? POLICY.drop : POLICY.accept, ipLength(skb.pkt))
    if (!drop) return NF_ACCEPT
    deps.drop(skb, base.ref(deps))
    return NF_DROP
  }

  /** Runs a rule's statements: BROKE, CONTINUE, TURN (see #turn), or the verdict with which the packet's walk ends. */
  #evaluate(rule: CompiledNftRule, skb: Skb, at: HookState, tried: number): number {
    const { ops, lastTest } = rule
    let counted = false
    let turn: Turn | undefined
    let i = 0
    for (; i <= lastTest; i++) {
      const op = ops[i] as (typeof ops)[number]
      if (op.kind === 'test') {
        if (!op.test(skb, at)) return this.#broke(rule, skb, counted)
      } else if (op.kind === 'vmap') {
        turn = op.find(skb, at)
        if (turn === undefined) return this.#broke(rule, skb, counted)
        if (turn.kind !== 'continue') return this.#turned(rule, skb, tried, turn)
      } else if (op.kind === 'counter') counted = true
      else if (op.kind === 'act') op.act(skb, at)
      else if (op.kind === 'unmodelled') return this.#giveUp(rule, skb, tried, op.what)
    }
    for (let k = i; k < ops.length; k++) {
      const op = ops[k] as (typeof ops)[number]
      if (op.kind === 'turn' || op.kind === 'end') {
        if (op.kind === 'end' && op.ready?.(skb, at) === false) return this.#broke(rule, skb, counted)
        break
      }
    }
    // What is left cannot fail: the step comes first, then what it did.
    const end = ops.find((op, k) => k >= i && (op.kind === 'turn' || op.kind === 'end'))
    const verdict =
      end === undefined
        ? 'continue'
        : end.kind === 'turn'
          ? end.turn.kind
          : end.kind === 'end'
            ? end.verdict(skb, at)
            : 'continue'
    this.#row(rule, skb, tried, verdict, end?.kind === 'turn' ? end.turn : undefined)
    for (; i < ops.length; i++) {
      const op = ops[i] as (typeof ops)[number]
      if (op.kind === 'act') op.act(skb, at)
      else if (op.kind === 'turn') {
        this.#turn = op.turn
        return TURN
      } else if (op.kind === 'end') {
        const result = op.run(skb, at)
        if (result === NF_DROP) this.#deps.drop(skb, rule.ref(this.#deps))
        return result
      }
    }
    return CONTINUE
  }

  #turned(rule: CompiledNftRule, skb: Skb, tried: number, turn: Turn): number {
    this.#row(rule, skb, tried, turn.kind, turn)
    this.#turn = turn
    return TURN
  }

  /** A rule that did not match may have counted before it found out. */
  #broke(rule: CompiledNftRule, skb: Skb, counted: boolean): number {
    if (counted) {
      const { rec } = this.#deps
      rule.packets++
      rule.bytes += ipLength(skb.pkt)
      rec.cell(rule.ref(this.#deps), PACKETS, rule.packets)
      rec.cell(rule.ref(this.#deps), BYTES, rule.bytes)
    }
    return BROKE
  }

  #giveUp(rule: CompiledNftRule, skb: Skb, tried: number, what: string): number {
    this.#row(rule, skb, tried, 'undetermined', undefined)
    this.#deps.path.undetermined(skb, 'nftables', what, rule.ref(this.#deps))
    return NF_STOLEN
  }

  #row(rule: CompiledNftRule, skb: Skb, tried: number, verdict: RuleVerdict, turn: Turn | undefined): void {
    const deps = this.#deps
    const length = ipLength(skb.pkt)
    rule.packets++
    rule.bytes += length
    const to = turn?.kind === 'jump' || turn?.kind === 'goto' ? (turn.chain.ref(deps) + 1) << 8 : 0
    deps.rec.step(STEP.rule, skb, rule.ref(deps), tried, VERDICT[verdict] | to, length)
  }
}
