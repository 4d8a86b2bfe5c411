import { easeCubicInOut } from 'd3-ease'
import { interpolateNumber } from 'd3-interpolate'
import { select } from 'd3-selection'
import { type D3ZoomEvent, type ZoomTransform, zoom, zoomIdentity } from 'd3-zoom'
import type { View, ZoomHandle } from './view.ts'

interface ZoomOptions {
  readonly minScale: number
  readonly maxScale: number
  /** Called for every change; `byUser` for gestures. */
  onChange(view: View, byUser: boolean): void
}

const viewOf = (t: ZoomTransform): View => ({ x: t.x, y: t.y, k: t.k })

/** Wheel, drag and pinch on `el`. The one place that touches the DOM through D3. */
export function attachZoom(el: Element, options: ZoomOptions): ZoomHandle {
  const selection = select(el)
  let view: View = { x: 0, y: 0, k: 1 }
  let flight = 0
  const stop = () => {
    if (flight !== 0) cancelAnimationFrame(flight)
    flight = 0
  }
  const behaviour = zoom<Element, unknown>()
    .scaleExtent([options.minScale, options.maxScale])
    .filter((event: Event) => {
      if (event.type === 'wheel') return true
      // Buttons inside the drawing keep their clicks; a drag may begin anywhere.
      return !(event instanceof MouseEvent) || event.button === 0 || event.button === 1
    })
    .clickDistance(4)
    .on('zoom', (event: D3ZoomEvent<Element, unknown>) => {
      const byUser = event.sourceEvent !== null && event.sourceEvent !== undefined
      if (byUser) stop()
      view = viewOf(event.transform)
      options.onChange(view, byUser)
    })
  selection.call(behaviour).on('dblclick.zoom', null)
  const apply = (v: View) => behaviour.transform(selection, zoomIdentity.translate(v.x, v.y).scale(v.k))
  return {
    get view() {
      return view
    },
    moveTo(to, ms = 0) {
      stop()
      if (ms <= 0) return apply(to)
      const from = view
      const x = interpolateNumber(from.x, to.x)
      const y = interpolateNumber(from.y, to.y)
      const k = interpolateNumber(Math.log(from.k), Math.log(to.k))
      let begun: number | undefined
      const tick = (now: number) => {
        begun ??= now
        const t = easeCubicInOut(Math.min(1, (now - begun) / ms))
        apply({ x: x(t), y: y(t), k: Math.exp(k(t)) })
        flight = t < 1 ? requestAnimationFrame(tick) : 0
      }
      flight = requestAnimationFrame(tick)
    },
    zoomBy(factor) {
      stop()
      behaviour.scaleBy(selection, factor)
    },
    detach() {
      stop()
      selection.on('.zoom', null)
    },
  }
}
