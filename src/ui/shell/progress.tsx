import { useEffect, useState } from 'react'
import { useApp, useWords } from '../context.tsx'
import { formatCount } from '../time.ts'
import './notices.css'

/** A quicker opening shows no progress: a flash would be noise. */
const PATIENCE = 180

/** Long work: what is being done, how far it is, and a way out. */
export function ProgressPanel() {
  const words = useWords()
  const opening = useApp((s) => s.opening)
  const cancel = useApp((s) => s.cancel)
  const [late, setLate] = useState(false)
  const since = opening?.since
  useEffect(() => {
    setLate(false)
    if (since === undefined) return
    const timer = setTimeout(() => setLate(true), PATIENCE)
    return () => clearTimeout(timer)
  }, [since])
  if (opening === undefined || !late) return null
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
