import { useEffect, useMemo, useRef, useState } from 'react'
import { upperBound } from '../../../base/bisect.ts'
import { packetAtStep } from '../../../store/playhead.ts'
import type { Session } from '../../../store/session.ts'
import { useApp, useSession } from '../../context.tsx'
import { usePanelWords } from '../../i18n/panel-words.ts'
import { netnsName } from '../../place.ts'
import { colourOf } from '../../protocol-colour.ts'
import './ladder.css'

/** More hops than this in one picture are a smear: longer runs show the part around the playhead. */
const MOST_HOPS = 900
const LABEL = 104
const PAD = 14

interface Leg {
  readonly packet: number
  readonly colour: string
  readonly drop: boolean
  /** Points as (seq, lane). */
  readonly points: readonly (readonly [number, number])[]
}

interface LadderData {
  readonly lanes: readonly string[]
  readonly legs: readonly Leg[]
  readonly from: number
  readonly to: number
}

/** Namespaces in the order in which packets first reach them. */
function lanesOf({ hops, reader }: Session): ReadonlyMap<string, number> {
  const seen = new Set<number>()
  for (let h = 0; h < hops.length; h++) seen.add(hops.netns[h] as number)
  return new Map([...seen].map((ref, lane) => [reader.refName(ref) ?? '', lane]))
}

/** One leg a packet, along the lanes and across them, for the hops from `fromHop` up to `toHop`. */
function ladderOf(session: Session, lanes: ReadonlyMap<string, number>, fromHop: number, toHop: number): LadderData {
  const { hops, reader } = session
  const byPacket = new Map<number, [number, number][]>()
  const dropped = new Set<number>()
  for (let h = fromHop; h < toHop; h++) {
    const hop = hops.hop(h)
    const lane = lanes.get(hop.netns) ?? 0
    const points = byPacket.get(hop.packet) ?? []
    if (points.length === 0) byPacket.set(hop.packet, points)
    points.push([hop.first, lane], [hop.closed < 0 ? hop.last : hop.closed, lane])
    if (hop.end === 'drop' || hop.end === 'undetermined') dropped.add(hop.packet)
  }
  const legs = [...byPacket].map(([packet, points]) => ({
    packet,
    points,
    drop: dropped.has(packet),
    colour: colourOf(reader.packetAt(packet, points[0]?.[0] ?? 0)),
  }))
  const first = fromHop === 0 ? 0 : (hops.first[fromHop] ?? 0)
  const last = toHop >= hops.length ? session.length - 1 : (hops.first[toHop] ?? session.length - 1)
  return { lanes: [...lanes.keys()], legs, from: first, to: Math.max(first + 1, last) }
}

/** Nodes and pods from left to right of the cluster would cross less, but the order of the journey is what people read. */
export function Ladder() {
  const words = usePanelWords()
  const session = useSession()
  const seq = useApp((s) => s.seq)
  const followed = useApp((s) => s.followed)
  const seek = useApp((s) => s.seek)
  const follow = useApp((s) => s.follow)
  const box = useRef<HTMLDivElement>(null)
  const [size, setSize] = useState({ width: 800, height: 100 })
  useEffect(() => {
    const element = box.current
    if (element === null) return
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setSize({ width: entry.contentRect.width, height: entry.contentRect.height })
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  const { width } = size
  const { hops } = session
  const at = upperBound(hops.first, seq)
  const from = hops.length <= MOST_HOPS ? 0 : Math.max(0, Math.floor(at / 300) * 300 - 300)
  const lanes = useMemo(() => lanesOf(session), [session])
  const data = useMemo(
    () => ladderOf(session, lanes, from, Math.min(hops.length, from + MOST_HOPS)),
    [session, lanes, from, hops.length],
  )
  const current = packetAtStep(session, seq, followed)
  const span = data.to - data.from
  const x = (s: number) => LABEL + ((s - data.from) / span) * Math.max(60, width - LABEL - PAD)
  const laneHeight = Math.max(17, Math.min(28, (size.height - 6) / Math.max(1, data.lanes.length)))
  const y = (lane: number) => (lane + 0.6) * laneHeight
  const height = data.lanes.length * laneHeight + 4
  const pathOf = (leg: Leg) => leg.points.map(([s, lane], i) => `${i === 0 ? 'M' : 'L'}${x(s).toFixed(1)} ${y(lane)}`).join('')
  const hop = seq < 0 ? -1 : hops.hopOf(seq)
  const here = hop < 0 ? undefined : hops.hop(hop)
  const hereLane = here === undefined ? -1 : data.lanes.indexOf(here.netns)
  const cursor = x(Math.max(data.from, Math.min(data.to, seq)))
  return (
    // biome-ignore lint/a11y/useSemanticElements: a scrolling box, not a form's fieldset
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div className="ladder" ref={box} role="group" tabIndex={0} aria-label={words.foot.ladder}>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: a pointer's short cut for the slider below, which has the keys */}
      <svg
        width={width}
        height={height}
        role="img"
        aria-label={words.foot.ladderLabel}
        onClick={(e) => {
          const left = e.currentTarget.getBoundingClientRect().left
          const share = (e.clientX - left - LABEL) / Math.max(60, width - LABEL - PAD)
          if (share >= -0.01) seek(Math.round(data.from + share * span))
        }}
      >
        {data.lanes.map((lane, i) => (
          <g key={lane}>
            <line x1={LABEL} x2={width - PAD} y1={y(i)} y2={y(i)} className={i === hereLane ? 'lane lane-on' : 'lane'} />
            <text x={PAD} y={y(i) + 3.5} className={i === hereLane ? 'lane-name lane-name-on' : 'lane-name'}>
              {short(netnsName(lane))}
              <title>{netnsName(lane)}</title>
            </text>
          </g>
        ))}
        {data.legs.map((leg) => {
          const d = pathOf(leg)
          const end = leg.points.at(-1)
          return (
            // biome-ignore lint/a11y/noStaticElementInteractions: a pointer's short cut; the chips and the event list do it by keyboard
            <g
              key={leg.packet}
              className={leg.packet === current ? 'leg leg-on' : 'leg'}
              style={{ color: `var(--${leg.packet === current ? 'accent' : leg.colour})` }}
              onDoubleClick={() => follow(leg.packet === followed ? undefined : leg.packet)}
            >
              <title>{words.stage.packetN(leg.packet)}</title>
              <path d={d} className="leg-hit" />
              <path d={d} className="leg-line" />
              {leg.drop && end !== undefined ? (
                <path className="leg-drop" d={`M${x(end[0]) - 3.5} ${y(end[1]) - 3.5}l7 7m0-7l-7 7`} />
              ) : null}
            </g>
          )
        })}
        {seq < 0 ? null : <line x1={cursor} x2={cursor} y1={1} y2={height - 1} className="ladder-cursor" />}
        {hereLane < 0 ? null : <circle cx={cursor} cy={y(hereLane)} r={4.5} className="ladder-here" />}
      </svg>
    </div>
  )
}

const short = (name: string): string => {
  const bare = name.startsWith('pod/') ? name.slice(4) : name
  // In the middle: pods of one Deployment differ at the end of their names.
  return bare.length > 13 ? `${bare.slice(0, 6)}…${bare.slice(-6)}` : bare
}
