import { assertNever } from '../../base/assert-never.ts'
import { STEP } from '../../trace/columns.ts'
import type { NftExpression, NftStatement, NftVerdict } from '../../world/nft.ts'
import type { NftChainRecord, NftRuleRecord } from '../../world/records.ts'
import type { MatchPlace } from '../netfilter/hook-state.ts'
import type { TargetDeps } from '../netfilter/target.ts'
import { type Action, compileDynset, compileMangle, compileNotrack } from './action.ts'
import { compileKey, type ExpressionDeps, missingSet, type NftInput, setIndex, type Unmodelled } from './expression.ts'
import { compileIp6Nat, compileIp6Reject } from './ip6.ts'
import { type Condition, compileLimit, compileMatch } from './match.ts'
import { compileNat, compileReject, type Ending } from './nat.ts'
import type { RuntimeSet } from './runtime-set.ts'
import type { Loaded } from './set.ts'

/** What rules act on. */
export interface RuleDeps extends ExpressionDeps, TargetDeps {
  /** The set with what changes it; undefined when the table has none of that name. */
  runtimeSet(name: string): RuntimeSet | undefined
  chain(name: string): CompiledNftChain | undefined
}

/** Where a verdict leads. */
export type Turn =
  | { readonly kind: 'accept' | 'drop' | 'continue' | 'return' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: CompiledNftChain }

/** One statement, ready to run. Conditions and lookups may end the rule; what follows the last of them cannot fail. */
export type Op =
  | ({ readonly kind: 'test' } & Condition)
  | { readonly kind: 'vmap'; readonly pure: boolean; find(skb: NftInput, at: MatchPlace): Turn | undefined }
  | { readonly kind: 'counter' }
  | ({ readonly kind: 'act' } & Action)
  | { readonly kind: 'turn'; readonly turn: Turn }
  | ({ readonly kind: 'end' } & Ending)
  | { readonly kind: 'unmodelled'; readonly what: string }

export class CompiledNftRule {
  readonly record: NftRuleRecord
  readonly ops: readonly Op[]
  /** Index of the last op that may end the rule. */
  readonly lastTest: number
  readonly counts: boolean
  /** What its counter has counted in this run. */
  packets = 0
  bytes = 0
  #ref = -1

  constructor(record: NftRuleRecord, ops: readonly Op[]) {
    this.record = record
    this.ops = ops
    this.lastTest = ops.findLastIndex((o) => o.kind === 'test' || o.kind === 'vmap' || o.kind === 'unmodelled')
    this.counts = ops.some((o) => o.kind === 'counter')
  }

  /** recorder ref of the rule's id; interned when first needed. */
  ref(deps: Pick<TargetDeps, 'rec'>): number {
    if (this.#ref < 0) this.#ref = deps.rec.ref(this.record.id)
    return this.#ref
  }
}

export class CompiledNftChain {
  readonly record: NftChainRecord
  readonly base: boolean
  readonly policyDrop: boolean
  rules: readonly CompiledNftRule[] = []
  ready = false
  #ref = -1

  constructor(record: NftChainRecord) {
    this.record = record
    this.base = record.base !== undefined
    this.policyDrop = record.base?.policy === 'drop'
  }

