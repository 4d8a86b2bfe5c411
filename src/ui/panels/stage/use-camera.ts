import { type RefObject, useCallback, useEffect, useRef, useState } from 'react'
import type { Layout } from '../../../diagram/figure.ts'
import type { Point } from '../../../diagram/geometry.ts'
import { clampView, fitView, openingScale, stillView, type View, type ZoomHandle } from '../../../diagram/view.ts'
import type { Size } from './use-size.ts'

const GLIDE = 420
/** A view is only enlarged to fill its room when it gains this much. */
const WORTH_IT = 1.2

const reduced = () => matchMedia('(prefers-reduced-motion: reduce)').matches

export interface Camera {
  readonly following: boolean
  readonly scale: number
  toggleFollow(): void
  fit(): void
  zoomBy(factor: number): void
  /** Brings a point into view when it is not well inside it. */
  reveal(p: Point): void
  current(): View
}

/** Pan and zoom over `surface`; `onView` is called for every change, outside React. */
export function useCamera(options: {
  readonly surface: RefObject<HTMLElement | null>
  readonly layout: Layout | undefined
  readonly size: Size | undefined
  readonly onView: (view: View) => void
}): Camera {
  const { surface, layout, size, onView } = options
  const handle = useRef<ZoomHandle | undefined>(undefined)
  const notify = useRef(onView)
  notify.current = onView
  const touched = useRef(false)
  const [following, setFollowing] = useState(false)
  const withPacket = useRef(following)
  withPacket.current = following
  const [scale, setScale] = useState(1)
  const bounds = layout?.bounds

  useEffect(() => {
    const element = surface.current
    if (element === null) return
    const onChange = (view: View, byUser: boolean) => {
      notify.current(view)
      setScale(view.k)
      if (byUser) {
        touched.current = true
        setFollowing(false)
      }
    }
    // The gestures' code is a third of the diagram's: nobody drags before the first frame, so it comes after.
    const still = stillView(onChange)
    handle.current = still
    let gone = false
    void import('../../../diagram/zoom.ts').then(({ attachZoom }) => {
      if (gone) return
      const zoom = attachZoom(element, { minScale: 0.06, maxScale: 4, onChange })
      handle.current = zoom
      zoom.moveTo(still.view)
    })
    return () => {
      gone = true
      handle.current?.detach()
    }
  }, [surface])

  const showWhole = useCallback(
    (ms: number) => {
      if (bounds === undefined || size === undefined || size.width === 0) return
      const view = fitView(bounds, size)
      handle.current?.moveTo(view, reduced() ? 0 : ms)
    },
    [bounds, size],
  )

  // A new drawing is shown whole. A new room leaves the view as it is while the drawing still fits well, so that the stage
  // does not breathe with every sentence below it; and always when the reader has chosen the view.
  const shown = useRef<Layout | undefined>(undefined)
  useEffect(() => {
    if (layout === undefined || size === undefined || size.width === 0) return
    const before = shown.current
    shown.current = layout
    if (before === layout && (touched.current || withPacket.current)) return
    const whole = fitView(layout.bounds, size)
    const { view } = handle.current ?? { view: whole }
    const { w, h } = layout.bounds
    const inside = view.x >= 0 && view.y >= 0 && view.x + w * view.k <= size.width + 1 && view.y + h * view.k <= size.height + 1
    if (before === layout && inside && whole.k < view.k * WORTH_IT) return
    touched.current = false
    showWhole(0)
    setFollowing(openingScale(layout.bounds, size) > whole.k)
  }, [layout, size, showWhole])

  const reveal = useCallback(
    (p: Point) => {
      const zoom = handle.current
      if (zoom === undefined || bounds === undefined || size === undefined) return
      const { view } = zoom
      const k = Math.max(view.k, openingScale(bounds, size))
      const x = p.x * view.k + view.x
      const y = p.y * view.k + view.y
      const [mx, my] = [Math.min(140, size.width * 0.28), Math.min(110, size.height * 0.28)]
      if (k <= view.k * 1.02 && x > mx && x < size.width - mx && y > my && y < size.height - my) return
      const around = { k, x: size.width / 2 - p.x * k, y: size.height / 2 - p.y * k }
      const to = clampView(around, bounds, size)
      if (Math.abs(to.x - view.x) + Math.abs(to.y - view.y) > 1 || to.k !== view.k) zoom.moveTo(to, reduced() ? 0 : GLIDE)
    },
    [bounds, size],
  )

  return {
    following,
    scale,
    toggleFollow: useCallback(() => setFollowing((f) => !f), []),
    fit: useCallback(() => {
      setFollowing(false)
      touched.current = false
      showWhole(260)
    }, [showWhole]),
    zoomBy: useCallback((factor: number) => {
      touched.current = true
      handle.current?.zoomBy(factor)
    }, []),
    reveal,
    current: useCallback(() => handle.current?.view ?? { x: 0, y: 0, k: 1 }, []),
  }
}
