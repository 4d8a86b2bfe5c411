import { ChevronFirst, ChevronLast, Pause, Play, StepBack, StepForward } from 'lucide-react'
import { useMemo } from 'react'
import { GRANULARITIES, SPEEDS } from '../../../store/preferences.ts'
import { STEP } from '../../../trace/columns.ts'
import type { TraceReader } from '../../../trace/reader.ts'
import { useApp, useSession } from '../../context.tsx'
import { usePanelWords } from '../../i18n/panel-words.ts'
import { formatTime } from '../../time.ts'
import { Icon } from '../../widgets/icon.tsx'
import { IconButton } from '../../widgets/icon-button.tsx'
import { Kbd } from '../../widgets/kbd.tsx'
import { Segmented } from '../../widgets/tabs.tsx'
import './timeline.css'

/** Play, pause, step, speed, granularity. The slider that scrubs is `Scrubber`. */
export function Controls() {
  const words = usePanelWords()
  const session = useSession()
  const seq = useApp((s) => s.seq)
  const playing = useApp((s) => s.playing)
  const granularity = useApp((s) => s.granularity)
  const speed = useApp((s) => s.speed)
  const { seek, step, play, pause, setSpeed, setGranularity } = useActions()
  const t = formatTime(session.reader.timeOf(seq))
  // Nothing has been sent: there is nothing to play.
  const idle = session.length === 0
  return (
    <div className="controls" role="toolbar" aria-label={words.stage.timeline}>
      <IconButton of={ChevronFirst} size={17} disabled={idle} label={words.timeline.start} onClick={() => seek(-1)} />
      <IconButton of={StepBack} size={16} disabled={idle} label={words.timeline.back} onClick={() => step(-1)} />
      <button
        type="button"
        className="btn btn-primary play"
        disabled={idle}
        aria-label={playing ? words.timeline.pause : words.timeline.play}
        onClick={playing ? pause : play}
      >
        <Icon of={playing ? Pause : Play} size={14} />
        <span>{playing ? words.timeline.pause : words.timeline.play}</span>
      </button>
      <IconButton of={StepForward} size={16} disabled={idle} label={words.timeline.forward} onClick={() => step(1)} />
      <IconButton of={ChevronLast} size={17} label={words.timeline.end} onClick={() => seek(session.length - 1)} />
      <span className="faint controls-by" aria-hidden="true">
        {words.timeline.by}
      </span>
      <Segmented
        label={words.timeline.granularity}
        value={granularity}
        onChange={setGranularity}
        options={GRANULARITIES.map((key) => ({ key, label: words.timeline[key] }))}
      />
      <select
        className="speed"
        aria-label={words.timeline.speed}
        value={speed}
        onChange={(e) => setSpeed(Number(e.target.value))}
      >
        {SPEEDS.map((s) => (
          <option key={s} value={s}>
            {s}×
          </option>
        ))}
      </select>
      <span className="controls-time mono">
        <span className="faint">t = </span>
        {t}
      </span>
      <span className="controls-keys" aria-hidden="true">
        <Kbd>Space</Kbd>
        <Kbd>← →</Kbd>
        <Kbd>?</Kbd>
      </span>
    </div>
  )
}

const useActions = () => ({
  seek: useApp((s) => s.seek),
  step: useApp((s) => s.step),
  play: useApp((s) => s.play),
  pause: useApp((s) => s.pause),
  setSpeed: useApp((s) => s.setSpeed),
  setGranularity: useApp((s) => s.setGranularity),
})

/** Where the cluster changes, in percent of the run: the first step of each moment. */
function changesOf(reader: TraceReader): number[] {
  const { kind, t, length } = reader.trace.events
  const out: number[] = []
  let last = -1
  for (let s = kind.indexOf(STEP.change); s >= 0; s = kind.indexOf(STEP.change, s + 1)) {
    if (t[s] !== last) out.push((s / Math.max(1, length)) * 100)
    last = t[s] ?? -1
  }
  return out
}

/** The position in the run, over steps rather than time: most of a run's time is waiting. */
export function Scrubber() {
  const words = usePanelWords()
  const session = useSession()
  const seq = useApp((s) => s.seq)
  const seek = useApp((s) => s.seek)
  const { reader, length } = session
  const share = length <= 1 ? 0 : ((seq + 1) / length) * 100
  const changes = useMemo(() => changesOf(reader), [reader])
  const marks = reader.trace.journeys.slice(1).map((j) => (j.first / Math.max(1, length)) * 100)
  return (
    <div className="scrubber" style={{ '--share': `${share}%` } as React.CSSProperties}>
      <input
        type="range"
        min={-1}
        max={length - 1}
        step={1}
        value={seq}
        aria-label={words.timeline.scrub}
        aria-valuetext={words.timeline.position(seq + 1, length, formatTime(reader.timeOf(seq)))}
        onChange={(e) => seek(Number(e.target.value))}
      />
      {marks.map((m) => (
        <i key={m} style={{ left: `${m}%` }} />
      ))}
      {changes.map((m) => (
        <i key={`change ${m}`} className="scrubber-change" style={{ left: `${m}%` }} />
      ))}
    </div>
  )
}
