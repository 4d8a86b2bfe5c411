import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef, useState } from 'react'
import { useApp, useAppContext } from '../context.tsx'
import './split.css'

// A splitter of our own: the well-kept library for this weighs 20 kB, a sixth of all that the page may load before its first
// frame, for docking and grids that are not used here.

interface SplitProps {
  /** Under this name the size is remembered. */
  readonly name: string
  /** Names the separator for assistive technology. */
  readonly label: string
  readonly direction: 'row' | 'column'
  /** The pane whose size is kept in pixels; the other takes the rest. */
  readonly fixed: 'first' | 'second'
  readonly size: number
  readonly min: number
  /** Room that the other pane always keeps. */
  readonly rest: number
  readonly children: readonly [ReactNode, ReactNode]
}

const STEP = 24

/** Two panes and a separator that pointer and keyboard move (WAI-ARIA window splitter). A double click restores the size. */
export function Split(props: SplitProps) {
  const { direction, fixed, min, rest } = props
  const box = useRef<HTMLDivElement>(null)
  const { store } = useAppContext()
  const kept = useApp((s) => s.preferences.sizes[props.name])
  /** While the separator is dragged; remembered when it is let go. */
  const [dragged, setDragged] = useState<number | undefined>()
  const size = dragged ?? kept ?? props.size
  const keep = (to: number | undefined) => {
    const { [props.name]: _, ...others } = store.getState().preferences.sizes
    store.getState().setPreferences({ sizes: to === undefined ? others : { ...others, [props.name]: to } })
    setDragged(undefined)
  }
  const row = direction === 'row'
  const room = () => (row ? box.current?.clientWidth : box.current?.clientHeight) ?? 0
  const largest = () => Math.max(min, room() - rest)
  const fitting = (to: number) => Math.round(Math.max(min, Math.min(largest(), to)))
  const onPointerMove = (e: PointerEvent) => {
    const rect = box.current?.getBoundingClientRect()
    if (rect === undefined || !e.currentTarget.hasPointerCapture(e.pointerId)) return
    const at = row ? e.clientX - rect.left : e.clientY - rect.top
    setDragged(fitting(fixed === 'first' ? at : room() - at))
  }
  const onKeyDown = (e: KeyboardEvent) => {
    const grow = fixed === 'first' ? 1 : -1
    const by =
      e.key === (row ? 'ArrowRight' : 'ArrowDown') ? grow * STEP : e.key === (row ? 'ArrowLeft' : 'ArrowUp') ? -grow * STEP : 0
    const to = e.key === 'Home' ? min : e.key === 'End' ? largest() : by === 0 ? undefined : size + by
    if (to === undefined) return
    e.preventDefault()
    e.stopPropagation()
    keep(fitting(to))
  }
  // Never so large that the other pane loses its room, also when the window shrinks.
  const basis = { flexBasis: `min(${size}px, max(${min}px, calc(100% - ${rest}px)))` }
  return (
    <div ref={box} className={`split split-${direction}`}>
      <div className={fixed === 'first' ? 'pane' : 'pane pane-rest'} style={fixed === 'first' ? basis : undefined}>
        {props.children[0]}
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: a separator that moves is a widget, which <hr> is not */}
      <div
        className="separator"
        role="separator"
        tabIndex={0}
        aria-label={props.label}
        aria-orientation={row ? 'vertical' : 'horizontal'}
        aria-valuenow={size}
        aria-valuemin={min}
        aria-valuemax={Math.max(size, 2000)}
        onPointerDown={(e) => {
          e.currentTarget.setPointerCapture(e.pointerId)
          e.preventDefault()
        }}
        onPointerMove={onPointerMove}
        onPointerUp={() => {
          if (dragged !== undefined) keep(dragged)
        }}
        onPointerCancel={() => setDragged(undefined)}
        onDoubleClick={() => keep(undefined)}
        onKeyDown={onKeyDown}
      />
      <div className={fixed === 'second' ? 'pane' : 'pane pane-rest'} style={fixed === 'second' ? basis : undefined}>
        {props.children[1]}
      </div>
    </div>
  )
}