  ref(deps: Pick<TargetDeps, 'rec'>): number {
    if (this.#ref < 0) this.#ref = deps.rec.ref(this.record.id)
    return this.#ref
  }
}

export const compileRule = (record: NftRuleRecord, deps: RuleDeps): CompiledNftRule =>
  new CompiledNftRule(
    record,
    record.statements.map((s) => compileStatement(s, deps)),
  )

const gaveUp = ({ unmodelled }: Unmodelled): Op => ({ kind: 'unmodelled', what: unmodelled })

function compileStatement(s: NftStatement, deps: RuleDeps): Op {
  switch (s.kind) {
    case 'match': {
      const c = compileMatch(s, deps, isBits(s.left))
      return 'unmodelled' in c ? gaveUp(c) : { kind: 'test', ...c }
    }
    case 'limit': {
      const c = compileLimit(s, deps)
      return 'unmodelled' in c ? gaveUp(c) : { kind: 'test', ...c }
    }
    case 'vmap':
      return compileVmap(s, deps)
    case 'verdict': {
      const turn = turnOf(s.verdict, deps)
      return 'unmodelled' in turn ? gaveUp(turn) : { kind: 'turn', turn }
    }
    case 'counter':
      return { kind: 'counter' }
    case 'mangle': {
      const a = compileMangle(s, deps)
      return 'unmodelled' in a
        ? gaveUp(a)
        : a.test === undefined
          ? { kind: 'act', act: a.act }
          : { kind: 'test', pure: false, test: a.test }
    }
    case 'dynset': {
      const a = compileDynset(s, deps)
      return 'unmodelled' in a ? gaveUp(a) : { kind: 'act', ...a }
    }
    case 'notrack':
      return { kind: 'act', ...compileNotrack() }
    case 'log': {
      const text = deps.rec.text(s.prefix)
      return { kind: 'act', act: (skb) => void deps.rec.step(STEP.log, skb, text) }
    }
    case 'passive':
      return { kind: 'act', act: () => undefined }
    case 'nat':
    case 'masquerade':
    case 'redirect': {
      const e = deps.ip6 === undefined ? compileNat(s, deps) : compileIp6Nat(s, deps, deps.ip6)
      return 'unmodelled' in e ? gaveUp(e) : { kind: 'end', ...e }
    }
    case 'reject':
      return { kind: 'end', ...(deps.ip6 === undefined ? compileReject(s, deps) : compileIp6Reject()) }
    case 'unknown':
      return { kind: 'unmodelled', what: s.text }
    default:
      return assertNever(s)
  }
}

/** Selectors of bits: an unwritten relation asks for any of them. */
export const isBits = (e: NftExpression): boolean =>
  (e.kind === 'ct' && (e.key === 'state' || e.key === 'status')) ||
  (e.kind === 'payload' && e.protocol === 'tcp' && e.field === 'flags')

function turnOf(v: NftVerdict, deps: RuleDeps): Turn | Unmodelled {
  if (v.kind !== 'jump' && v.kind !== 'goto') return { kind: v.kind }
  const chain = deps.chain(v.chain)
  return chain === undefined ? { unmodelled: `${v.kind} ${v.chain}: no such chain` } : { kind: v.kind, chain }
}

function compileVmap(s: Extract<NftStatement, { kind: 'vmap' }>, deps: RuleDeps): Op {
  const key = compileKey(s.key, deps)
  if ('unmodelled' in key) return gaveUp(key)
  const index = setIndex(s.map, key.width, deps)
  if (index === undefined) return { kind: 'unmodelled', what: missingSet(s.map) }
  const scratch: Loaded[] = []
  // Verdicts are looked up when a packet first meets them: a map may lead to thousands of chains.
  const turns = new Map<NftVerdict, Turn>()
  return {
    kind: 'vmap',
    pure: key.pure,
    find(skb, at) {
      if (!key.load(skb, at, scratch)) return undefined
      const verdict = index.find(scratch, deps.now())?.verdict
      if (verdict === undefined) return undefined
      let turn = turns.get(verdict)
      if (turn === undefined) {
        const made = turnOf(verdict, deps)
        // The kernel refuses an element that leads nowhere; a packet that would meet one finds nothing.
        if ('unmodelled' in made) return undefined
        turn = made
        turns.set(verdict, turn)
      }
      return turn
    },
  }
}

/** Whether loading the rule calls nf_ct_netns_get(): then the namespace tracks connections. */
export function usesConntrack(rule: NftRuleRecord): boolean {
  return rule.statements.some((s) => {
    switch (s.kind) {
      case 'match':
        return looksAtCt(s.left)
      case 'vmap':
      case 'dynset':
        return looksAtCt(s.key)
      case 'mangle':
        return looksAtCt(s.target) || looksAtCt(s.value)
      case 'nat':
      case 'masquerade':
      case 'redirect':
        return true
      case 'unknown':
        return /^(ct|flow|synproxy) /.test(s.text)
      default:
        return false
    }
  })
}

function looksAtCt(e: NftExpression): boolean {
  switch (e.kind) {
    case 'ct':
      return true
    case 'concat':
      return e.parts.some(looksAtCt)
    case 'binary':
      return looksAtCt(e.left) || looksAtCt(e.right)
    case 'map':
      return looksAtCt(e.key)
    default:
      return false
  }
}
