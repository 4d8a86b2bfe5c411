import { formatIpv4 } from '../net/address.ts'
import { STEP } from '../trace/columns.ts'
import { deviceName, sourceOf } from '../trace/names.ts'
import type { TraceReader } from '../trace/reader.ts'
import type { Timeline } from '../trace/timeline.ts'
import type { VerdictFact } from './fact.ts'
import { ownerOf } from './names.ts'
import { code, record, type Sentence } from './sentence.ts'
import { type ServiceTranslation, serviceOfPacket, translationAt } from './service-facts.ts'

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
      const service = serviceOfJourney(reader, timeline, steps)
      const masquerade = masqueradeOf(reader, steps)
      return {
        kind: 'answered',
        command,
        exitCode: journey.exitCode,
        ...(service === undefined ? {} : { service: { change: service.change, ...objectOf(service), ...podOf(service) } }),
        ...(masquerade === undefined ? {} : { masquerade: code(masquerade) }),
      }
    }
    case 'failed': {
      const extra = extraOf(reader, timeline, index, steps)
      return {
        kind: 'failed',
        command,
        error: v.error,
        ...(v.decidedBy === undefined ? {} : { because: explain(v.decidedBy) }),
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

/** What the last translation of a source on the way out left: what the far end saw. */
function masqueradeOf(reader: TraceReader, steps: readonly number[]): string | undefined {
  let seen: string | undefined
  for (const s of steps) {
    if (reader.kindOf(s) !== STEP.rule) continue
    const step = reader.step(s)
    if (step.kind !== 'rule' || step.verdict !== 'nat') continue
    const rule = reader.versions.near(step.rule, s)
    const kind = rule?.kind === 'rule' ? rule.spec.target.kind : undefined
    if (kind !== 'masquerade' && kind !== 'snat') continue
    const packet = reader.packetOf(s)
    const rewrites = reader.rewritesOf(packet).filter((r) => r > s)
    const src = rewrites.find((r) => {
      const step = reader.step(r)
      return step.kind === 'rewrite' && step.field === 'ip.src'
    })
    if (src === undefined) continue
    const step2 = reader.step(src)
    if (step2.kind === 'rewrite') seen = formatIpv4(step2.to)
  }
  return seen
}

/** What one step cannot show: that nobody has an address any more, that a reply was never translated back, that nobody was told. */
function extraOf(reader: TraceReader, timeline: Timeline, index: number, steps: readonly number[]): Extra {
  const untranslated = untranslatedReply(reader, timeline, steps)
  if (untranslated !== undefined) return untranslated
  const v = reader.trace.journeys[index]?.verdict
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
  return v?.kind === 'failed' && v.error === 'ETIMEDOUT' && !told ? { kind: 'silent' } : undefined
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
