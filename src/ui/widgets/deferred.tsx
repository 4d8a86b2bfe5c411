import { type ReactNode, Suspense, useEffect, useState } from 'react'
import { useApp } from '../context.tsx'
import { Boundary } from './boundary.tsx'

/**
 * Shows its children after the frame that is being drawn: what they load must not compete with the diagram for the first one.
 */
export function Deferred({ children, fallback = null }: { readonly children: ReactNode; readonly fallback?: ReactNode }) {
  const session = useApp((s) => s.session)
  const [ready, setReady] = useState(false)
  useEffect(() => {
    let second = 0
    const first = requestAnimationFrame(() => {
      second = requestAnimationFrame(() => setReady(true))
    })
    return () => {
      cancelAnimationFrame(first)
      cancelAnimationFrame(second)
    }
  }, [])
  if (!ready) return fallback
  return (
    <Boundary retry={session}>
      <Suspense fallback={fallback}>{children}</Suspense>
    </Boundary>
  )
}
