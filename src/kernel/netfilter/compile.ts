import type { InterfaceMatch, Match, RuleSpec } from '../../world/netfilter.ts'
import type { ChainRecord, RuleRecord } from '../../world/records.ts'
import { fitsInterface } from './fits.ts'
import { compileMatch, type MatchDeps, type Matcher } from './match.ts'
import { type CompiledTarget, compileTarget, type TargetDeps, undetermined } from './target.ts'

// A chain's rules as one flat array of integers, a fixed number a rule, so that a rule that does not match costs a few loads
// and compares. What integers cannot say hangs behind it as functions, and is reached only by packets that fit so far.

/** Words of one rule in CompiledChain.words. */
export const WORD = {
  FLAGS: 0,
  SRC: 1,
  SRC_MASK: 2,
  DST: 3,
  DST_MASK: 4,
  PROTOCOL: 5,
  IN: 6,
  OUT: 7,
  SPORT_FROM: 8,
  SPORT_TO: 9,
  DPORT_FROM: 10,
  DPORT_TO: 11,
} as const
export const STRIDE = 12

/** IPT_INV_* and what else a rule's integers need to know. */
export const FLAG = {
  INV_SRC: 1,
  INV_DST: 2,
  INV_PROTOCOL: 4,
  /** `-f`: only later fragments. */
  FRAGMENT: 8,
  /** `! -f`, or ports, which a later fragment does not have. */
  WHOLE: 16,
  INV_SPORT: 32,
  INV_DPORT: 64,
  PORTS: 128,
  /** More to evaluate in `extra`. */
  EXTRA: 256,
} as const

/** The distinct -i and -o conditions of a namespace, numbered: a packet's two devices are compared once, not once a rule. */
export class InterfacePatterns {
  readonly #patterns: InterfaceMatch[] = []
  readonly #numbers = new Map<string, number>()
  readonly #bits = new Map<string, Uint8Array>()

  /** 0 is "any". */
  constructor() {
    this.number({ name: '', prefix: true, invert: false })
  }

  number(m: InterfaceMatch | undefined): number {
    if (m === undefined) return 0
    const key = `${m.invert ? '!' : ''}${m.name}${m.prefix ? '+' : ''}`
    let n = this.#numbers.get(key)
    if (n === undefined) {
      n = this.#patterns.push(m) - 1
      this.#numbers.set(key, n)
      this.#bits.clear()
    }
    return n
  }

  /** By pattern number: 1 where the name fits. '' for no device. */
  bits(name: string): Uint8Array {
    let bits = this.#bits.get(name)
    if (bits === undefined) {
      bits = Uint8Array.from(this.#patterns, (m) => (fitsInterface(m, name) ? 1 : 0))
      this.#bits.set(name, bits)
    }
    return bits
  }
}

export class CompiledRule {
  readonly record: RuleRecord
  /** Evaluated in order after the integers fit. */
  readonly extra: readonly Matcher[]
  /** First match that is not modelled; met only when every known match fits. */
  readonly unmodelled: string | undefined
  readonly target: CompiledTarget
  #ref = -1

  constructor(record: RuleRecord, extra: readonly Matcher[], unmodelled: string | undefined, target: CompiledTarget) {
    this.record = record
    this.extra = extra
    this.unmodelled = unmodelled
    this.target = target
  }

  /** recorder ref of the rule's id; interned when first needed, so that rules nobody meets stay out of the trace. */
  ref(deps: TargetDeps): number {
    if (this.#ref < 0) this.#ref = deps.rec.ref(this.record.id)
    return this.#ref
  }
}

export class CompiledChain {
  readonly record: ChainRecord
  /** 1 when the policy drops. */
  readonly policyDrop: boolean
  readonly base: boolean
  words: Int32Array = new Int32Array(0)
  ready = false
  #rules: (CompiledRule | undefined)[] = []
  #compile: (i: number) => CompiledRule = () => {
    throw new Error('a chain is walked before it is compiled')
  }
  #ref = -1

  constructor(record: ChainRecord) {
    this.record = record
    this.base = record.hook !== undefined
    this.policyDrop = record.policy === 'DROP'
  }

  /** Number of its rules, once it is ready. */
  get length(): number {
    return this.#rules.length
  }

  /** `rules`: those that are compiled already; each other one is when a packet first fits it. */
  load(words: Int32Array, rules: (CompiledRule | undefined)[], compile: (i: number) => CompiledRule): void {
    this.words = words
    this.#rules = rules
    this.#compile = compile
    this.ready = true
  }

