import { IPPROTO, ipLength } from '../../net/packet.ts'
import { STEP } from '../../trace/columns.ts'
import { NF_ACCEPT, NF_DROP, type Skb } from '../types.ts'
import { type CompiledChain, type CompiledRule, FLAG, STRIDE, WORD } from './compile.ts'
import type { HookState } from './hook-state.ts'
import type { Matcher } from './match.ts'
import { CONTINUE, giveUp, ruleStep, type TargetDeps } from './target.ts'

/** A `policy` row's verdict. */
const POLICY = { accept: 0, drop: 1, return: 2 } as const

export interface WalkDeps extends TargetDeps {
  /** Compiles the chain if no packet has entered it yet. */
  prepare(chain: CompiledChain): void
  /** Ends the packet: netfilter's drop, decided by this rule or chain. */
  drop(skb: Skb, decidedBy: number): void
}

/**
 * ipt_do_table() (net/ipv4/netfilter/ip_tables.c): walks a base chain and the chains that its rules lead to. One `chain` row,
 * one `rule` row per rule that matched, one `policy` row where a chain came to its end; `tried` counts the rules of that
 * chain that were tried since the last row in it, the one that matched included. NF_ACCEPT lets the packet go on to the next
 * table; at any other answer its closing step is written.
 */
export function walkTable(base: CompiledChain, skb: Skb, at: HookState, deps: WalkDeps): number {
  const { rec } = deps
  rec.step(STEP.chain, skb, base.ref(deps))
  const { jumps } = at
  jumps.clear()
  let chain = base
  // Position in the chain, and where the last row left it.
  let i = 0
  let mark = 0
  for (;;) {
    if (!chain.ready) deps.prepare(chain)
    i = nextMatch(chain, i, skb, at)
    const rule = chain.rule(i)
    if (rule === undefined) {
      if (!chain.base) {
        rec.step(STEP.policy, skb, chain.ref(deps), i - mark, POLICY.return, ipLength(skb.pkt))
        chain = jumps.pop(base)
        i = mark = jumps.next
        continue
      }
      const drop = chain.policyDrop
      rec.step(STEP.policy, skb, chain.ref(deps), i - mark, drop ? POLICY.drop : POLICY.accept, ipLength(skb.pkt))
      if (!drop) return NF_ACCEPT
      deps.drop(skb, chain.ref(deps))
      return NF_DROP
    }
    i++
    const met = at.meet(rule, i - mark)
    const { target } = rule
    mark = i
    if (rule.unmodelled !== undefined) return giveUp(deps, skb, met, { kind: 'match', what: rule.unmodelled })
    switch (target.kind) {
      case 'verdict':
        ruleStep(deps, skb, met, target.verdict)
        if (target.result === CONTINUE) continue
        if (target.result === NF_DROP) deps.drop(skb, rule.ref(deps))
        return target.result
      case 'return':
        ruleStep(deps, skb, met, 'return')
        // In a base chain nothing was jumped from, so this leads to the policy.
        chain = jumps.pop(base)
        i = mark = jumps.next
        continue
      case 'jump':
      case 'goto':
        ruleStep(deps, skb, met, target.kind)
        if (target.kind === 'jump') jumps.push(chain, i)
        chain = target.chain
        i = mark = 0
        continue
      case 'act': {
        const result = target.act(skb, met)
        if (result === CONTINUE) continue
        if (result === NF_DROP) deps.drop(skb, rule.ref(deps))
        return result
      }
    }
  }
}

// Local constants, which the compiler folds; through an imported object each would be a load per rule.
const STEP_WORDS = STRIDE
const { SRC, SRC_MASK, DST, DST_MASK, PROTOCOL, IN, OUT, SPORT_FROM, SPORT_TO, DPORT_FROM, DPORT_TO } = WORD
const { INV_SRC, INV_DST, INV_PROTOCOL, FRAGMENT, WHOLE, INV_SPORT, INV_DPORT, PORTS, EXTRA } = FLAG
const TCP = IPPROTO.TCP
const UDP = IPPROTO.UDP

/** Index of the first rule from `from` on that the packet fits, the chain's length when there is none. */
function nextMatch(chain: CompiledChain, from: number, skb: Skb, at: HookState): number {
  const words = chain.words
  const end = words.length
  const p = skb.pkt
  const src = p.src | 0
  const dst = p.dst | 0
  const protocol = p.protocol
  const fragment = p.fragmentOffset !== 0
  const ports = !fragment && (protocol === TCP || protocol === UDP)
  const sport = ports ? p.sport : 0
  const dport = ports ? p.dport : 0
  const { inBits, outBits } = at
  let i = from
  for (let w = from * STEP_WORDS; w < end; i++, w += STEP_WORDS) {
    const flags = words[w] as number
    // Destination first: it is what long chains differ in.
    const otherDst = ((dst ^ (words[w + DST] as number)) & (words[w + DST_MASK] as number)) !== 0
    if (otherDst !== ((flags & INV_DST) !== 0)) continue
    const otherSrc = ((src ^ (words[w + SRC] as number)) & (words[w + SRC_MASK] as number)) !== 0
    if (otherSrc !== ((flags & INV_SRC) !== 0)) continue
    const wanted = words[w + PROTOCOL] as number
    if (wanted !== 0 && (wanted === protocol) === ((flags & INV_PROTOCOL) !== 0)) continue
    if (inBits[words[w + IN] as number] === 0 || outBits[words[w + OUT] as number] === 0) continue
    if (flags !== 0) {
      if ((flags & FRAGMENT) !== 0 && !fragment) continue
      if ((flags & WHOLE) !== 0 && fragment) continue
      if ((flags & PORTS) !== 0) {
        const sportFits = sport >= (words[w + SPORT_FROM] as number) && sport <= (words[w + SPORT_TO] as number)
        if (sportFits === ((flags & INV_SPORT) !== 0)) continue
        const dportFits = dport >= (words[w + DPORT_FROM] as number) && dport <= (words[w + DPORT_TO] as number)
        if (dportFits === ((flags & INV_DPORT) !== 0)) continue
      }
      if ((flags & EXTRA) !== 0 && !allFit((chain.rule(i) as CompiledRule).extra, skb, at)) continue
    }
    return i
  }
  return i
}

function allFit(extra: readonly Matcher[], skb: Skb, at: HookState): boolean {
  for (let i = 0; i < extra.length; i++) if (!(extra[i] as Matcher).test(skb, at)) return false
  return true
}
