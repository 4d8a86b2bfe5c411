import type { AddressMatch, Match, ProtocolMatch, RuleSpec, Target } from '../../world/netfilter.ts'
import type { Counters } from '../../world/records.ts'
import type { MatchSyntax } from './match-syntax.ts'
import { implicitMatch, MATCHES } from './matches.ts'
import { OTHER_TARGETS } from './names.ts'
import { type Draft, decimal, RuleReader } from './reader.ts'
import { TARGETS, type TargetSyntax } from './targets.ts'

/**
 * An extension whose options are being read: `from` and `to` bound its words, for when it has to be kept as they stand.
 * Reused from rule to rule.
 */
class Extension {
  name = ''
  /** Undefined for an extension that is not modelled at all. */
  syntax: MatchSyntax | TargetSyntax | undefined
  draft: unknown
  from = 0
  to = 0
  unmodelled = false

  open(name: string, syntax: MatchSyntax | TargetSyntax | undefined, at: number): this {
    this.name = name
    this.syntax = syntax
    this.draft = syntax?.begin()
    this.from = this.to = at
    this.unmodelled = false
    return this
  }

  get kept(): boolean {
    return this.syntax === undefined || this.unmodelled
  }
}

/** check_proto() of libxt_multiport.c: protocols whose header begins with two ports. */
const PORTED: ReadonlySet<number> = new Set([6, 17, 33, 132, 136])
const hasPorts = (p: ProtocolMatch | undefined): boolean => p !== undefined && !p.invert && PORTED.has(p.number)

/** What one `-A` line holds: more than one spec when `-s` or `-d` listed several addresses. */
export interface RuleText {
  readonly specs: readonly RuleSpec[]
  readonly counters: Counters | undefined
}

/** Tells a jump from an extension: the chain's own name (interned), or undefined when no such chain is declared yet. */
export type ChainNames = (name: string) => string | undefined

const NO_MATCHES: readonly Match[] = []
const NO_TARGET: Target = { kind: 'none' }

/**
 * Reads the words after `-A CHAIN` (do_command4 in iptables/iptables.c). A refusal is left in `expected` and `found`.
 * A name after -j that is neither a chain, a modelled target nor a known extension is kept as an unknown target;
 * the caller checks those once all chains are known.
 */
export class RuleParser extends RuleReader {
  readonly #chainNames: ChainNames
  readonly #pool: Extension[] = []
  readonly #targetSlot = new Extension()
  #matches = 0
  #current: Extension | undefined
  #target: Extension | undefined
  #jump: Target | undefined
  #counters: Counters | undefined
  #sources: readonly string[] | undefined
  #destinations: readonly string[] | undefined
  #spec: Draft<RuleSpec> = { matches: NO_MATCHES, target: NO_TARGET }

  constructor(chainNames: ChainNames) {
    super()
    this.#chainNames = chainNames
  }

  /** Reads `words[at, count)`. */
  rule(words: string[], count: number, at: number): RuleText {
    this.start(words, count, at)
    this.#matches = 0
    this.#current = this.#target = undefined
    this.#jump = this.#counters = undefined
    this.#sources = this.#destinations = undefined
    this.#spec = { matches: NO_MATCHES, target: NO_TARGET }
    while (this.at < this.count && this.expected === undefined) this.#option()
    if (this.invert) this.fail('an option after "!"', '')
    return { specs: this.expected === undefined ? this.#finish() : [], counters: this.#counters }
  }

  #option(): void {
    const word = this.words[this.at++] as string
    const current = this.#current
    if (word === '!') {
      const next = this.words[this.at]
      // Part of an extension that is kept as it stands, unless a general option follows.
      if (current?.syntax === undefined && current !== undefined && next !== undefined && !GENERAL.has(next)) current.to = this.at
      else if (this.invert) this.fail('an option after "!"', '!')
      else this.invert = true
      return
    }
    const own = current?.syntax?.options.get(word)
    if (own !== undefined && current !== undefined) this.#take(current, own)
    else {
      const general = GENERAL.get(word)
      if (general !== undefined) general.call(this)
      else if (current !== undefined && current.syntax === undefined) {
        current.to = this.at
        this.invert = false
      } else this.#elsewhere(word)
    }
    if (this.invert) this.fail('an option that "!" can invert', word)
  }

