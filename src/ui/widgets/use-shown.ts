import { type RefObject, useEffect, useRef } from 'react'

/** For an element that scrolls into view whenever one of `reasons` begins to hold. */
export function useShown<E extends HTMLElement>(...reasons: readonly [boolean, boolean, boolean?]): RefObject<E | null> {
  const ref = useRef<E>(null)
  const [a, b, c = false] = reasons
  useEffect(() => {
    if (a || b || c) ref.current?.scrollIntoView({ block: 'nearest' })
  }, [a, b, c])
  return ref
}
