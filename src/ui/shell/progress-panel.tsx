import type { AppState } from '../../store/state.ts'
import { useApp, useWords } from '../context.tsx'
import { formatCount } from '../time.ts'
import './notices.css'

/** What is being done, how far it is, and a way out. */
export default function ProgressPanel({ opening }: { readonly opening: NonNullable<AppState['opening']> }) {
  const words = useWords()
  const cancel = useApp((s) => s.cancel)
  const { progress } = opening
  const phase = progress?.phase ?? 'parse'
  const known = progress !== undefined && progress.total > 0
  return (
    <div className="progress" role="status">
      <div className="progress-head">
        <span>
          {words.progress[phase]}
          {phase === 'run' && progress !== undefined ? ` · ${words.progress.steps(formatCount(progress.done))}` : ''}
        </span>
        <span className="faint">{opening.title}</span>
        <button type="button" className="btn" onClick={cancel}>
          {words.app.cancel}
        </button>
      </div>
      <progress aria-label={words.progress[phase]} {...(known ? { value: progress.done, max: progress.total } : {})} />
    </div>
  )
}