  #take(extension: Extension, option: (draft: never, r: RuleReader) => void): void {
    option(extension.draft as never, this)
    if (this.unmodelled) {
      extension.unmodelled = true
      this.unmodelled = false
      this.invert = false
      // How many arguments it takes is not known here: all words up to the next option.
      while (this.at < this.count && !/^[-!]/.test(this.words[this.at] as string)) this.at++
    }
    extension.to = this.at
  }

  /** Options may come later than the next -m: the last extension that knows one has it; `-p tcp` brings its own. */
  #elsewhere(word: string): void {
    for (const extension of [this.#target, ...this.#pool.slice(0, this.#matches).reverse()]) {
      const option = extension?.syntax?.options.get(word)
      if (extension === undefined || option === undefined) continue
      this.#current = extension
      this.#take(extension, option)
      return
    }
    const name = implicitMatch(this.#spec) ?? ''
    const option = MATCHES.get(name)?.options.get(word)
    if (option === undefined) this.fail('an option of this rule, its matches or its target', word)
    else this.#take(this.#openMatch(name, this.at - 1), option)
  }

  #openMatch(name: string, at: number): Extension {
    let slot = this.#pool[this.#matches]
    if (slot === undefined) {
      slot = new Extension()
      this.#pool.push(slot)
    }
    this.#matches++
    this.#current = slot.open(name, MATCHES.get(name), at)
    return slot
  }

  // The general options.

  source(): void {
    const w = this.word()
    const invert = this.takeInvert()
    if (w.includes(',')) this.#sources = this.#list(w, invert)
    this.#spec.src = this.addressIn(this.#sources?.[0] ?? w, invert)
  }
  destination(): void {
    const w = this.word()
    const invert = this.takeInvert()
    if (w.includes(',')) this.#destinations = this.#list(w, invert)
    this.#spec.dst = this.addressIn(this.#destinations?.[0] ?? w, invert)
  }
  #list(w: string, invert: boolean): string[] {
    if (invert) this.fail('one address after "!"', w)
    return w.split(',')
  }
  protocolOption(): void {
    this.#spec.protocol = this.protocol()
  }
  inInterface(): void {
    this.#spec.inIface = this.interfaceMatch()
  }
  outInterface(): void {
    this.#spec.outIface = this.interfaceMatch()
  }
  fragment(): void {
    this.#spec.fragment = { invert: this.takeInvert() }
  }
  match(): void {
    const name = this.word()
    this.#openMatch(name, this.at)
  }
  jump(): void {
    const name = this.word()
    const chain = this.#chainNames(name)
    if (chain !== undefined) this.#jump = { kind: 'jump', chain }
    else this.#current = this.#target = this.#targetSlot.open(name, TARGETS.get(name), this.at)
  }
  goto(): void {
    const name = this.word()
    this.#jump = { kind: 'goto', chain: this.#chainNames(name) ?? name }
  }
  /** `-c PACKETS BYTES` or `-c PACKETS,BYTES`. */
  counters(): void {
    const first = this.word()
    const comma = first.indexOf(',')
    const packets = decimal(comma < 0 ? first : first.slice(0, comma))
    const bytes = decimalBig(comma < 0 ? this.word() : first.slice(comma + 1))
    if (packets < 0 || bytes < 0) this.fail('packet and byte counters after -c', first)
    else this.#counters = { packets, bytes }
  }

  #finish(): readonly RuleSpec[] {
    const spec = this.#spec
    if (this.#matches > 0) {
      const matches: Match[] = []
      for (let i = 0; i < this.#matches; i++) matches.push(this.#finishMatch(this.#pool[i] as Extension))
      spec.matches = matches
    }
    if (spec.matches.some((m) => m.kind === 'multiport') && !hasPorts(spec.protocol))
      this.fail('-p tcp, udp, udplite, sctp or dccp before -m multiport', 'multiport')
    if (this.#target) spec.target = this.#finishTarget(this.#target)
    else if (this.#jump) spec.target = this.#jump
    // `-s 0.0.0.0/0` and `-p all` say nothing, and the kernel keeps nothing of them.
    if (spec.src?.mask === 0 && !spec.src.invert) delete spec.src
    if (spec.dst?.mask === 0 && !spec.dst.invert) delete spec.dst
    if (spec.protocol?.number === 0 && !spec.protocol.invert) delete spec.protocol
    return this.#sources || this.#destinations ? this.#expand(spec) : [spec]
  }

  #finishMatch(m: Extension): Match {
    if (m.kept) return { kind: 'unknown', name: m.name, arguments: this.words.slice(m.from, m.to) }
    return (m.syntax as MatchSyntax).finish(m.draft as never, this)
  }

  #finishTarget(t: Extension): Target {
    if (t.kept) return { kind: 'unknown', name: t.name, arguments: this.words.slice(t.from, t.to) }
    return (t.syntax as TargetSyntax).finish(t.draft as never, this)
  }

  /** One rule for each pair of addresses, sources outside (xtables_ipparse_multiple). */
  #expand(spec: RuleSpec): RuleSpec[] {
    const all = (list: readonly string[] | undefined, one: AddressMatch | undefined) =>
      list ? list.map((w) => this.addressIn(w, false)) : [one]
    const { src: _src, dst: _dst, ...rest } = spec
    return all(this.#sources, spec.src).flatMap((src) =>
      all(this.#destinations, spec.dst).map((dst) => ({ ...(src ? { src } : {}), ...(dst ? { dst } : {}), ...rest })),
    )
  }
}

type GeneralOption = (this: RuleParser) => void
const { source, destination, protocolOption, inInterface, outInterface, fragment, match, jump, goto, counters } =
  RuleParser.prototype
const nothing: GeneralOption = () => undefined
const GENERAL: ReadonlyMap<string, GeneralOption> = new Map<string, GeneralOption>([
  ['-s', source],
  ['--source', source],
  ['--src', source],
  ['-d', destination],
  ['--destination', destination],
  ['--dst', destination],
  ['-p', protocolOption],
  ['--protocol', protocolOption],
  ['--proto', protocolOption],
  ['-i', inInterface],
  ['--in-interface', inInterface],
  ['-o', outInterface],
  ['--out-interface', outInterface],
  ['-f', fragment],
  ['--fragment', fragment],
  ['-m', match],
  ['--match', match],
  ['-j', jump],
  ['--jump', jump],
  ['-g', goto],
  ['--goto', goto],
  ['-c', counters],
  ['--set-counters', counters],
  ['-4', nothing],
  ['--ipv4', nothing],
])

/** Byte counters outgrow ten digits; beyond 2^53 they lose their last digits, which no reader can tell. */
export const decimalBig = (w: string): number => (/^\d{1,20}$/.test(w) ? Number(w) : -1)

export const isKnownTarget = (name: string): boolean => TARGETS.has(name) || OTHER_TARGETS.has(name)
