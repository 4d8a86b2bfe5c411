import { CHANNEL_HEIGHT, type Channel, placeSwitches, planCables, trackY } from './cabling.ts'
import { LANE } from './compact-block.ts'
import { DETAILS, type Detail, isReadable } from './detail.ts'
import { type Layout, type Road, Sketch, WORDS_EN, type Words } from './figure.ts'
import { type Point, union } from './geometry.ts'
import { isGuest, isHost, switchOf } from './roles.ts'
import { type Look, type Plan, planRows, type Rows } from './rows.ts'
import { chainWidth, type Slim, slimChains } from './slim.ts'
import { switchHeight } from './switch-block.ts'
import { type Measure, measureRoughly, remember } from './text.ts'
import type { Topology } from './topology.ts'
import { tuckIdleLeaves } from './tuck.ts'
import { fitView } from './view.ts'

// One row of machines or two, how many pods side by side: whatever makes the whole largest in the room given.

interface LayoutOptions {
  /** Pixels that the drawing should fill well; it may become larger. */
  readonly width: number
  readonly height: number
  readonly measure?: Measure
  readonly words?: Words
  /** Machines and pods (netns ids) that take no part: machines are drawn with names and devices only, nodes and pods smaller where room is short. */
  readonly idle?: ReadonlySet<string>
}

const MARGIN = 8

/** Everything that the drawing of `topology` needs, in coordinates from (0, 0). Pure: same input, same layout. */
export function layout(topology: Topology, options: LayoutOptions): Layout {
  const measure = remember(options.measure ?? measureRoughly)
  const words = options.words ?? WORDS_EN
  const idle = options.idle ?? new Set<string>()
  let best: Candidate | undefined
  for (const [level, detail] of DETAILS.entries()) {
    const found = bestWith(detail, { topology, measure, words, idle, room: options })
    if (found === undefined) break
    const candidate = { ...found, score: found.score - level * LEVEL_COST }
    if (best === undefined || candidate.score > best.score + 1e-9) best = candidate
    // Where everything is on the way there is little to give up: what is far too small stays so, and is not planned again.
    if (idle.size === 0 && !isReadable(found.scale / MOST_OF_ALL, options)) break
    // A plan knows the room for cables only roughly: what may be readable is drawn and measured.
    if (!isReadable(found.scale / ROUGHLY, options)) continue
    const drawn = draw(found)
    if (isReadable(fitView(drawn.bounds, options, Number.POSITIVE_INFINITY).k, options)) return drawn
  }
  return best === undefined ? EMPTY : draw(best)
}

const ROUGHLY = 0.95
/** No level of detail makes a drawing without idle parts larger than by this. */
const MOST_OF_ALL = 0.75
const NOTHING: ReadonlyMap<string, readonly string[]> = new Map()

/** What is left out must make the rest so much larger, each time. */
const LEVEL_COST = 0.03

interface Candidate {
  readonly parts: Parts
  readonly rows: Rows
  readonly look: Look
  readonly score: number
  readonly scale: number
}

/** The best arrangement at one level of detail. */
function bestWith(
  detail: Detail,
  ctx: {
    readonly topology: Topology
    readonly measure: Measure
    readonly words: Words
    readonly idle: ReadonlySet<string>
    readonly room: LayoutOptions
  },
): Candidate | undefined {
  const { measure, words, idle, room } = ctx
  const { topology, inside } = detail.chips ? tuckIdleLeaves(ctx.topology, idle) : { topology: ctx.topology, inside: NOTHING }
  const slim = slimChains(topology, idle, { nodes: detail.cards, words, measure })
  const look: Look = {
    measure,
    words,
    idle,
    spine: Math.max(0, ...[...slim.chains.values()].map((c) => LANE + 80 + chainWidth(c, measure))),
  }
  const chained = slim.machines
  /** Without the machines that become chips on a switch's edge. */
  const main: Topology = {
    machines: topology.machines.filter((m) => !chained.has(m.netns.id)),
    links: topology.links.filter((l) => !chained.has(l.a.netns) && !chained.has(l.b.netns)),
  }
  const hasSpine = topology.machines.some((m) => switchOf(m) !== undefined)
  let best: Candidate | undefined
  for (const plan of plansFor(main, detail)) {
    const rows = planRows(main, plan, look)
    const scale = scaleOf(rows, { hasSpine, hasSlim: slim.chains.size > 0, room })
    const score = worthOf(scale, rows) - (plan.beside ? 0.03 : 0) - (plan.small ? 0.1 : 0)
    if (best === undefined || score > best.score + 1e-9)
      best = { parts: { whole: topology, main, slim, inside }, rows, look, score, scale }
  }
  return best
}

const EMPTY: Layout = {
  bounds: { x: 0, y: 0, w: 0, h: 0 },
  boxes: [],
  labels: [],
  roads: [],
  box: new Map(),
  inside: new Map(),
}

