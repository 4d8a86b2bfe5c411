import type { AddressMatch, Match, RuleSpec, Target } from '../../world/netfilter.ts'
import type { Counters } from '../../world/records.ts'
import { implicitMatch, MATCHES, type MatchSyntax } from './matches.ts'
import { OTHER_TARGETS } from './names.ts'
import { type Draft, decimal, type RuleReader } from './reader.ts'
import { TARGETS, type TargetSyntax } from './targets.ts'

/** An extension whose options are being read: `from` and `to` bound its words, for when it has to be kept as they stand. */
interface OpenMatch {
  readonly name: string
  readonly syntax: MatchSyntax | undefined
  readonly draft: unknown
  readonly from: number
  to: number
  unmodelled: boolean
}
interface OpenTarget {
  readonly name: string
  readonly syntax: TargetSyntax | undefined
  readonly draft: unknown
  readonly from: number
  to: number
  unmodelled: boolean
}

/** What one `-A` line holds: more than one spec when `-s` or `-d` listed several addresses. */
export interface RuleText {
  readonly specs: readonly RuleSpec[]
  readonly counters: Counters | undefined
}

/** Tells a jump from an extension: the chain's own name (interned), or undefined when no such chain is declared yet. */
export type ChainNames = (name: string) => string | undefined

const OPTION = {
  none: 0,
  source: 1,
  destination: 2,
  protocol: 3,
  in: 4,
  out: 5,
  fragment: 6,
  match: 7,
  jump: 8,
  goto: 9,
  counters: 10,
  ipv4: 11,
}
const GENERIC: ReadonlyMap<string, number> = new Map([
  ['-s', OPTION.source],
  ['--source', OPTION.source],
  ['--src', OPTION.source],
  ['-d', OPTION.destination],
  ['--destination', OPTION.destination],
  ['--dst', OPTION.destination],
  ['-p', OPTION.protocol],
  ['--protocol', OPTION.protocol],
  ['--proto', OPTION.protocol],
  ['-i', OPTION.in],
  ['--in-interface', OPTION.in],
  ['-o', OPTION.out],
  ['--out-interface', OPTION.out],
  ['-f', OPTION.fragment],
  ['--fragment', OPTION.fragment],
  ['-m', OPTION.match],
  ['--match', OPTION.match],
  ['-j', OPTION.jump],
  ['--jump', OPTION.jump],
  ['-g', OPTION.goto],
  ['--goto', OPTION.goto],
  ['-c', OPTION.counters],
  ['--set-counters', OPTION.counters],
  ['-4', OPTION.ipv4],
  ['--ipv4', OPTION.ipv4],
])

/**
 * Reads the words after `-A CHAIN` (do_command4 in iptables/iptables.c). Refusals are left in `r.expected`.
 * A name after -j that is neither a chain, a modelled target nor a known extension is kept as an unknown target;
 * the caller checks those once all chains are known.
 */
export function readRule(r: RuleReader, chainNames: ChainNames): RuleText {
  const spec: Draft<RuleSpec> = { matches: NO_MATCHES, target: NO_TARGET }
  const matches: OpenMatch[] = []
  let target: OpenTarget | undefined
  let jump: Target | undefined
  let counters: Counters | undefined
  let sources: string[] | undefined
  let destinations: string[] | undefined
  let current: OpenMatch | OpenTarget | undefined

  while (r.at < r.count && r.expected === undefined) {
    const at = r.at
    const word = r.words[r.at++] as string
    if (word === '!') {
      if (current && current.syntax === undefined && !GENERIC.has(r.words[r.at] ?? '-m')) current.to = r.at
      else if (r.invert) r.fail('an option after "!"', '!')
      else r.invert = true
      continue
    }
    const generic =
      word.charCodeAt(0) === 45 && (word.length === 2 || current === undefined || !ownsOption(current, word))
        ? GENERIC.get(word)
        : undefined
    if (generic === undefined) {
      if (current !== undefined && ownsOption(current, word)) {
        takeOption(r, current, word)
      } else if (current !== undefined && current.syntax === undefined) {
        current.to = r.at
      } else {
        const owner = findOwner(matches, target, word) ?? openImplicit(spec, matches, word, at)
        if (owner === undefined)
          r.fail(word.startsWith('-') ? 'an option of this rule, its matches or its target' : 'an option', word)
        else {
          current = owner
          takeOption(r, owner, word)
        }
      }
      if (r.invert) r.fail(`an option that "!" can invert`, word)
      continue
    }
    switch (generic) {
      case OPTION.source: {
        const w = r.word()
        const invert = r.takeInvert()
        if (w.includes(',')) sources = w.split(',')
        spec.src = r.addressIn(sources?.[0] ?? w, invert)
        if (sources && invert) r.fail('one address after "! -s"', w)
        break
      }
      case OPTION.destination: {
        const w = r.word()
        const invert = r.takeInvert()
        if (w.includes(',')) destinations = w.split(',')
        spec.dst = r.addressIn(destinations?.[0] ?? w, invert)
        if (destinations && invert) r.fail('one address after "! -d"', w)
        break
      }
      case OPTION.protocol:
        spec.protocol = r.protocol()
        break
      case OPTION.in:
        spec.inIface = r.interfaceMatch()
        break
      case OPTION.out:
        spec.outIface = r.interfaceMatch()
        break
      case OPTION.fragment:
        spec.fragment = { invert: r.takeInvert() }
        break
      case OPTION.match: {
        const name = r.word()
        const syntax = MATCHES.get(name)
        const open = { name, syntax, draft: syntax?.begin(), from: r.at, to: r.at, unmodelled: false }
        matches.push(open)
        current = open
        break
      }
      case OPTION.jump: {
        const name = r.word()
        const chain = chainNames(name)
        if (chain !== undefined) jump = { kind: 'jump', chain }
        else {
          const syntax = TARGETS.get(name)
          current = target = { name, syntax, draft: syntax?.begin(), from: r.at, to: r.at, unmodelled: false }
        }
        break
      }
      case OPTION.goto: {
        const name = r.word()
        jump = { kind: 'goto', chain: chainNames(name) ?? name }
        break
      }
      case OPTION.counters:
        counters = readCounters(r)
        break
    }
    if (r.invert) r.fail('an option that "!" can invert', word)
  }
  if (r.invert) r.fail('an option after "!"', '')
  if (r.expected !== undefined) return { specs: [], counters }
  if (matches.length > 0) spec.matches = matches.map((m) => finishMatch(r, m))
  if (target) spec.target = finishTarget(r, target)
  else if (jump) spec.target = jump
  dropAny(spec)
  return { specs: sources || destinations ? expand(r, spec, sources, destinations) : [spec], counters }
}

