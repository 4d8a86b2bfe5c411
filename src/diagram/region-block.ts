import { LANE } from './compact-block.ts'
import { containerId, type GateName, gateId, Sketch, type Words } from './figure.ts'
import type { Point } from './geometry.ts'
import { FONTS, fitWords, type Measure } from './text.ts'
import type { ContainerNode } from './topology.ts'

// The IP stack of a root namespace with its netfilter hooks, in the order that ip_rcv, ip_forward and ip_output call them:
//
//   PREROUTING ─ routing ─ FORWARD ─┬─ POSTROUTING        the ring closes outside, over the devices
//                  │                │
//                INPUT ─ process ─ OUTPUT
//
// Names stand above the road inside each gate, so that a packet that rests in a gate never covers what the gate says.

export const RAIL = 9
const FIRST = 18
const GATE = 51
const ROAD_IN_GATE = 41.5
const SIDE_GATE = 34
const SIDE_ROAD = 25
const SIDE_GAP = 6
const GAP = 7
const CALLOUT = 22
/** How far beside the lanes of INPUT and OUTPUT a packet rests. */
const ASIDE = 8

interface RegionPlan {
  readonly minWidth: number
  readonly h: number
  readonly busTop: number
  readonly busBottom: number
}

const ROW = ['PREROUTING', 'routing', 'FORWARD', 'POSTROUTING'] as const

/** Least widths of the gates on the road, in the order of `ROW`: each shows its own name in full, POSTROUTING also what it does most. */
const gateWidths = (words: Words, measure: Measure): number[] =>
  ROW.map((name) => {
    const longest = name === 'POSTROUTING' ? measure('MASQUERADE', 'status') - 3 : 0
    return Math.ceil(Math.max(58, longest + 11, measure(name === 'routing' ? words.routing : name, 'gate') + 11))
  })

const sum = (ns: readonly number[]) => ns.reduce((a, b) => a + b, 0)

const aboveOf = (options: { readonly busAbove: boolean }) => (options.busAbove ? 16 : 4)

/** `busAbove`/`busBelow`: a road along that edge, for several devices on that side. */
export function planRegion(options: {
  readonly busAbove: boolean
  readonly busBelow: boolean
  readonly words: Words
  readonly measure: Measure
}): RegionPlan {
  const above = aboveOf(options)
  const below = options.busBelow ? 14 : 6
  const h = above + CALLOUT + GATE + SIDE_GAP + SIDE_GATE + below
  return {
    minWidth: 2 * FIRST + sum(gateWidths(options.words, options.measure)) + 3 * GAP,
    h,
    busTop: 8,
    busBottom: h - 8,
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
  readonly tables: ReadonlyMap<string, readonly string[]>
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
  const calloutY = aboveOf(options)
  const rowY = calloutY + CALLOUT
  const road = rowY + ROAD_IN_GATE
  const callout = { x: FIRST, y: calloutY, w: width - 2 * FIRST, h: CALLOUT - 2 }
  const id = (gate: GateName) => gateId(spec.netns, gate)
  sketch.label({
    text: words.root,
    x: FIRST,
    y: calloutY + 3,
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
  const least = gateWidths(words, measure)
  const gap = (width - 2 * FIRST - sum(least) - 4 * wider) / 3
  const row: { name: 'PREROUTING' | 'routing' | 'FORWARD' | 'POSTROUTING'; x: number; w: number }[] = []
  let x = FIRST
  for (const [i, name] of ROW.entries()) {
    const w = (least[i] ?? 0) + wider
    row.push({ name, x, w })
    gate(name, name === 'routing' ? words.routing : name, { x, y: rowY, w, h: GATE }, { x: x + w / 2, y: road }, x + 6, w - 7)
    x += w + gap
  }
  const [pre, routing, forward, post] = row
  if (pre === undefined || routing === undefined || forward === undefined || post === undefined) throw new Error('four gates')
  const mid = (g: { x: number; w: number }): Point => ({ x: g.x + g.w / 2, y: road })
  const inLane = routing.x + routing.w / 2
  const outLane = post.x - gap / 2

  const sideY = rowY + GATE + SIDE_GAP
  const sideRoad = sideY + SIDE_ROAD
  // Packets rest a little towards the process, so that the names beside them have room.
  const inRest = inLane + ASIDE
  const outRest = outLane - ASIDE
  const inLabel = inRest - LANE / 2 - FIRST - 4
  const inputX = inRest - LANE / 2 - inLabel - 4
  const outLabel = width - FIRST - outRest - LANE / 2
  // Their roads turn towards each other, below what stands between them: a capsule may reach over the edge there.
  const turn = 20
  const input = { x: inputX, y: sideY, w: inLane + turn - inputX, h: SIDE_GATE }
  const output = { x: outLane - turn, y: sideY, w: outRest + LANE / 2 + outLabel - outLane + turn, h: SIDE_GATE }
  gate('INPUT', 'INPUT', input, { x: inRest, y: sideRoad }, inputX + 6, inLabel - 4)
  gate('OUTPUT', 'OUTPUT', output, { x: outRest, y: sideRoad }, outRest + LANE / 2 + 1, outLabel - 4)

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
  const shown = [words.process, ...listens]
  sketch.label({
    text: fitWords(shown, { style: 'note', width: process.w - 10, least: 1 }, measure),
    full: shown.join(' '),
    x: process.x + 6,
    y: sideY + 3,
    width: process.w - 10,
    style: 'note',
    tone: 'muted',
    box: local,
  })
  for (const c of spec.containers) {
    // Processes of the root namespace have no box of their own: their container is the namespace's local process.
    if (c.name !== '') sketch.road({ from: containerId(spec.netns, c.name), to: local, kind: 'process', both: true, points: [] })
  }

  const inward = { x: inRest, y: sideRoad }
  const outward = { x: outRest, y: sideRoad }
  const inside = { x: process.x + process.w / 2, y: sideRoad }
  const roads: readonly (readonly [GateName, GateName, readonly Point[]])[] = [
    ['PREROUTING', 'routing', [mid(pre), mid(routing)]],
    ['routing', 'FORWARD', [mid(routing), mid(forward)]],
    ['FORWARD', 'POSTROUTING', [mid(forward), mid(post)]],
    ['routing', 'INPUT', [mid(routing), { x: inLane, y: sideRoad }, inward]],
    ['INPUT', 'local', [inward, inside]],
    ['local', 'OUTPUT', [inside, outward]],
    ['OUTPUT', 'POSTROUTING', [outward, { x: outLane, y: sideRoad }, { x: outLane, y: road }, mid(post)]],
  ]
  for (const [from, to, points] of roads) sketch.road({ from: id(from), to: id(to), kind: 'stack', both: false, points })
  return { sketch, entry: mid(pre), leave: mid(post), left: RAIL, right: width - RAIL }
}
