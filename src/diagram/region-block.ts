import type { HookName, TableName } from '../world/netfilter.ts'
import { LANE } from './compact-block.ts'
import { containerId, type GateName, gateId, Sketch, type Words } from './figure.ts'
import type { Point } from './geometry.ts'
import { FONTS, type Measure } from './text.ts'
import type { ContainerNode } from './topology.ts'

// The IP stack of a root namespace with its netfilter hooks, in the order that ip_rcv, ip_forward and ip_output call them:
//
//   PREROUTING ─ routing ─ FORWARD ─┬─ POSTROUTING        the ring closes outside, over the devices
//                  │                │
//                INPUT ─ process ─ OUTPUT
//
// Names stand above the road inside each gate, so that a packet that rests in a gate never covers what the gate says.

export const RAIL = 12
const FIRST = 24
const GATE = 54
const ROAD_IN_GATE = 42
const SIDE_GATE = 36
const SIDE_ROAD = 26
const GAP = 11
const CALLOUT = 23

interface RegionPlan {
  readonly minWidth: number
  readonly h: number
  readonly busTop: number
  readonly busBottom: number
}

const MIN = { PREROUTING: 88, routing: 66, FORWARD: 88, POSTROUTING: 98 } as const

/** `busAbove`/`busBelow`: a road along that edge, for several devices on that side. */
export function planRegion(options: { readonly busAbove: boolean; readonly busBelow: boolean }): RegionPlan {
  const above = options.busAbove ? 18 : 6
  const below = options.busBelow ? 19 : 8
  const h = above + CALLOUT + GATE + 9 + SIDE_GATE + below
  return {
    minWidth: 2 * FIRST + MIN.PREROUTING + MIN.routing + MIN.FORWARD + MIN.POSTROUTING + 3 * GAP,
    h,
    busTop: 9,
    busBottom: h - 9,
  }
}

interface RegionBlock {
  readonly sketch: Sketch
  /** Where the road into PREROUTING and the road out of POSTROUTING meet the rails, region coordinates. */
  readonly entry: Point
  readonly leave: Point
  readonly left: number
  readonly right: number
}

interface RegionSpec {
  readonly netns: string
  readonly name: string
  readonly containers: readonly ContainerNode[]
  readonly tables: ReadonlyMap<HookName, readonly TableName[]>
}

