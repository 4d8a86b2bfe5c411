import { formatIpv4 } from '../net/address.ts'
import { summarize } from '../net/summary.ts'
import { STEP } from './columns.ts'
import type { Hop } from './hops.ts'
import { chainName, destinationOf, deviceName, netnsName, placeName, sourceOf, targetText } from './names.ts'
import type { TraceReader } from './reader.ts'
import { nameOf, oneLine, routeFact, stepText } from './step-text.ts'
import { Walk } from './walk.ts'

export interface TextOptions {
  /** One line per step instead of one per hop. */
  readonly verbose?: boolean
  /** Only this journey (index). */
  readonly journey?: number
}

const TIME_WIDTH = 10
const PLACE_WIDTH = 24

/**
 * The trace as text: journeys with their command, their packets hop by hop, and how they ended. The same trace gives the
 * same text on every machine, so golden files can be compared.
 */
export function formatTrace(reader: TraceReader, options: TextOptions = {}): string {
  const out: string[] = []
  const { journeys, truncated } = reader.trace
  const wanted = (seq: number) => options.journey === undefined || reader.packets.journeyAt(seq) === options.journey
  const beginAt = new Map(journeys.map((j, i) => [j.first, i]))
  const endAt = new Map<number, number[]>()
  journeys.forEach((j, i) => {
    endAt.set(j.last, [...(endAt.get(j.last) ?? []), i])
  })
  const shown = (i: number) => options.journey === undefined || options.journey === i
  const lines = new HopLines(reader, out)
  for (let seq = 0; seq < reader.length; seq++) {
    const begins = beginAt.get(seq)
    if (begins !== undefined && shown(begins)) lines.heading(begins)
    if (wanted(seq)) {
      if (options.verbose === true) lines.step(seq)
      else lines.hopOrEvent(seq)
    }
    for (const i of endAt.get(seq) ?? []) if (shown(i)) lines.verdict(i)
  }
  if (truncated !== undefined) out.push(`cut short: ${truncated}`)
  return `${out.join('\n')}\n`
}

/** A packet's number in its column. */
const number = (packet: number): string => (packet < 0 ? '' : `#${packet}`).padStart(6).padEnd(8)

/** Virtual ns as milliseconds with microseconds. */
const time = (ns: number): string => (Math.round(ns / 1000) / 1000).toFixed(3).padStart(TIME_WIDTH)

class HopLines {
  readonly #reader: TraceReader
  readonly #out: string[]
  constructor(reader: TraceReader, out: string[]) {
    this.#reader = reader
    this.#out = out
  }

  heading(index: number): void {
    const j = this.#reader.trace.journeys[index]
    if (j === undefined) return
    if (this.#out.length > 0) this.#out.push('')
    const several = this.#reader.trace.journeys.length > 1
    this.#out.push(`${several ? `[${index + 1}] ` : ''}${j.from} $ ${j.run}`)
  }

  verdict(index: number): void {
    const j = this.#reader.trace.journeys[index]
    if (j === undefined) return
    const v = j.verdict
    const decided =
      v.kind === 'answered' || v.decidedBy === undefined
        ? ''
        : `, decided by step ${v.decidedBy}: ${stepText(this.#reader, v.decidedBy)}`
    const what = v.kind === 'answered' ? 'answered' : v.kind === 'failed' ? `failed ${v.error}` : `undetermined ${v.what}`
    this.#out.push(`= ${what}, exit ${j.exitCode}${decided}`)
    if (j.output !== '') for (const line of j.output.replace(/\n$/, '').split('\n')) this.#out.push(`| ${line}`.trimEnd())
  }

  /** `-v`: seq, time, place, facts. */
  step(seq: number): void {
    const r = this.#reader
    if (r.kindOf(seq) === STEP.born) this.#born(r.packetOf(seq), seq)
    const place = placeName(r.netnsAt(seq), r.deviceAt(seq)).padEnd(PLACE_WIDTH)
    this.#out.push(
      `${String(seq).padStart(6)} ${time(r.timeOf(seq))}${number(r.packetOf(seq))}${place} ${stepText(r, seq)}`.trimEnd(),
    )
  }

  /** A line where a hop begins, and for what happens outside of hops: processes, neighbours giving up, retransmissions. */
  hopOrEvent(seq: number): void {
    const r = this.#reader
    const hop = r.hops.hopOf(seq)
    if (r.kindOf(seq) === STEP.born) this.#born(r.packetOf(seq), seq)
    if (hop >= 0) {
      if (r.hops.first[hop] === seq) this.#hop(r.hops.hop(hop))
      return
    }
    const kind = r.kindOf(seq)
    if (kind !== STEP.process && kind !== STEP.neighState && kind !== STEP.tcpRetransmit) return
    const step = r.step(seq)
    if (step.kind === 'process' && (step.event === 'output' || step.event === 'exit')) return
    this.#out.push(
      `${time(r.timeOf(seq))}${number(-1)}${netnsName(r.netnsAt(seq)).padEnd(PLACE_WIDTH)} ${oneLine(stepText(r, seq))}`,
    )
  }

  /** A packet comes to be: who made it from what, and what it says. */
  #born(packet: number, seq: number): void {
    const r = this.#reader
    const { origin, parent } = r.packets.info(packet)
    const copy = origin === 'clone' && parent >= 0 ? ` copy of #${parent}` : ` ${summarize(r.packetAt(packet, seq))}`
    this.#out.push(`#${packet}${copy}`)
  }

  #hop(hop: Hop): void {
    const r = this.#reader
    const facts = hopFacts(r, hop).join(' · ')
    this.#out.push(
      `${time(r.timeOf(hop.first))}${number(hop.packet)}${placeName(hop.netns, hop.device).padEnd(PLACE_WIDTH)} ${facts}`.trimEnd(),
    )
  }
}