  /** Undefined beyond the last one. */
  rule(i: number): CompiledRule | undefined {
    const rule = this.#rules[i]
    if (rule !== undefined || i >= this.#rules.length) return rule
    const compiled = this.#compile(i)
    this.#rules[i] = compiled
    return compiled
  }

  ref(deps: TargetDeps): number {
    if (this.#ref < 0) this.#ref = deps.rec.ref(this.record.id)
    return this.#ref
  }
}

export interface CompileDeps extends MatchDeps, TargetDeps {
  readonly interfaces: InterfacePatterns
  /** Rules whose jump or goto closes a loop. */
  readonly loops: ReadonlySet<RuleRecord>
}

/** Compiles the chain's rules in place. `chains` are those of its table, by name. */
export function compileChain(
  chain: CompiledChain,
  rules: readonly RuleRecord[],
  chains: ReadonlyMap<string, CompiledChain>,
  deps: CompileDeps,
): void {
  const words = new Int32Array(rules.length * STRIDE)
  const compile = (i: number) => compileRule(rules[i] as RuleRecord, words.subarray(i * STRIDE, (i + 1) * STRIDE), chains, deps)
  const compiled = rules.map((rule, i) =>
    isDispatch(rule.spec, words.subarray(i * STRIDE, (i + 1) * STRIDE), deps.interfaces) ? undefined : compile(i),
  )
  chain.load(words, compiled, compile)
}

/**
 * A rule that sends some packets on, and says with integers alone which: a Service's in KUBE-SERVICES. Then the integers are all that
 * is needed of it until a packet fits. (A stateful match begins to count when its chain is first entered, so it may not wait.)
 */
function isDispatch(spec: RuleSpec, words: Int32Array, interfaces: InterfacePatterns): boolean {
  if (spec.target.kind !== 'jump' && spec.target.kind !== 'goto') return false
  writeHeader(spec, words, interfaces)
  for (const match of spec.matches) if (match.kind !== 'comment' && !foldPorts(match, spec, words)) return false
  return true
}

function compileRule(
  rule: RuleRecord,
  words: Int32Array,
  chains: ReadonlyMap<string, CompiledChain>,
  deps: CompileDeps,
): CompiledRule {
  const { spec } = rule
  writeHeader(spec, words, deps.interfaces)
  const extra: Matcher[] = []
  let unmodelled: string | undefined
  for (const match of spec.matches) {
    // A match before a stateful one must be evaluated before it; after the first of those, nothing moves into the integers.
    if (extra.every((m) => m.pure) && foldPorts(match, spec, words)) continue
    if (match.kind === 'comment' || match.kind === 'nfacct') continue
    const compiled = compileMatch(match, deps)
    if ('unmodelled' in compiled) unmodelled ??= compiled.unmodelled
    // Whether a counter behind an unknown match moves is unknown too, so it is left alone: the packet's story ends there.
    else if (unmodelled === undefined || compiled.pure) extra.push(compiled)
  }
  if (extra.length > 0 || unmodelled !== undefined) words[WORD.FLAGS] = (words[WORD.FLAGS] as number) | FLAG.EXTRA
  const target = deps.loops.has(rule)
    ? undetermined(deps, 'chain', `${rule.chain}: a chain that leads back to itself`)
    : compileTarget(spec.target, chains, deps)
  return new CompiledRule(rule, extra, unmodelled, target)
}

/** The fields of struct ipt_ip. */
function writeHeader(spec: RuleSpec, words: Int32Array, interfaces: InterfacePatterns): void {
  let flags = 0
  if (spec.src !== undefined) {
    words[WORD.SRC] = spec.src.address
    words[WORD.SRC_MASK] = spec.src.mask
    if (spec.src.invert) flags |= FLAG.INV_SRC
  }
  if (spec.dst !== undefined) {
    words[WORD.DST] = spec.dst.address
    words[WORD.DST_MASK] = spec.dst.mask
    if (spec.dst.invert) flags |= FLAG.INV_DST
  }
  if (spec.protocol !== undefined) {
    words[WORD.PROTOCOL] = spec.protocol.number
    if (spec.protocol.invert) flags |= FLAG.INV_PROTOCOL
  }
  if (spec.fragment !== undefined) flags |= spec.fragment.invert ? FLAG.WHOLE : FLAG.FRAGMENT
  words[WORD.IN] = interfaces.number(spec.inIface)
  words[WORD.OUT] = interfaces.number(spec.outIface)
  words[WORD.SPORT_TO] = 65535
  words[WORD.DPORT_TO] = 65535
  words[WORD.FLAGS] = flags
}

/** Moves a tcp or udp port match into the integers when it says nothing else and none is there yet. */
function foldPorts(match: Match, spec: RuleSpec, words: Int32Array): boolean {
  if (match.kind !== 'tcp' && match.kind !== 'udp') return false
  const flags = words[WORD.FLAGS] as number
  const protocol = match.kind === 'tcp' ? 6 : 17
  if ((flags & FLAG.PORTS) !== 0 || spec.protocol?.number !== protocol || spec.protocol.invert) return false
  if (match.kind === 'tcp' && (match.flags !== undefined || match.option !== undefined)) return false
  let more: number = FLAG.WHOLE | FLAG.PORTS
  if (match.sport !== undefined) {
    words[WORD.SPORT_FROM] = match.sport.from
    words[WORD.SPORT_TO] = match.sport.to
    if (match.sport.invert) more |= FLAG.INV_SPORT
  }
  if (match.dport !== undefined) {
    words[WORD.DPORT_FROM] = match.dport.from
    words[WORD.DPORT_TO] = match.dport.to
    if (match.dport.invert) more |= FLAG.INV_DPORT
  }
  words[WORD.FLAGS] = flags | more
  return true
}
