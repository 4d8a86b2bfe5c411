import type { NftStatement } from '../../world/nft.ts'
import { CT } from '../conntrack/entry.ts'
import type { HookState, MatchPlace } from '../netfilter/hook-state.ts'
import { setMark } from '../netfilter/rewrite.ts'
import type { Skb } from '../types.ts'
import { BREAK, compileExpression, compileKey, type NftInput, type Unmodelled } from './expression.ts'
import type { RuleDeps } from './rule.ts'
import type { Loaded } from './set.ts'

/** A statement that leaves something on the packet, its connection or a set, and never ends the rule. */
export interface Action {
  act(skb: Skb, at: HookState): void
}

type Mangle = Extract<NftStatement, { kind: 'mangle' }>

/** `meta mark set …`, `ct mark set …`. With `test`, the value may fail to load, and the rule then ends there. */
export function compileMangle(
  s: Mangle,
  deps: RuleDeps,
): (Action & { readonly test?: (skb: NftInput, at: MatchPlace) => boolean }) | Unmodelled {
  const value = compileExpression(s.value, deps)
  if ('unmodelled' in value) return value
  const { target } = s
  const write =
    target.kind === 'meta' && target.key === 'mark'
      ? (skb: Skb, n: number) => setMark(deps.rec, skb, n)
      : target.kind === 'ct' && target.key === 'mark' && target.direction === undefined
        ? (skb: Skb, n: number) => setConnectionMark(deps, skb, n)
        : undefined
  if (write === undefined) return { unmodelled: `${target.kind === 'meta' ? `meta ${target.key}` : target.kind} set` }
  const run = (skb: Skb, at: MatchPlace): boolean => {
    const n = value.load(skb, at)
    if (typeof n !== 'number' || n === BREAK) return false
    write(skb, n >>> 0)
    return true
  }
  const act = (skb: Skb, at: HookState) => void run(skb, at)
  return mayBreak(s.value) ? { act, test: (skb, at) => run(skb as Skb, at) } : { act }
}

/** A value that every packet has: the mark, or numbers. */
function mayBreak(e: Mangle['value']): boolean {
  switch (e.kind) {
    case 'constant':
    case 'numgen':
      return false
    case 'meta':
      return e.key !== 'mark'
    case 'binary':
      return mayBreak(e.left) || mayBreak(e.right)
    default:
      return true
  }
}

/** nft_ct_set_eval() */
function setConnectionMark(deps: RuleDeps, skb: Skb, mark: number): void {
  const { ct } = skb
  if (ct === undefined || ct.mark === mark) return
  ct.mark = mark
  deps.conntrack.changed(ct, skb)
}

export function compileDynset(s: Extract<NftStatement, { kind: 'dynset' }>, deps: RuleDeps): Action | Unmodelled {
  const key = compileKey(s.key, deps)
  if ('unmodelled' in key) return key
  const set = deps.runtimeSet(s.set)
  if (set === undefined) return { unmodelled: `@${s.set}: no such set` }
  const scratch: Loaded[] = []
  return {
    act(skb, at) {
      if (!key.load(skb, at, scratch)) return
      const now = deps.now()
      if (s.operation === 'delete') set.delete(scratch, now)
      else set.add(scratch, { update: s.operation === 'update', timeout: s.timeout, now })
    },
  }
}

/** nft_notrack_eval(): a packet that is tracked already stays so. */
export const compileNotrack = (): Action => ({
  act(skb) {
    if (skb.ct === undefined && skb.ctInfo !== CT.RELATED) skb.ctInfo = CT.UNTRACKED
  },
})
