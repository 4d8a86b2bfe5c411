import { dnsBrief } from '../net/dns-brief.ts'
import { parseResolvConf } from '../net/resolv-conf.ts'
import { STEP } from '../trace/columns.ts'
import type { TraceReader } from '../trace/reader.ts'
import type { Timeline } from '../trace/timeline.ts'
import type { LookupPart } from './dns-fact.ts'
import { isDnsWait, lookupAt, parseAsked, parseSaid, shortened } from './dns-story.ts'
import { code } from './sentence.ts'

// How a command came by the address of its name, for the verdict of its journey.

/** The lookup that ends with step `seq` (`web → 10.96.0.80`); undefined where no question was asked. */
export function lookupPart(reader: TraceReader, timeline: Timeline, process: string, seq: number): LookupPart | undefined {
  const step = reader.step(seq)
  const lookup = lookupAt(reader, process, seq)
  if (step.kind !== 'process' || lookup === undefined) return undefined
  const asked = lookup.steps.filter((s) => s.event === 'send' && parseAsked(s.text) !== undefined).length
  if (asked === 0) return undefined
  const missing = lookup.steps.flatMap((s) => {
    const said = s.event === 'receive' ? parseSaid(s.text) : undefined
    return said?.rcode === 'NXDOMAIN' ? [said.name] : []
  })
  const file = timeline
    .at(seq)
    .list('file', reader.netnsAt(seq))
    .find((f) => f.path === '/etc/resolv.conf')
  return {
    text: code(shortened(step.text.trim())),
    asked,
    missing: new Set(missing).size,
    ndots: parseResolvConf(file?.content).ndots,
    duration: reader.timeOf(seq) - reader.timeOf(lookup.seq),
    waits: waitsOf(reader, process, lookup.seq, seq),
  }
}

/** Timers of the resolver that ran out. */
function waitsOf(reader: TraceReader, process: string, from: number, to: number): number {
  const { events: e, refs } = reader.trace
  const ref = refs.indexOf(process)
  let waits = 0
  for (let s = from; s < to; s++) {
    if (e.kind[s] !== STEP.timer || e.b[s] !== ref) continue
    const step = reader.step(s)
    if (step.kind === 'timer' && isDnsWait(step.what)) waits++
  }
  return waits
}

/** The step that dropped the first DNS packet of a journey that was dropped. */
export function lostOf(reader: TraceReader, steps: readonly number[]): number | undefined {
  const drop = steps.find((s) => {
    const packet = reader.packetOf(s)
    return reader.kindOf(s) === STEP.drop && packet >= 0 && dnsBrief(reader.packetAt(packet, s)) !== undefined
  })
  if (drop === undefined) return undefined
  // Where conntrack dropped it, the clash before says why.
  for (let s = drop - 1; s >= 0 && reader.packetOf(s) === reader.packetOf(drop); s--) {
    const step = reader.step(s)
    if (step.kind === 'ct.change' && step.change === 'clash') return s
    if (step.kind !== 'ct.change') break
  }
  return drop
}
