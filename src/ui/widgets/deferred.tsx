import { type ReactNode, Suspense, useEffect, useState } from 'react'

/**
 * Shows its children after the frame that is being drawn: what they load must not compete with the diagram for the first one.
 */
export function Deferred({ children, fallback = null }: { readonly children: ReactNode; readonly fallback?: ReactNode }) {
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
  return ready ? <Suspense fallback={fallback}>{children}</Suspense> : fallback
}
