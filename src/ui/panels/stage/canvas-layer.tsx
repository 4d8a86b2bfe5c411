import { type Ref, useCallback, useEffect, useImperativeHandle, useMemo, useRef } from 'react'
import { CanvasDrawing, type Palette } from '../../../diagram/canvas.ts'
import type { Box, Layout } from '../../../diagram/figure.ts'
import { type View, visibleRect } from '../../../diagram/view.ts'
import type { Size } from './use-size.ts'

export interface CanvasLayerHandle {
  draw(view: View): void
  /** The innermost box at a point of the layout. */
  boxAt(x: number, y: number): Box | undefined
}

function paletteOf(el: Element): Palette {
  const style = getComputedStyle(el)
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim()
  return {
    panel: colour('panel'),
    raised: colour('raised'),
    inset: colour('inset'),
    line: colour('line'),
    line2: colour('line2'),
    text: colour('text'),
    muted: colour('muted'),
    faint: colour('faint'),
  }
}

/** The resting drawing of a large cluster. Redrawn at most once a frame, and only what is in view. */
export function CanvasLayer(props: {
  readonly ref: Ref<CanvasLayerHandle>
  readonly layout: Layout
  readonly size: Size
  readonly busy: ReadonlySet<string>
  readonly view: () => View
}) {
  const { ref, layout, size, busy, view } = props
  const element = useRef<HTMLCanvasElement>(null)
  const drawing = useMemo(() => new CanvasDrawing(layout), [layout])
  const palette = useRef<Palette | undefined>(undefined)
  const frame = useRef(0)
  const draw = useCallback(
    (v: View) => {
      if (frame.current !== 0) cancelAnimationFrame(frame.current)
      frame.current = requestAnimationFrame(() => {
        frame.current = 0
        const el = element.current
        const ctx = el?.getContext('2d')
        if (!el || !ctx) return
        palette.current ??= paletteOf(el)
        const ratio = el.width / Math.max(1, size.width)
        drawing.draw(ctx, { view: v, visible: visibleRect(v, size), ratio, palette: palette.current, hidden: busy })
      })
    },
    [drawing, size, busy],
  )
  useImperativeHandle(ref, () => ({ draw, boxAt: (x, y) => drawing.boxAt(x, y) }), [draw, drawing])
  useEffect(() => {
    draw(view())
    const redraw = () => {
      palette.current = undefined
      draw(view())
    }
    const theme = new MutationObserver(redraw)
    theme.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme', 'class'] })
    return () => {
      theme.disconnect()
      if (frame.current !== 0) cancelAnimationFrame(frame.current)
      frame.current = 0
    }
  }, [draw, view])
  const ratio = Math.min(2, globalThis.devicePixelRatio || 1)
  return (
    <canvas
      ref={element}
      className="stg-canvas"
      width={Math.round(size.width * ratio)}
      height={Math.round(size.height * ratio)}
    />
  )
}
