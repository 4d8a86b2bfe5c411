import { easeCubicInOut, easeLinear } from 'd3-ease'
import { type RefObject, useEffect, useLayoutEffect, useRef } from 'react'
import { between, type Point } from '../../../diagram/geometry.ts'
import type { Paths } from '../../../diagram/path.ts'
import { pointAt } from '../../../diagram/polyline.ts'

/** ms that one move takes when the reader steps by hand. */
const BY_HAND = 380
const SHORTEST = 90
const LONGEST = 1400
/** Further than this in one halt is too fast for the eye: then the move goes on through the next halts, while the packet stays here. */
const PER_HALT = 240

const reduced = () => matchMedia('(prefers-reduced-motion: reduce)').matches

/** How many steps in a row, this one included, the packet stays in this leg while nothing else happens. */
function haltsAhead(paths: Paths, at: { readonly packet: number; readonly leg: number; readonly seq: number }): number {
  const { packet } = paths.visits.reader.trace.events
  const last = paths.of(at.packet)[at.leg]?.last ?? at.seq
  let n = 1
  while (n < 6 && at.seq + n <= last && packet[at.seq + n] === at.packet) n++
  return n
}

/**
 * Moves `target` (an SVG group) along the packet's roads to where it rests after step `seq`. While playing, a move lasts as
 * long as the last halt did, so that the packet flows; React is not asked for the frames in between.
 */
export function useGlide(options: {
  readonly target: RefObject<SVGGElement | null>
  readonly paths: Paths
  readonly packet: number
  readonly leg: number
  readonly seq: number
  readonly playing: boolean
  readonly onMove?: (p: Point) => void
}): void {
  const { target, paths, packet, leg, seq, playing, onMove } = options
  const state = useRef({ packet: -1, s: 0, paths, goal: -1, frame: 0, changed: 0, rhythm: BY_HAND })

  // Before the paint: a new packet must not flash where the last one was.
  useLayoutEffect(() => {
    const me = state.current
    const { track, rests } = paths.lifeOf(packet)
    const goal = rests[leg]
    const now = performance.now()
    const since = now - me.changed
    me.changed = now
    if (playing && since < LONGEST * 2) me.rhythm = Math.min(LONGEST, Math.max(SHORTEST, since))
    const same = me.packet === packet && me.paths === paths
    // A long move goes on while the packet is said to do this and that where it is going.
    if (same && me.frame !== 0 && me.goal === goal) return
    if (me.frame !== 0) cancelAnimationFrame(me.frame)
    me.frame = 0
    me.goal = goal ?? -1
    if (goal === undefined) return
    const show = (s: number) => {
      me.s = s
      const p = pointAt(track, s)
      target.current?.setAttribute('transform', `translate(${p.x.toFixed(2)} ${p.y.toFixed(2)})`)
      onMove?.(p)
    }
    me.packet = packet
    me.paths = paths
    if (!same || Math.abs(goal - me.s) < 0.5 || reduced() || document.hidden) return show(goal)
    const start = me.s
    const halts = Math.min(Math.max(1, Math.abs(goal - me.s) / PER_HALT), haltsAhead(paths, { packet, leg, seq }))
    const duration = playing ? me.rhythm * 0.96 * halts : Math.min(900, BY_HAND + Math.abs(goal - me.s) * 0.35)
    const ease = playing ? easeLinear : easeCubicInOut
    let begun: number | undefined
    const tick = (time: number) => {
      begun ??= time
      const t = Math.min(1, (time - begun) / duration)
      show(between(start, goal, ease(t)))
      me.frame = t < 1 ? requestAnimationFrame(tick) : 0
    }
    show(me.s)
    me.frame = requestAnimationFrame(tick)
  }, [paths, packet, leg, seq, playing, target, onMove])

  useEffect(
    () => () => {
      if (state.current.frame !== 0) cancelAnimationFrame(state.current.frame)
      state.current.frame = 0
    },
    [],
  )
}
