import { summarize } from '../net/summary.ts'
import { STEP } from './columns.ts'
import { hopFacts } from './hop-text.ts'
import type { Hop } from './hops.ts'
import { netnsName, placeName } from './names.ts'
import type { TraceReader } from './reader.ts'
import { oneLine, stepText } from './step-text.ts'

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
    for (const i of endAt.get(seq) ?? []) if (shown(i)) lines.verdict(i, options.verbose === true)
  }
  if (truncated !== undefined) out.push(`cut short: ${truncated}`)
  return `${out.join('\n')}\n`
}

/** A packet's number in its column. */
const number = (packet: number): string => (packet < 0 ? '' : `#${packet}`).padStart(6).padEnd(8)

/** Virtual ns as milliseconds with microseconds. */
const time = (ns: number): string => (Math.round(ns / 1000) / 1000).toFixed(3).padStart(TIME_WIDTH)

/** What happens outside of any hop and gets a line of its own. A conntrack entry without a packet was deleted by kube-proxy. */
const OUTSIDE_HOPS: ReadonlySet<number> = new Set([
  STEP.process,
  STEP.neighState,
  STEP.tcpRetransmit,
  STEP.change,
  STEP.ctChange,
  STEP.proxyRoute,
  STEP.proxyCopy,
])

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

  verdict(index: number, verbose: boolean): void {
    const j = this.#reader.trace.journeys[index]
    if (j === undefined) return
    const v = j.verdict
    const decided =
      v.kind === 'answered' || v.decidedBy === undefined
        ? ''
        : `, decided by ${verbose ? `step ${v.decidedBy}: ` : ''}${stepText(this.#reader, v.decidedBy)}`
    const what = v.kind === 'answered' ? 'answered' : v.kind === 'failed' ? `failed ${v.error}` : `undetermined ${v.what}`
    this.#out.push(`= ${what}, exit ${j.exitCode}${decided}`)
    for (const note of j.notes ?? []) this.#out.push(`! ${note}`)
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
    if (!OUTSIDE_HOPS.has(kind)) return
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
