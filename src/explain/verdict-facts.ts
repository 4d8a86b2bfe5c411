import { formatIpv4 } from '../net/address.ts'
import { STEP } from '../trace/columns.ts'
import { deviceName, netnsName, sourceOf } from '../trace/names.ts'
import type { TraceReader } from '../trace/reader.ts'
import type { Timeline } from '../trace/timeline.ts'
import type { LookupPart } from './dns-fact.ts'
import { lookupPart, lostOf } from './dns-verdict.ts'
import type { VerdictFact } from './fact.ts'
import { named, ownerOf, whereOf } from './names.ts'
import { proxiesOf } from './proxy-facts.ts'
import { change, code, record, type Sentence, type Span } from './sentence.ts'
import { redirectionAt, type ServiceTranslation, serviceOfPacket, translationAt } from './service-facts.ts'

type Extra = Extract<VerdictFact, { kind: 'failed' }>['extra']

/**
 * Why a journey ended as it did. `explain` turns the deciding step into a sentence.
 */
export function verdictFact(
  reader: TraceReader,
  timeline: Timeline,
  index: number,
  explain: (seq: number) => Sentence,
): VerdictFact {
  const journey = reader.trace.journeys[index]
  if (journey === undefined) throw new Error(`there is no journey ${index}`)
  const command = record(journey.process, journey.run)
  const v = journey.verdict
  const steps = journeySteps(reader, index)
  switch (v.kind) {
    case 'answered': {
      const { lookup, rest } = afterLookup(reader, timeline, journey.process, steps)
      const lost = lookup === undefined || lookup.waits === 0 ? undefined : lostOf(reader, steps)
      const service = serviceOfJourney(reader, timeline, rest)
      return {
        kind: 'answered',
        command,
        exitCode: journey.exitCode,
        ...(lookup === undefined ? {} : { lookup }),
        ...(lost === undefined ? {} : { lost: explain(lost) }),
        ...(service === undefined ? {} : { service: { change: service.change, ...objectOf(service), ...podOf(service) } }),
        destinations: destinationsOf(reader, timeline, rest),
        masquerades: masqueradesOf(reader, rest),
        way: wayOf(reader, rest),
        proxies: proxiesOf(reader, steps),
      }
    }
    case 'failed': {
      const extra = extraOf(reader, timeline, index, steps)
      return {
        kind: 'failed',
        command,
        error: v.error,
        ...(v.decidedBy === undefined || extra?.kind === 'port-taken' || extra?.kind === 'reply-not-translated'
          ? {}
          : { because: explain(v.decidedBy) }),
        ...(extra === undefined ? {} : { extra }),
      }
    }
    case 'undetermined':
      return {
        kind: 'undetermined',
        command,
        what: v.what,
        ...(v.decidedBy === undefined ? {} : { because: explain(v.decidedBy) }),
      }
  }
}

const objectOf = (s: ServiceTranslation) => (s.object === undefined ? {} : { object: s.object })
const podOf = (s: ServiceTranslation) => (s.role.pod === undefined ? {} : { pod: s.role.pod })

/** A command that looks a name up first: what the name came to, and what the command did after that. The lookup itself when it was all. */
function afterLookup(
  reader: TraceReader,
  timeline: Timeline,
  process: string,
  steps: readonly number[],
): { readonly lookup?: LookupPart; readonly rest: readonly number[] } {
  const at = steps.findIndex((s) => isResolved(reader, process, s))
  const rest = steps.slice(Math.max(0, at))
  const sends = rest.some((s) => reader.kindOf(s) === STEP.born && reader.packets.origin(reader.packetOf(s)) === 'socket')
  const lookup = at < 0 || !sends ? undefined : lookupPart(reader, timeline, process, steps[at] ?? 0)
  return lookup === undefined ? { rest: steps } : { lookup, rest }
}

function isResolved(reader: TraceReader, process: string, seq: number): boolean {
  const step = reader.kindOf(seq) === STEP.process ? reader.step(seq) : undefined
  return step?.kind === 'process' && step.event === 'resolve' && step.process === process && step.text.includes(' → ')
}