function* plansFor(topology: Topology, detail: Detail): Generator<Plan> {
  const hosts = topology.machines.filter(isHost).length
  const most = Math.max(1, ...topology.machines.flatMap((m) => m.bridges.map((b) => b.pods.length + b.ports.length)))
  const splits = hosts > 1 ? [hosts, Math.ceil(hosts / 2)] : [hosts]
  const hasGuests = topology.machines.some(isGuest) && hosts > 0
  const sides = hasGuests ? [false, true] : [false]
  for (const split of splits) {
    for (const beside of sides) {
      for (const cols of [2, 3, 4, 5, 6, 8]) {
        if (cols > 2 && cols > most + 1) continue
        yield { split, beside, cols, detail, small: false }
        if (hasGuests) yield { split, beside, cols, detail, small: true }
      }
    }
  }
}

/** The room may become smaller by and by (a notice, a longer sentence): so much beyond full size is worth a little. */
const SPARE = 0.15

/** The scale at which the whole fits the room. */
function scaleOf(
  rows: Rows,
  ctx: {
    readonly hasSpine: boolean
    readonly hasSlim: boolean
    readonly room: { readonly width: number; readonly height: number }
  },
): number {
  const w = rows.width + 2 * MARGIN
  const between = ctx.hasSpine ? CHANNEL_HEIGHT + switchHeight(ctx.hasSlim || rows.under.length > 0) : 0
  const h = rows.upperHeight + between + (rows.under.length > 0 ? CHANNEL_HEIGHT + rows.underHeight : 0) + 2 * MARGIN
  return Math.min(Math.max(320, ctx.room.width) / w, Math.max(240, ctx.room.height) / h)
}

/** Past full size little is gained; then the one with less empty room wins. */
const worthOf = (scale: number, rows: Rows): number =>
  Math.min(scale, 1) + 0.2 * Math.min(Math.max(0, scale - 1), SPARE) - 0.00002 * (rows.width + 2 * MARGIN)

interface Parts {
  readonly whole: Topology
  readonly main: Topology
  readonly slim: Slim
  /** Ids of what a machine stands for, by its own. */
  readonly inside: ReadonlyMap<string, readonly string[]>
}

function draw({ parts, rows, look }: Candidate): Layout {
  const upper = rows.upper.map((p) => ({ ...p, sketch: p.block.draw() }))
  const under = rows.under.map((p) => ({ ...p, sketch: p.block.draw() }))
  // Only x is known yet; y follows from how many tracks the channels need.
  const docks = new Map<string, Point>()
  const note = (p: { readonly sketch: Sketch; readonly x: number }) => {
    for (const [id, dock] of p.sketch.docks) docks.set(id, { x: dock.x + p.x, y: 0 })
  }
  for (const p of [...upper, ...under]) note(p)
  const switches = placeSwitches(parts.whole, rows, { docks, slim: parts.slim.chains, ...look })
  for (const s of switches) note(s)
  const hasSpine = switches.length > 0
  const { cables, height } = planCables(parts.main.links, { rows, docks, hasSpine })

  const aboveY = MARGIN + rows.upperHeight
  const spineY = aboveY + (hasSpine || under.length > 0 ? height.above : 0)
  const belowY = spineY + Math.max(0, ...switches.map((s) => s.h))
  const underY = belowY + (under.length > 0 && hasSpine ? height.below : 0)
  const whole = new Sketch(look.measure)
  // Machines stand on the network: those of the upper row at its lower edge.
  for (const p of upper) whole.put(p.sketch, MARGIN + p.x, aboveY - p.block.h)
  for (const s of switches) whole.put(s.sketch, MARGIN + s.x, spineY)
  // Those of the lower row hang from it, unless all their cables run below the row.
  for (const p of under) whole.put(p.sketch, MARGIN + p.x, p.low ? underY + rows.underHeight - p.block.h : underY)

  for (const [id, ids] of parts.inside) whole.stand(id, ids)

  const top: Readonly<Record<Channel, number>> = { above: aboveY, below: belowY, under: underY + rows.underHeight }
  const roads = cables.flatMap(({ link, channel, track }): Road[] => {
    const a = whole.docks.get(link.a.id)
    const b = whole.docks.get(link.b.id)
    if (a === undefined || b === undefined) return []
    const y = trackY(top[channel], track)
    const points = track < 0 ? [a, b] : [a, { x: a.x, y }, { x: b.x, y }, b]
    return [{ from: link.a.id, to: link.b.id, kind: 'link', both: true, points }]
  })
  const ends = roads.flatMap((r) => r.points.map((p) => ({ ...p, w: 0, h: 0 })))
  const drawn = union([...whole.boxes.map((b) => b.rect), ...ends])
  return {
    bounds: { x: 0, y: 0, w: drawn.x + drawn.w + MARGIN, h: drawn.y + drawn.h + MARGIN },
    boxes: whole.boxes,
    labels: whole.labels,
    roads: [...whole.roads, ...roads],
    box: new Map(whole.boxes.map((b) => [b.id, b])),
    inside: whole.inside,
  }
}
