import { STEP } from '../trace/columns.ts'
import type { Exchange } from '../trace/exchanges.ts'
import type { Hop } from '../trace/hops.ts'
import type { TraceReader } from '../trace/reader.ts'
import type { Timeline } from '../trace/timeline.ts'
import type { NoteRecord } from '../world/records.ts'
import { type Catalogue, sentenceOf } from './catalogue.ts'
import { en } from './en.ts'
import { join, type Lang, type Sentence } from './sentence.ts'
import { factOf } from './step-facts.ts'
import { verdictFact } from './verdict-facts.ts'
import { zh } from './zh.ts'

const CATALOGUES: Readonly<Record<Lang, Catalogue>> = { en, zh }

/** What one step is and why it happened, in one or two sentences. Throws outside the trace. */
export function explainStep(reader: TraceReader, timeline: Timeline, seq: number, lang: Lang): Sentence {
  return sentenceOf(CATALOGUES[lang], factOf(reader, timeline, seq))
}

/** What happened to a packet in one place: its decisions there in order, at most four. */
export function explainHop(reader: TraceReader, timeline: Timeline, hop: Hop, lang: Lang): Sentence {
  const catalogue = CATALOGUES[lang]
  const steps = reader.hops.stepsOf(hop.index)
  const telling = steps.filter((s) => tells(reader, s))
  const chosen = telling.length > 0 ? telling : [hop.first]
  const shown = chosen.length <= 4 ? chosen : [...chosen.slice(0, 3), chosen.at(-1) ?? hop.last]
  return join(
    shown.map((s) => sentenceOf(catalogue, factOf(reader, timeline, s))),
    catalogue.space,
  )
}

/** Steps that decide something about the packet. A translation is told by its rule, and by its first rewrite where no rule is asked. */
function tells(reader: TraceReader, seq: number): boolean {
  const step = reader.step(seq)
  switch (step.kind) {
    case 'drop':
    case 'undetermined':
    case 'wait':
    case 'deliver':
    case 'bridge.decide':
    case 'mtu':
    case 'log':
    case 'reassemble':
    case 'encapsulate':
    case 'decapsulate':
      return true
    case 'arp.process':
    case 'ipvs.schedule':
      return true
    case 'bridge.nf':
      return !step.enabled
    case 'forward':
      return !step.allowed
    case 'rp_filter':
      return !step.ok
    case 'route':
      return step.purpose === 'input' || step.purpose === 'output' || step.purpose === 'reroute'
    case 'rule':
      return step.verdict === 'nat' || step.verdict === 'drop' || step.verdict === 'reject' || step.verdict === 'undetermined'
    case 'rewrite':
      return firstOfBinding(reader, seq, step.field)
    default:
      return false
  }
}

function firstOfBinding(reader: TraceReader, seq: number, field: string): boolean {
  if (field !== 'ip.src' && field !== 'ip.dst') return false
  const steps = reader.hops.stepsOf(reader.hops.hopOf(seq))
  for (let i = steps.indexOf(seq) - 1; i >= 0; i--) {
    const kind = reader.kindOf(steps[i] ?? -1)
    if (kind === STEP.hook) return true
    if (kind !== STEP.rule) continue
    const rule = reader.step(steps[i] ?? -1)
    return rule.kind === 'rule' && rule.verdict !== 'nat'
  }
  return true
}

/**
 * Why a journey ended as it did: the deciding step with its rule, route, sysctl or missing entry, the Kubernetes object behind
 * it, and what the command saw of it. `journey` is an index into the trace's journeys.
 */
export function explainVerdict(reader: TraceReader, timeline: Timeline, journey: number, lang: Lang): Sentence {
  const fact = verdictFact(reader, timeline, journey, (seq) => explainStep(reader, timeline, seq, lang))
  return CATALOGUES[lang].verdict(fact)
}

/** A word or two for a group of packets: `TCP handshake`. */
export const explainExchange = (exchange: Pick<Exchange, 'kind'>, lang: Lang): string => CATALOGUES[lang].exchange[exchange.kind]

/** Something of the input that is kept but not modelled. */
export const describeNote = (note: NoteRecord, lang: Lang): Sentence => CATALOGUES[lang].note(note.what, note.where)