/** First and last seq between which a journey's steps lie: its own, and what it brought about later. */
function journeySteps(reader: TraceReader, index: number): number[] {
  const out: number[] = []
  for (let s = 0; s < reader.length; s++) if (reader.packets.journeyAt(s) === index) out.push(s)
  return out
}

function serviceOfJourney(reader: TraceReader, timeline: Timeline, steps: readonly number[]): ServiceTranslation | undefined {
  for (const s of steps) {
    if (reader.kindOf(s) !== STEP.rule) continue
    const found = translationAt(reader, timeline.at(s), reader.packetOf(s), s)
    if (found !== undefined) return found
  }
  return undefined
}

/** Destinations that rules of no Service's endpoints translated, on the way of the journey's first packet. */
function destinationsOf(
  reader: TraceReader,
  timeline: Timeline,
  steps: readonly number[],
): { where: Span; change: Span; owner?: Span }[] {
  const out: { where: Span; change: Span; owner?: Span }[] = []
  let packet: number | undefined
  for (const s of steps) {
    if (reader.kindOf(s) !== STEP.rule || (packet !== undefined && reader.packetOf(s) !== packet)) continue
    const found = redirectionAt(reader, timeline.at(s), s)
    if (found === undefined) continue
    packet = reader.packetOf(s)
    out.push({ where: whereOf(reader, s), ...found })
  }
  return out
}

/** Sources that rules translated on the way of the journey's first packet: node, then gateway. */
function masqueradesOf(reader: TraceReader, steps: readonly number[]): { where: Span; change: Span }[] {
  const out: { where: Span; change: Span }[] = []
  let packet: number | undefined
  for (const s of steps) {
    if (reader.kindOf(s) !== STEP.nat || (packet !== undefined && reader.packetOf(s) !== packet)) continue
    const step = reader.step(s)
    if (step.kind !== 'nat' || step.manip !== 'src' || step.binding !== 'rule') continue
    packet = reader.packetOf(s)
    const first = reader.rewritesOf(packet).find((r) => r > s)
    const rewrite = first === undefined ? undefined : reader.step(first)
    if (first === undefined || rewrite?.kind !== 'rewrite' || rewrite.field !== 'ip.src') continue
    out.push({ where: whereOf(reader, s), change: change(formatIpv4(rewrite.from), formatIpv4(rewrite.to)) })
  }
  return out
}

/** The namespaces that the first packet of the command itself went through. */
function wayOf(reader: TraceReader, steps: readonly number[]): Span[] {
  const born = steps.find((s) => reader.kindOf(s) === STEP.born && reader.packets.origin(reader.packetOf(s)) === 'socket')
  const way: string[] = []
  if (born === undefined) return []
  for (const h of reader.hops.hopsOf(reader.packetOf(born))) {
    const { netns } = reader.hops.hop(h)
    if (way.at(-1) !== netns) way.push(netns)
  }
  return way.map((id) => record(id, netnsName(id)))
}

/** What one step cannot show: that nobody has an address any more, that a reply was never translated back, that nobody was told. */
function extraOf(reader: TraceReader, timeline: Timeline, index: number, steps: readonly number[]): Extra {
  const taken = portTaken(reader, timeline, index)
  if (taken !== undefined) return taken
  const untranslated = untranslatedReply(reader, timeline, steps)
  if (untranslated !== undefined) return untranslated
  const stale = staleEntry(reader, timeline, steps)
  if (stale !== undefined) return stale
  const journey = reader.trace.journeys[index]
  const v = journey?.verdict
  if (journey !== undefined && v?.kind === 'failed' && v.error === 'EAI_AGAIN') {
    const resolved = steps.findLast((s) => isResolved(reader, journey.process, s))
    const part = resolved === undefined ? undefined : lookupPart(reader, timeline, journey.process, resolved)
    if (part !== undefined) return { kind: 'unresolved', asked: part.asked, duration: part.duration, waits: part.waits }
  }
  const seq = v?.kind === 'failed' ? v.decidedBy : undefined
  if (seq === undefined) return undefined
  const step = reader.step(seq)
  if (step.kind !== 'drop') return undefined
  const by = step.decidedBy === undefined ? undefined : reader.versions.near(step.decidedBy, seq)
  if (by?.kind === 'neighbour') {
    const view = timeline.at(seq)
    if (ownerOf(view, by.address) !== undefined) return undefined
    const packet = reader.packetOf(seq)
    const service =
      packet < 0 ? undefined : (serviceOfPacket(reader, view, packet, seq) ?? serviceOfJourney(reader, timeline, steps))
    const address = code(formatIpv4(by.address))
    const endpoint = service?.change.kind === 'change' && service.change.to.startsWith(`${formatIpv4(by.address)}:`)
    return service === undefined || !endpoint
      ? { kind: 'nobody-has', address }
      : { kind: 'stale-endpoint', address, ...(service.object === undefined ? {} : { service: service.object }) }
  }
  const told = steps.some(
    (s) => s > seq && reader.kindOf(s) === STEP.born && reader.packets.origin(reader.packetOf(s)) !== 'socket',
  )
  return v?.kind === 'failed' && (v.error === 'ETIMEDOUT' || v.error === 'no answer') && !told ? { kind: 'silent' } : undefined
}

