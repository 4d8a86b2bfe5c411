import type { NftStatement } from '../../world/nft.ts'
import { LimitBucket } from '../netfilter/counters.ts'
import type { MatchPlace } from '../netfilter/hook-state.ts'
import {
  BREAK,
  compileExpression,
  compileKey,
  type ExpressionDeps,
  missingSet,
  type NftInput,
  setIndex,
  type Unmodelled,
} from './expression.ts'
import { type Loaded, tester } from './set.ts'

/** Something that ends the rule when it does not hold. */
export interface Condition {
  readonly pure: boolean
  test(skb: NftInput, at: MatchPlace): boolean
}

type Match = Extract<NftStatement, { kind: 'match' }>
type Limit = Extract<NftStatement, { kind: 'limit' }>

/** nft_cmp, nft_range, nft_bitwise and nft_lookup as one relation. A field that the packet does not have fits nothing, `!=` included. */
export function compileMatch(m: Match, deps: ExpressionDeps, bitmask: boolean): Condition | Unmodelled {
  if (m.right.kind === 'set') return compileLookup(m, deps)
  if (m.left.kind === 'concat') return compileTuple(m, deps)
  const left = compileExpression(m.left, deps)
  if ('unmodelled' in left) return left
  const test = relationOf(m, bitmask)
  if (typeof test === 'object') return test
  return {
    pure: left.pure,
    test(skb, at) {
      const value = left.load(skb, at)
      return value !== BREAK && test(value)
    },
  }
}

function relationOf(m: Match, bitmask: boolean): ((value: Loaded) => boolean) | Unmodelled {
  const { right, relation } = m
  const not = relation === '!='
  switch (right.kind) {
    case 'flags':
      return (v) => typeof v === 'number' && ((v & right.value) !== 0) !== not
    case 'masked':
      return (v) => typeof v === 'number' && ((v & right.mask) === right.value) !== not
    case 'existence':
      return (v) => ((v !== '' && v !== 0) === right.exists) !== not
    case 'set':
      return { unmodelled: 'a set' }
    case 'constant': {
      const [only] = right.fields
      if (only === undefined) return { unmodelled: 'a comparison with nothing' }
      if (relation === 'implicit' || relation === '==' || not) {
        // One bit, with the relation left unwritten: any of the value's bits.
        if (bitmask && relation === 'implicit' && only.kind === 'number')
          return (v) => typeof v === 'number' && (v & only.value) !== 0
        const fits = tester(only)
        return (v) => fits(v) !== not
      }
      if (only.kind !== 'number') return { unmodelled: 'an order of what has none' }
      const bound = only.value
      switch (relation) {
        case '<':
          return (v) => typeof v === 'number' && v < bound
        case '>':
          return (v) => typeof v === 'number' && v > bound
        case '<=':
          return (v) => typeof v === 'number' && v <= bound
        default:
          return (v) => typeof v === 'number' && v >= bound
      }
    }
  }
}

function compileLookup(m: Match, deps: ExpressionDeps): Condition | Unmodelled {
  if (m.right.kind !== 'set') return { unmodelled: 'a set' }
  const key = compileKey(m.left, deps)
  if ('unmodelled' in key) return key
  const index = setIndex(m.right.set, key.width, deps)
  if (index === undefined) return { unmodelled: missingSet(m.right.set) }
  const not = m.relation === '!='
  const scratch: Loaded[] = []
  return {
    pure: key.pure,
    test: (skb, at) => key.load(skb, at, scratch) && (index.find(scratch, deps.now()) !== undefined) !== not,
  }
}

/** `ip saddr . tcp dport 10.0.0.1 . 80` */
function compileTuple(m: Match, deps: ExpressionDeps): Condition | Unmodelled {
  if (m.right.kind !== 'constant') return { unmodelled: 'a comparison of a concatenation' }
  const key = compileKey(m.left, deps)
  if ('unmodelled' in key) return key
  const fits = m.right.fields.map(tester)
  const not = m.relation === '!='
  const scratch: Loaded[] = []
  return {
    pure: key.pure,
    test: (skb, at) => key.load(skb, at, scratch) && fits.every((f, i) => f(scratch[i] as Loaded)) !== not,
  }
}

const UNITS = { second: 'sec', minute: 'min', hour: 'hour', day: 'day' } as const

/** nft_limit_pkts_eval(): a bucket that fills with time; `over` turns it round. */
export function compileLimit(s: Limit, deps: ExpressionDeps): Condition | Unmodelled {
  if (s.unit === 'week') return { unmodelled: `limit rate ${s.rate}/week` }
  const bucket = new LimitBucket({ kind: 'limit', average: s.rate, unit: UNITS[s.unit], burst: s.burst }, deps.now())
  return { pure: false, test: () => bucket.take(deps.now()) !== s.over }
}
