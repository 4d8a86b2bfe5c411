import { isReadable, readableScale } from './detail.ts'
import type { Rect } from './geometry.ts'

// What a camera sees, as numbers. The gestures that move it are zoom.ts's, which a page may load later.

/** Screen = (x, y) + k × layout. */
export interface View {
  readonly x: number
  readonly y: number
  readonly k: number
}

export interface ZoomHandle {
  readonly view: View
  /** Sets the view, over `ms` milliseconds when given. A gesture of the user ends the flight. */
  moveTo(view: View, ms?: number): void
  zoomBy(factor: number): void
  detach(): void
}

/** A camera that only the program moves: it stands in until the gestures have been loaded. */
export function stillView(onChange: (view: View, byUser: boolean) => void): ZoomHandle {
  let view: View = { x: 0, y: 0, k: 1 }
  const moveTo = (to: View) => {
    view = to
    onChange(view, false)
  }
  return {
    get view() {
      return view
    },
    moveTo,
    zoomBy: (factor) => moveTo({ ...view, k: view.k * factor }),
    detach: () => {},
  }
}

/** The view that shows all of `bounds` in the middle of `width` × `height` pixels, never larger than `maxScale`. */
export function fitView(bounds: Rect, room: { readonly width: number; readonly height: number }, maxScale = 1.15): View {
  if (bounds.w === 0 || bounds.h === 0) return { x: 0, y: 0, k: 1 }
  const k = Math.min(maxScale, room.width / bounds.w, room.height / bounds.h)
  return { k, x: (room.width - bounds.w * k) / 2 - bounds.x * k, y: (room.height - bounds.h * k) / 2 - bounds.y * k }
}

/**
 * The scale that a drawing is first seen at: of everything where that can be read, else around the packet.
 */
export function openingScale(bounds: Rect, room: { readonly width: number; readonly height: number }): number {
  const whole = fitView(bounds, room).k
  return isReadable(whole, room) ? whole : readableScale(room)
}

/**
 * `view` moved so that the room is not wasted: a drawing that is larger than the room reaches at least `margin` from its
 * edges, a smaller one is centred; each direction by itself.
 */
export function clampView(
  view: View,
  bounds: Rect,
  room: { readonly width: number; readonly height: number },
  margin = 12,
): View {
  const along = (at: number, from: number, extent: number, space: number) => {
    const start = -from * view.k
    const size = extent * view.k
    if (size + 2 * margin <= space) return start + (space - size) / 2
    return Math.max(start + space - margin - size, Math.min(start + margin, at))
  }
  return {
    k: view.k,
    x: along(view.x, bounds.x, bounds.w, room.width),
    y: along(view.y, bounds.y, bounds.h, room.height),
  }
}

/** The part of the layout that a view shows. */
export const visibleRect = (v: View, room: { readonly width: number; readonly height: number }): Rect => ({
  x: -v.x / v.k,
  y: -v.y / v.k,
  w: room.width / v.k,
  h: room.height / v.k,
})