const NO_MATCHES: readonly Match[] = []
const NO_TARGET: Target = { kind: 'none' }

const ownsOption = (open: OpenMatch | OpenTarget, word: string): boolean =>
  open.syntax === undefined ? word.startsWith('--') && !GENERIC.has(word) : open.syntax.options.has(word)

function takeOption(r: RuleReader, open: OpenMatch | OpenTarget, word: string): void {
  const option = open.syntax?.options.get(word)
  if (option === undefined) {
    open.to = r.at
    r.invert = false
    return
  }
  option(open.draft as never, r)
  if (r.unmodelled) {
    open.unmodelled = true
    r.unmodelled = false
    // Its arguments are not known here: everything up to the next option is taken for them.
    while (r.at < r.count && !(r.words[r.at] as string).startsWith('-') && r.words[r.at] !== '!') r.at++
    r.invert = false
  }
  open.to = r.at
}

/** Options may also come later than the next -m: the last extension that knows one has it, as in iptables. */
function findOwner(
  matches: readonly OpenMatch[],
  target: OpenTarget | undefined,
  word: string,
): OpenMatch | OpenTarget | undefined {
  if (target?.syntax?.options.has(word)) return target
  for (let i = matches.length - 1; i >= 0; i--) if (matches[i]?.syntax?.options.has(word)) return matches[i]
  return undefined
}

function openImplicit(spec: Draft<RuleSpec>, matches: OpenMatch[], word: string, at: number): OpenMatch | undefined {
  const name = implicitMatch(spec)
  const syntax = name === undefined ? undefined : MATCHES.get(name)
  if (name === undefined || syntax === undefined || !syntax.options.has(word)) return undefined
  const open: OpenMatch = { name, syntax, draft: syntax.begin(), from: at, to: at, unmodelled: false }
  matches.push(open)
  return open
}

function readCounters(r: RuleReader): Counters {
  const first = r.word()
  const comma = first.indexOf(',')
  const packets = decimal(comma < 0 ? first : first.slice(0, comma))
  const second = comma < 0 ? r.word() : first.slice(comma + 1)
  const bytes = decimalBig(second)
  if (packets < 0 || bytes < 0) r.fail('packet and byte counters after -c', `${first} ${second}`)
  return { packets, bytes }
}

/** Byte counters outgrow ten digits; beyond 2^53 they lose their last digits, which no reader can tell. */
export const decimalBig = (w: string): number => (/^\d{1,20}$/.test(w) ? Number(w) : -1)

function finishMatch(r: RuleReader, m: OpenMatch): Match {
  if (m.syntax === undefined || m.unmodelled) return { kind: 'unknown', name: m.name, arguments: r.words.slice(m.from, m.to) }
  return m.syntax.finish(m.draft as never, r)
}

function finishTarget(r: RuleReader, t: OpenTarget): Target {
  if (t.syntax === undefined || t.unmodelled) return { kind: 'unknown', name: t.name, arguments: r.words.slice(t.from, t.to) }
  return t.syntax.finish(t.draft as never, r)
}

/** `-s 0.0.0.0/0` and `-p all` say nothing, and the kernel keeps nothing of them. */
function dropAny(spec: Draft<RuleSpec>): void {
  if (spec.src && spec.src.mask === 0 && !spec.src.invert) delete spec.src
  if (spec.dst && spec.dst.mask === 0 && !spec.dst.invert) delete spec.dst
  if (spec.protocol && spec.protocol.number === 0 && !spec.protocol.invert) delete spec.protocol
}

function expand(r: RuleReader, spec: RuleSpec, sources: string[] | undefined, destinations: string[] | undefined): RuleSpec[] {
  const all = (list: string[] | undefined, one: AddressMatch | undefined) =>
    list ? list.map((w) => r.addressIn(w, false)) : [one]
  const out: RuleSpec[] = []
  for (const src of all(sources, spec.src)) {
    for (const dst of all(destinations, spec.dst)) {
      const { src: _s, dst: _d, ...rest } = spec
      out.push({ ...(src ? { src } : {}), ...(dst ? { dst } : {}), ...rest })
    }
  }
  return out
}

export const isKnownTarget = (name: string): boolean => TARGETS.has(name) || OTHER_TARGETS.has(name)