/** Draws the stack `width` wide at its own origin. */
export function regionBlock(
  spec: RegionSpec,
  options: {
    readonly width: number
    readonly plan: RegionPlan
    readonly busAbove: boolean
    readonly words: Words
    readonly measure: Measure
  },
): RegionBlock {
  const { width, plan, words, measure } = options
  const sketch = new Sketch(measure)
  const region = `region:${spec.name}`
  sketch.box({
    id: region,
    rect: { x: 0, y: 0, w: width, h: plan.h },
    of: { kind: 'region' },
    netns: spec.netns,
    parent: spec.netns,
    name: spec.name,
  })
  const calloutY = options.busAbove ? 18 : 6
  const rowY = calloutY + CALLOUT
  const road = rowY + ROAD_IN_GATE
  const callout = { x: FIRST, y: calloutY, w: width - 2 * FIRST, h: CALLOUT - 4 }
  const id = (gate: GateName) => gateId(spec.netns, gate)
  sketch.label({
    text: words.root,
    x: FIRST,
    y: calloutY + 4,
    width: width - 2 * FIRST,
    style: 'note',
    tone: 'faint',
    box: region,
    resting: true,
  })

  const gate = (
    name: GateName,
    text: string,
    at: { x: number; y: number; w: number; h: number },
    dock: Point,
    textX: number,
    textWidth: number,
  ) => {
    sketch.box({
      id: id(name),
      rect: at,
      of: { kind: 'gate', gate: name },
      netns: spec.netns,
      parent: region,
      name: `${spec.name} ${text}`,
      dock,
      slot: { x: textX, y: at.y + 4 + FONTS.gate.line, w: textWidth, h: FONTS.status.line },
      callout,
    })
    sketch.label({ text, x: textX, y: at.y + 4, width: textWidth, style: 'gate', box: id(name) })
    const tables = name === 'routing' || name === 'local' || name === 'stack' ? undefined : spec.tables.get(name)
    if (tables !== undefined && tables.length > 0) {
      sketch.label({
        text: tables.join(' '),
        x: textX,
        y: at.y + 4 + FONTS.gate.line,
        width: textWidth,
        style: 'note',
        tone: 'faint',
        box: id(name),
        resting: true,
      })
    }
  }

  // What the region has more than the least is shared out between the gates, the gaps taking half of it.
  const spare = Math.max(0, width - plan.minWidth)
  const wider = Math.min(30, spare / 8)
  const gap = (width - 2 * FIRST - (MIN.PREROUTING + MIN.routing + MIN.FORWARD + MIN.POSTROUTING) - 4 * wider) / 3
  const row: { name: 'PREROUTING' | 'routing' | 'FORWARD' | 'POSTROUTING'; x: number; w: number }[] = []
  let x = FIRST
  for (const name of ['PREROUTING', 'routing', 'FORWARD', 'POSTROUTING'] as const) {
    const w = MIN[name] + wider
    row.push({ name, x, w })
    gate(name, name === 'routing' ? words.routing : name, { x, y: rowY, w, h: GATE }, { x: x + w / 2, y: road }, x + 7, w - 10)
    x += w + gap
  }
  const [pre, routing, forward, post] = row
  if (pre === undefined || routing === undefined || forward === undefined || post === undefined) throw new Error('four gates')
  const mid = (g: { x: number; w: number }): Point => ({ x: g.x + g.w / 2, y: road })
  const inLane = routing.x + routing.w / 2
  const outLane = post.x - gap / 2

  const sideY = rowY + GATE + 9
  const sideRoad = sideY + SIDE_ROAD
  const inLabel = Math.min(inLane - LANE / 2 - FIRST - 4, 120)
  const inputX = inLane - LANE / 2 - inLabel - 4
  const outLabel = Math.min(width - FIRST - outLane - LANE / 2, 120)
  // Their roads turn towards each other, so that half a lane beyond the turn is enough.
  const turn = LANE / 2 - 12
  const input = { x: inputX, y: sideY, w: inLabel + 4 + LANE / 2 + turn, h: SIDE_GATE }
  const output = { x: outLane - turn, y: sideY, w: turn + LANE / 2 + outLabel, h: SIDE_GATE }
  gate('INPUT', 'INPUT', input, { x: inLane, y: sideRoad }, inputX + 7, inLabel - 5)
  gate('OUTPUT', 'OUTPUT', output, { x: outLane, y: sideRoad }, outLane + LANE / 2 + 2, outLabel - 8)

  const local = id('local')
  const listens = spec.containers.flatMap((c) => c.listens)
  const process = { x: input.x + input.w + 5, y: sideY, w: output.x - input.x - input.w - 10, h: SIDE_GATE }
  sketch.box({
    id: local,
    rect: process,
    of: { kind: 'gate', gate: 'local' },
    netns: spec.netns,
    parent: region,
    name: [spec.name, words.local, ...listens].join(' '),
    dock: { x: process.x + process.w / 2, y: sideRoad },
  })
  const text = [words.process, ...listens].join(' ')
  sketch.label({ text, x: process.x + 6, y: sideY + 3, width: process.w - 10, style: 'note', tone: 'muted', box: local })
  for (const c of spec.containers) {
    // Processes of the root namespace have no box of their own: their container is the namespace's local process.
    if (c.name !== '') sketch.road({ from: containerId(spec.netns, c.name), to: local, kind: 'process', both: true, points: [] })
  }

  const inward = { x: inLane, y: sideRoad }
  const outward = { x: outLane, y: sideRoad }
  const inside = { x: process.x + process.w / 2, y: sideRoad }
  const roads: readonly (readonly [GateName, GateName, readonly Point[]])[] = [
    ['PREROUTING', 'routing', [mid(pre), mid(routing)]],
    ['routing', 'FORWARD', [mid(routing), mid(forward)]],
    ['FORWARD', 'POSTROUTING', [mid(forward), mid(post)]],
    ['routing', 'INPUT', [mid(routing), inward]],
    ['INPUT', 'local', [inward, inside]],
    ['local', 'OUTPUT', [inside, outward]],
    ['OUTPUT', 'POSTROUTING', [outward, { x: outLane, y: road }, mid(post)]],
  ]
  for (const [from, to, points] of roads) sketch.road({ from: id(from), to: id(to), kind: 'stack', both: false, points })
  return { sketch, entry: mid(pre), leave: mid(post), left: RAIL, right: width - RAIL }
}