/** What happened in one hop, in order and in kernel terms; how it ended comes last, unless it simply went on. */
export function hopFacts(reader: TraceReader, hop: Hop): string[] {
  const facts = new Facts(reader)
  for (const seq of reader.hops.stepsOf(hop.index)) facts.add(seq, hop)
  return facts.take()
}

class Facts {
  readonly #reader: TraceReader
  readonly #out: string[] = []
  #walk: { readonly table: string; readonly walk: Walk } | undefined
  /** The hook whose tables are being listed; its own fact is open until the next one. */
  #hook: string | undefined
  /** seq before the first of a run of NAT rewrites. */
  #rewriting: number | undefined

  constructor(reader: TraceReader) {
    this.#reader = reader
  }

  take(): string[] {
    this.#closeHook()
    return this.#out
  }

  add(seq: number, hop: Hop): void {
    const r = this.#reader
    const step = r.step(seq)
    if (step.kind === 'rewrite') {
      this.#rewrite(seq, step.field)
      return
    }
    this.#closeRewrite(seq)
    switch (step.kind) {
      case 'hook':
        this.#closeHook()
        this.#hook = step.bridged ? `bridged ${step.hook}` : step.hook
        return
      case 'ct.lookup':
        if (this.#hook !== undefined) this.#hook += ` (${step.info})`
        return
      case 'chain':
        this.#closeWalk()
        this.#walk = { table: step.table, walk: new Walk(chainName(step.chain)) }
        return
      case 'rule':
        this.#walk?.walk.add(r, seq)
        return
      case 'route':
        if (step.purpose === 'rp_filter' || step.purpose === 'reply') return
        this.#fact(`route ${routeFact(r, step, seq)}`)
        return
      case 'rp_filter':
        if (!step.ok) this.#fact(stepText(r, seq))
        return
      case 'forward':
        if (!step.allowed) this.#fact(stepText(r, seq))
        return
      case 'bridge.learn':
      case 'bridge.decide':
      case 'mtu':
      case 'reassemble':
      case 'log':
      case 'neigh.state':
        this.#fact(stepText(r, seq).replace(/^neighbour (\S+) dev \S+/, 'neigh $1'))
        return
      case 'bridge.nf':
        if (!step.enabled) this.#fact(stepText(r, seq))
        return
      case 'arp.process':
        if (step.answer === 'reply') this.#fact(`answers for ${formatIpv4(step.target)}`)
        else if (step.answer !== 'update') this.#fact(step.answer === 'ignore' ? 'not for this host' : 'answers as proxy')
        return
      case 'deliver':
        this.#fact(step.socket === undefined ? `delivered to ${step.to}` : `delivered to ${nameOf(r, step.socket, seq)}`)
        return
      case 'drop':
      case 'undetermined':
        this.#fact(`✕ ${stepText(r, seq)}`)
        return
      case 'wait':
        this.#fact(`waits for ${nameOf(r, step.neighbour, seq).replace(/^neighbour /, '')}`)
        return
      case 'depart':
        if (step.to.startsWith('dev:') && deviceName(step.to).netns !== netnsName(hop.netns))
          this.#fact(`→ ${placeName('', step.to)}`)
        return
      default:
        return
    }
  }

  #fact(text: string): void {
    this.#closeHook()
    this.#out.push(text)
  }

  #rewrite(seq: number, field: string): void {
    const nat = field === 'ip.src' || field === 'ip.dst' || field === 'l4.sport' || field === 'l4.dport' || field === 'icmp.rest'
    if (nat) this.#rewriting ??= seq - 1
    else if (field === 'meta.mark' || field === 'payload') {
      this.#closeRewrite(seq)
      if (field === 'payload') this.#note('quoted datagram translated')
    }
  }

  /** A run of NAT rewrites has ended before `seq`: says what became of source and destination. */
  #closeRewrite(seq: number): void {
    if (this.#rewriting === undefined) return
    const r = this.#reader
    const packet = r.packetOf(seq)
    const before = r.packetAt(packet, this.#rewriting)
    const after = r.packetAt(packet, seq - 1)
    this.#rewriting = undefined
    this.#closeWalk()
    // The target's name says which end it is; without one, conntrack does as it did before.
    const named = (target: RegExp) => (target.test(this.#hook ?? '') ? '' : undefined)
    const src = named(/(SNAT|MASQUERADE)$/) ?? 'src '
    const dst = named(/(DNAT|REDIRECT.*)$/) ?? 'dst '
    if (sourceOf(before) !== sourceOf(after)) this.#note(`${src}${sourceOf(before)} → ${sourceOf(after)}`)
    if (destinationOf(before) !== destinationOf(after)) this.#note(`${dst}${destinationOf(before)} → ${destinationOf(after)}`)
  }

  /** Belongs to the hook that is open, if one is. */
  #note(text: string): void {
    this.#closeWalk()
    if (this.#hook === undefined) this.#out.push(text)
    else this.#hook += ` ${text}`
  }

  #closeWalk(): void {
    const walk = this.#walk
    this.#walk = undefined
    if (walk === undefined || walk.walk.rules.length === 0) return
    let before: readonly string[] = []
    const parts = walk.walk.rules.map(({ path, target }) => {
      let shared = 0
      while (shared < path.length && path[shared] === before[shared]) shared++
      before = path
      return [...path.slice(shared), ''].join(' → ').replace(/ → $/, ' ').trimStart() + targetText(target)
    })
    if (this.#hook !== undefined) this.#hook += ` ${walk.table}: ${parts.join(', ')}`
  }

  #closeHook(): void {
    this.#closeWalk()
    if (this.#hook !== undefined) this.#out.push(this.#hook)
    this.#hook = undefined
  }
}
