import { ChevronDown, CircleHelp, CornerLeftUp, Target } from 'lucide-react'
import { useMemo, useState } from 'react'
import { explainStep, explainVerdict } from '../../explain/explain.ts'
import type { JourneyResult } from '../../trace/trace.ts'
import { useApp, useLang, useSession, useWords } from '../context.tsx'
import type { Catalogue } from '../i18n/en.ts'
import { panelOf, placeOf } from '../place.ts'
import { recordsOf } from '../used.ts'
import { Icon } from '../widgets/icon.tsx'
import { Sentence, useReveal } from '../widgets/sentence.tsx'
import './why.css'

const CHOICES: ReadonlySet<string> = new Set([
  'rule',
  'policy',
  'route',
  'drop',
  'forward',
  'rp_filter',
  'bridge.nf',
  'nat',
  'ct.lookup',
])

/** One sentence for this step, one for how the command ended. */
export default function Why() {
  const words = useWords()
  const lang = useLang()
  const session = useSession()
  const seq = useApp((s) => s.seq)
  const seek = useApp((s) => s.seek)
  const playing = useApp((s) => s.playing)
  const { reader, timeline, hops } = session
  const sentence = useMemo(() => (seq < 0 ? undefined : explainStep(reader, timeline, seq, lang)), [reader, timeline, seq, lang])
  const hopIndex = seq < 0 ? -1 : hops.hopOf(seq)
  const hop = hopIndex < 0 ? undefined : hops.hop(hopIndex)
  const nth = hop === undefined ? 0 : hops.hopsOf(hop.packet).indexOf(hop.index) + 1
  const event = seq < 0 ? undefined : reader.event(seq)
  const cause = event?.cause ?? -1
  const reveal = useReveal()
  // The table that decided this step shows what else could have been.
  const subject =
    event === undefined || !CHOICES.has(event.step.kind)
      ? undefined
      : recordsOf(event.step).find((id): id is string => id !== undefined && panelOf(id) !== undefined)
  return (
    <section className="why" aria-label={words.why.label}>
      <div className="why-where mono">
        <span>{words.why.step(seq + 1, session.length)}</span>
        <span>{hop === undefined ? '' : words.why.hop(placeOf(hop.netns, hop.device, words.place.stack), nth)}</span>
        {cause >= 0 && cause !== seq - 1 ? (
          <button type="button" className="ref" onClick={() => seek(cause)} title={words.panels.go(cause + 1)}>
            <Icon of={CornerLeftUp} size={11} /> {words.why.cause}
          </button>
        ) : null}
        {subject === undefined ? null : (
          <button type="button" className="ref" onClick={() => reveal(subject)} title={subject}>
            <Icon of={CircleHelp} size={11} /> {words.why.whyThis}
          </button>
        )}
      </div>
      <p className="why-text" aria-live={playing ? 'off' : 'polite'}>
        {sentence === undefined ? (
          <>
            <b>{session.length === 0 ? words.why.nothing : words.why.start}</b>
            <br />
            {session.length === 0 ? words.why.nothingText : words.why.startText}
          </>
        ) : (
          <Sentence value={sentence} />
        )}
      </p>
      <Outcome />
    </section>
  )
}

/** An errno is its own name in every language; giving up without an answer has none. */
const outcomeWord = (error: string, words: Catalogue): string => (error === 'no answer' ? words.why.noAnswer : error)

/** The journey that a step belongs to: the last one that had begun. */
const journeyAt = (journeys: readonly JourneyResult[], seq: number): number =>
  Math.max(
    0,
    journeys.findLastIndex((j) => j.first <= seq),
  )

function Outcome() {
  const words = useWords()
  const lang = useLang()
  const session = useSession()
  const seq = useApp((s) => s.seq)
  const seek = useApp((s) => s.seek)
  const [open, setOpen] = useState(false)
  const { reader, timeline } = session
  const { journeys, truncated } = reader.trace
  const at = journeyAt(journeys, seq)
  const journey = journeys[at]
  const sentence = useMemo(
    // It looks through the whole journey: not before somebody asks.
    () => (journey === undefined || !open ? undefined : explainVerdict(reader, timeline, at, lang)),
    [reader, timeline, journey, at, lang, open],
  )
  if (journey === undefined) return null
  const { verdict } = journey
  const decidedBy = verdict.kind === 'answered' ? undefined : verdict.decidedBy
  return (
    <div className={`outcome outcome-${verdict.kind}${open ? ' outcome-open' : ''}`}>
      <div className="outcome-head">
        <button type="button" className="outcome-pill" aria-expanded={open} onClick={() => setOpen(!open)}>
          <i aria-hidden="true" />
          {journeys.length > 1 ? <span className="faint">{words.foot.journey(at + 1)}</span> : null}
          <span>{verdict.kind === 'failed' ? outcomeWord(verdict.error, words) : words.why[verdict.kind]}</span>
          <Icon of={ChevronDown} size={12} />
        </button>
        {decidedBy === undefined ? null : (
          <button
            type="button"
            className="icon-btn"
            disabled={decidedBy === seq}
            title={decidedBy === seq ? words.why.decidedHere : words.why.goDecider}
            aria-label={words.why.goDecider}
            onClick={() => seek(decidedBy)}
          >
            <Icon of={Target} size={14} />
          </button>
        )}
      </div>
      {open ? (
        <div className="outcome-body">
          <p>{sentence === undefined ? null : <Sentence value={sentence} />}</p>
          {truncated === undefined ? null : <p>{words.why.truncated(truncated)}</p>}
          {journey.output === '' ? null : (
            <pre className="mono">
              $ {journey.run}
              {'\n'}
              {journey.output}
            </pre>
          )}
        </div>
      ) : null}
    </div>
  )
}
