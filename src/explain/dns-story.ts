import { STEP } from '../trace/columns.ts'
import type { TraceReader } from '../trace/reader.ts'

// What processes said of their DNS messages, as steps hold it: reading it back, and finding what belongs together.

/** `A? web.`, `A? db.example.com. to 198.51.100.53`, `A? web. from 10.244.1.2:37988 over TCP` */
const QUESTION = /^([A-Z][A-Z0-9]*)\? (\S+)(?: (to|from) (\S+))?( over TCP)?$/
/** `NXDOMAIN A? web.`, `NOERROR A? web. 2 answers`, `… referral to com. from 198.51.100.241`, `… 1 answer, cached` */
const RESPONSE =
  /^([A-Z][A-Z0-9]*) ([A-Z][A-Z0-9]*)\? (\S+?)(?: (\d+) answers?| no answer| referral to (\S+?))?(, cached)?(, truncated)?(?: from (\S+))?$/

export interface Asked {
  readonly type: string
  readonly name: string
  /** Of a question to another server: its address; of one that came: the client's address and port. */
  readonly to?: string
  readonly from?: string
  /** Over a connection, not in a datagram. */
  readonly tcp: boolean
}

export interface Said {
  readonly rcode: string
  readonly type: string
  readonly name: string
  readonly answers: number
  readonly referral?: string
  readonly cached: boolean
  readonly truncated: boolean
  /** The server that a server has asked. */
  readonly from?: string
}

export function parseAsked(text: string): Asked | undefined {
  const [, type, name, way, end, tcp] = QUESTION.exec(text) ?? []
  if (type === undefined || name === undefined) return undefined
  return {
    type,
    name,
    tcp: tcp !== undefined,
    ...(way === 'to' && end !== undefined ? { to: end } : {}),
    ...(way === 'from' && end !== undefined ? { from: end } : {}),
  }
}

export function parseSaid(text: string): Said | undefined {
  const [, rcode, type, name, answers, referral, cached, truncated, from] = RESPONSE.exec(text) ?? []
  if (rcode === undefined || type === undefined || name === undefined) return undefined
  return {
    rcode,
    type,
    name,
    answers: Number(answers ?? 0),
    ...(referral === undefined ? {} : { referral }),
    cached: cached !== undefined,
    truncated: truncated !== undefined,
    ...(from === undefined ? {} : { from }),
  }
}

export interface ProcessStep {
  readonly seq: number
  readonly event: string
  readonly text: string
}

/** Steps of one process from `from` on and before `to`, in order. */
export function processSteps(reader: TraceReader, process: string, from: number, to: number): ProcessStep[] {
  const { events: e, refs } = reader.trace
  const ref = refs.indexOf(process)
  const out: ProcessStep[] = []
  for (let s = Math.max(0, from); s < to; s++) {
    if (e.kind[s] !== STEP.process || e.a[s] !== ref) continue
    const step = reader.step(s)
    if (step.kind === 'process') out.push({ seq: s, event: step.event, text: step.text.trim() })
  }
  return out
}

const SHOWN = 4

/** `web → 10.96.0.80`; of many addresses the first few. */
export function shortened(text: string): string {
  const parts = text.split(', ')
  return parts.length <= SHOWN ? text : `${parts.slice(0, SHOWN).join(', ')}, … (${parts.length})`
}

/** Timers of a resolver that waits for an answer. */
const WAITS: ReadonlySet<string> = new Set(['resolver timeout', 'lookup timeout', 'upstream timeout'])
export const isDnsWait = (what: string): boolean => WAITS.has(what)

/** A lookup under way at `seq`: from where a process began to resolve a name; undefined outside of any. */
export interface Lookup {
  readonly seq: number
  readonly name: string
  /** Its steps from there on, before `seq`. */
  readonly steps: readonly ProcessStep[]
}

export function lookupAt(reader: TraceReader, process: string, seq: number): Lookup | undefined {
  const own = processSteps(reader, process, 0, seq)
  const at = own.findLastIndex((s) => s.event === 'resolve')
  const start = own[at]
  if (start === undefined || start.text.includes(' → ')) return undefined
  return { seq: start.seq, name: start.text, steps: own.slice(at + 1) }
}
