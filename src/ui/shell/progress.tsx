import { lazy, Suspense, useEffect, useState } from 'react'
import { useApp } from '../context.tsx'

const ProgressPanel = lazy(() => import('./progress-panel.tsx'))

/** A quicker opening shows no progress: a flash would be noise. */
const PATIENCE = 180

/** Long work says what it does. */
export function Progress() {
  const opening = useApp((s) => s.opening)
  const [late, setLate] = useState(false)
  const since = opening?.since
  useEffect(() => {
    setLate(false)
    if (since === undefined) return
    const timer = setTimeout(() => setLate(true), PATIENCE)
    return () => clearTimeout(timer)
  }, [since])
  if (opening === undefined || !late) return null
  return (
    <Suspense fallback={null}>
      <ProgressPanel opening={opening} />
    </Suspense>
  )
}