/** The journey's first packet belonged to a connection of before, whose other end is gone. */
function staleEntry(reader: TraceReader, timeline: Timeline, steps: readonly number[]): Extra {
  const first = steps.find((s) => reader.kindOf(s) === STEP.born && reader.packets.origin(reader.packetOf(s)) === 'socket')
  const packet = first === undefined ? -1 : reader.packetOf(first)
  for (const s of steps) {
    if (reader.kindOf(s) !== STEP.ctLookup || reader.packetOf(s) !== packet) continue
    const step = reader.step(s)
    const entry =
      step.kind === 'ct.lookup' && step.conntrack !== undefined ? timeline.at(s).get('conntrack', step.conntrack) : undefined
    if (entry?.dstNat !== true || ownerOf(timeline.at(s), entry.reply.src) !== undefined) continue
    return {
      kind: 'stale-entry',
      entry: named(reader, entry.id, s),
      address: code(formatIpv4(entry.reply.src)),
      where: whereOf(reader, s),
    }
  }
  return undefined
}

/** A frame that a bridge switched past the IP hooks, although its flow had been translated on the way there. */
function untranslatedReply(reader: TraceReader, timeline: Timeline, steps: readonly number[]): Extra {
  const service = serviceOfJourney(reader, timeline, steps)
  if (service === undefined || service.change.kind !== 'change') return undefined
  for (const s of steps) {
    if (reader.kindOf(s) !== STEP.bridgeNf) continue
    const step = reader.step(s)
    const device = reader.deviceAt(s)
    if (step.kind !== 'bridge.nf' || step.enabled || step.sysctl === undefined || device === undefined) continue
    const packet = reader.packetOf(s)
    if (sourceOf(reader.packetAt(packet, s)) !== service.change.to) continue
    const sysctl = timeline.at(s).get('sysctl', step.sysctl)
    return {
      kind: 'reply-not-translated',
      sysctl: record(step.sysctl, sysctl === undefined ? step.sysctl : `${sysctl.key}=${sysctl.value}`),
      bridge: record(device, deviceName(device).name),
      expected: code(service.change.from),
      got: code(service.change.to),
      ...(service.object === undefined ? {} : { service: service.object }),
    }
  }
  return undefined
}

/** EADDRINUSE: who holds the port that the command wanted. */
function portTaken(reader: TraceReader, timeline: Timeline, index: number): Extra {
  const journey = reader.trace.journeys[index]
  if (journey?.verdict.kind !== 'failed' || journey.verdict.error !== 'EADDRINUSE') return undefined
  const step = journey.verdict.decidedBy === undefined ? undefined : reader.step(journey.verdict.decidedBy)
  const port = step?.kind === 'process' ? /:(\d+)\s*$/.exec(step.text)?.[1] : undefined
  const view = timeline.at(journey.last)
  const netns = `netns:${journey.from}`
  const holder = view
    .list('socket', netns)
    .find((s) => String(s.local.port) === port && (s.state === 'LISTEN' || s.state === 'UNCONN'))
  if (holder === undefined) return undefined
  return {
    kind: 'port-taken',
    socket: named(reader, holder.id, journey.last),
    ...(holder.process === undefined ? {} : { process: named(reader, holder.process, journey.last) }),
    pod: view.get('netns', netns)?.role === 'pod',
  }
}
