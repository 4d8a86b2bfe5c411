import { ChevronDown, CircleHelp, CornerLeftUp, Target } from 'lucide-react'
import { useMemo, useState } from 'react'
import { explainStep, explainVerdict } from '../../explain/explain.ts'
import { plain, reasonOf } from '../../explain/sentence.ts'
import { stopFrom } from '../../store/stops.ts'
import type { JourneyResult } from '../../trace/trace.ts'
import { useApp, useLang, useSession } from '../context.tsx'
import type { Catalogue } from '../i18n/en-panels.ts'
import { usePanelWords } from '../i18n/panel-words.ts'
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
  const words = usePanelWords()
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
  const place = hop === undefined ? '' : placeOf(hop.netns, hop.device, words.place.stack)
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
      <Outcome />
      <div className="why-where mono">
        {session.length === 0 ? null : <span>{words.why.step(seq + 1, session.length)}</span>}
        <span title={place}>{place}</span>
        {hop === undefined ? null : <span>{words.why.hop(nth)}</span>}
      </div>
      <div className="why-ways">
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
    </section>
  )
}

/** The journey that a step belongs to: the last one that had begun. */
const journeyAt = (journeys: readonly JourneyResult[], seq: number): number =>
  Math.max(
    0,
    journeys.findLastIndex((j) => j.first <= seq),
  )

interface OutcomeProps {
  readonly at: number
  readonly journey: JourneyResult
  /** The journey has ended here. */
  readonly ended: boolean
}

function Outcome() {
  const session = useSession()
  const seq = useApp((s) => s.seq)
  const granularity = useApp((s) => s.granularity)
  const { journeys } = session.reader.trace
  const at = journeyAt(journeys, seq)
  const journey = journeys[at]
  if (journey === undefined) return null
  // The last step may be one that is only walked through: the last halt is where somebody arrives.
  const ended = seq >= stopFrom(session.stops[granularity], journey.last + 1, -1)
  // Opened or closed by hand holds until the journey's end is reached or left.
  return <JourneyOutcome key={`${at} ${ended}`} at={at} journey={journey} ended={ended} />
}

const decider = ({ verdict }: JourneyResult): number | undefined => (verdict.kind === 'answered' ? undefined : verdict.decidedBy)

/** How the command ends: a chip always, the reason at once when it does not arrive, the whole sentence at its end or when asked for. */
function JourneyOutcome({ at, journey, ended }: OutcomeProps) {
  const words = usePanelWords()
  const lang = useLang()
  const { reader, timeline } = useSession()
  const [asked, setAsked] = useState<boolean | undefined>()
  const open = asked ?? ended
  const { journeys, truncated } = reader.trace
  // It looks through the whole journey, 60 ms in a run of 100,000 steps: not before somebody asks.
  const sentence = useMemo(
    () => (open ? explainVerdict(reader, timeline, at, lang) : undefined),
    [open, reader, timeline, at, lang],
  )
  const { verdict } = journey
  const several = journeys.length > 1
  return (
    <div className={`outcome outcome-${verdict.kind}${open ? ' outcome-open' : ''}`}>
      <div className="outcome-head">
        <button type="button" className="outcome-pill" aria-expanded={open} onClick={() => setAsked(!open)}>
          <i aria-hidden="true" />
          {several ? <span className="faint">{words.foot.journey(at + 1)}</span> : null}
          <span>{outcomeOf(journey, words)}</span>
          <Icon of={ChevronDown} size={12} />
        </button>
      </div>
      {journeys.some((j) => j.verdict.kind !== 'answered') ? <Failing at={at} open={open} onOpen={() => setAsked(true)} /> : null}
      {sentence !== undefined ? (
        <div className="outcome-body">
          <p>
            <Sentence value={sentence} />
          </p>
          {truncated === undefined ? null : <p>{words.why.truncated(truncated)}</p>}
          {journey.notes?.map((n) => (
            <p key={n} className="faint">
              {words.notes.of}: <span lang="en">{n}</span>
            </p>
          ))}
          {journey.output === '' ? null : (
            <details open={asked === true}>
              <summary>{words.why.output}</summary>
              <pre className="mono" lang="en">
                $ {journey.run}
                {'\n'}
                {journey.output}
              </pre>
            </details>
          )}
        </div>
      ) : null}
    </div>
  )
}

/** An errno is its own name in every language; giving up without an answer has none. */
function outcomeOf({ verdict }: JourneyResult, words: Catalogue): string {
  if (verdict.kind !== 'failed') return words.why[verdict.kind]
  return verdict.error === 'no answer' ? words.why.noAnswer : verdict.error
}

/** One line, there from the first step on: that a command does not arrive, why, and the way to the step that decided it. */
function Failing({ at, open, onOpen }: { readonly at: number; readonly open: boolean; readonly onOpen: () => void }) {
  const words = usePanelWords()
  const lang = useLang()
  const { reader, timeline } = useSession()
  const seq = useApp((s) => s.seq)
  const seek = useApp((s) => s.seek)
  const { journeys } = reader.trace
  // Where this one arrives, the line speaks of the first that does not.
  const which = journeys[at]?.verdict.kind === 'answered' ? journeys.findIndex((j) => j.verdict.kind !== 'answered') : at
  const journey = journeys[which]
  const reason = useMemo(() => plain(reasonOf(explainVerdict(reader, timeline, which, lang))), [reader, timeline, which, lang])
  if (journey === undefined) return null
  const decidedBy = decider(journey)
  return (
    <div className={`failing failing-${journey.verdict.kind}`}>
      <b>
        {journeys.length > 1 ? `${words.foot.journey(which + 1)}: ` : ''}
        {words.why[journey.verdict.kind]}
      </b>
      {open || which !== at ? (
        <span className="failing-why" title={reason}>
          {open ? '' : reason}
        </span>
      ) : (
        <button type="button" className="failing-why" title={reason} onClick={onOpen}>
          {reason}
        </button>
      )}
      {decidedBy === undefined ? null : decidedBy === seq ? (
        <span className="faint">{words.why.decidedHere}</span>
      ) : (
        <button type="button" className="ref failing-go" title={words.why.goDecider} onClick={() => seek(decidedBy)}>
          <Icon of={Target} size={12} /> {words.why.toStep(decidedBy + 1)}
        </button>
      )}
    </div>
  )
}
