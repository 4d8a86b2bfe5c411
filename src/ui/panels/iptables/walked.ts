import type { Session } from '../../../store/session.ts'
import type { RuleVerdict } from '../../../trace/step.ts'

export interface RuleHit {
  readonly seq: number
  readonly verdict: RuleVerdict
}

/** What one hop asked of netfilter, up to a step: chains in the order of the walk, rules that matched, policies that decided. */
export interface HopWalk {
  readonly chains: readonly string[]
  /** chain id → seq of the step that entered it */
  readonly entered: ReadonlyMap<string, number>
  readonly hits: ReadonlyMap<string, RuleHit>
  /** chain id → seq of the policy step */
  readonly policies: ReadonlyMap<string, { readonly seq: number; readonly verdict: string }>
  /** Rules tried, matching or not. */
  readonly tried: number
  /** netns id of the hop; undefined when the step belongs to none. */
  readonly netns: string | undefined
}

const NOTHING: HopWalk = { chains: [], entered: new Map(), hits: new Map(), policies: new Map(), tried: 0, netns: undefined }

/** The walk of the hop that a step belongs to, as far as that step. */
export function walkAt(session: Session, seq: number): HopWalk {
  const { reader, hops } = session
  const index = seq < 0 ? -1 : hops.hopOf(seq)
  if (index < 0) return NOTHING
  const entered = new Map<string, number>()
  const hits = new Map<string, RuleHit>()
  const policies = new Map<string, { seq: number; verdict: string }>()
  let tried = 0
  for (const s of hops.stepsOf(index)) {
    if (s > seq) break
    const step = reader.step(s)
    if (step.kind === 'chain') entered.set(step.chain, s)
    else if (step.kind === 'rule') {
      hits.set(step.rule, { seq: s, verdict: step.verdict })
      tried += step.tried
      if (step.target !== undefined) entered.set(step.target, s)
    } else if (step.kind === 'policy') {
      policies.set(step.chain, { seq: s, verdict: step.verdict })
      tried += step.tried
    }
  }
  return { chains: [...entered.keys()], entered, hits, policies, tried, netns: hops.hop(index).netns }
}
