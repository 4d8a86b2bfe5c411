import { compactBlock, compactHeight, compactPod, compactWidth, DEVICE_MIDDLE, LANE, shortPodName } from './compact-block.ts'
import type { Detail } from './detail.ts'
import type { Road, Sketch, Words } from './figure.ts'
import { type Cell, drawGrid, type Exit, type GridPlan, planGrid } from './grid.ts'
import { FONTS, type Measure } from './text.ts'
import type { BridgeNode, DeviceNode, PodNode } from './topology.ts'

// A bridge as a bar, with what hangs on it: pods with both ends of their veth pair, and the other ports. Routed pods make a
// group of the same shape without a bar.

interface GroupSpec {
  readonly bridge: DeviceNode | undefined
  readonly pods: readonly PodNode[]
  readonly ports: readonly DeviceNode[]
}

export const groupOf = (b: BridgeNode): GroupSpec => ({ bridge: b.device, pods: b.pods, ports: b.ports })

const BAR = 34
/** The road along a bar runs this far below the edge that its ports touch. */
const BAR_ROAD = 10
export const CHIP = 18
const VETH_GAP = 7
/** Between a port and its bar: with one row of ports hardly more than what tells them apart. */
const wireGap = (grid: GridPlan) => (grid.rows > 1 ? 9 : 5)

interface GroupPlan {
  readonly spec: GroupSpec
  readonly cells: readonly Cell[]
  readonly grid: GridPlan
  readonly minWidth: number
  readonly h: number
}

export interface GroupContext {
  readonly machine: string
  readonly measure: Measure
  readonly words: Words
  readonly flip: boolean
  readonly detail: Detail
  /** netns ids of pods that take no part. */
  readonly idle: ReadonlySet<string>
}

/** A device as a chip: label to the left, lane to the right. Returns the x of the lane. */
export function deviceChip(
  sketch: Sketch,
  d: DeviceNode,
  at: {
    readonly x: number
    readonly y: number
    readonly w: number
    readonly parent: string
    /** Devices that it stands for too; none of them has a lane. */
    readonly with?: readonly DeviceNode[]
  },
): number {
  const h = CHIP
  const others = at.with ?? []
  const lane = at.x + at.w - LANE / 2
  sketch.box({
    id: d.record.id,
    rect: { x: at.x, y: at.y, w: at.w, h },
    of: { kind: 'device', link: d.record.link.kind === 'unknown' ? d.record.link.type : d.record.link.kind, up: d.record.up },
    netns: d.record.netns,
    parent: at.parent,
    name: [d.record.netns.slice('netns:'.length), d.record.name, ...d.addresses, ...others.map((o) => o.record.name)].join(' '),
    dock: { x: lane, y: at.y + h / 2 },
  })
  sketch.stand(
    d.record.id,
    others.map((o) => o.record.id),
  )
  const text = [d, ...others].map((o) => o.record.name).join(', ')
  const width = others.length === 0 ? at.w - LANE - 8 : at.w - LANE / 2 - 12
  sketch.label({
    text,
    x: at.x + 7,
    y: at.y + 2,
    width,
    style: 'device',
    box: d.record.id,
    tone: others.length === 0 ? 'normal' : 'faint',
  })
  return lane
}

function podCell(pod: PodNode, ctx: GroupContext): Cell {
  const { terse, chips } = ctx.detail
  const spec = { ...compactPod(pod), parent: ctx.machine, look: { kind: 'pod' as const }, brief: false, terse, oneLine: chips }
  const uplink = pod.uplink
  const w = compactWidth(spec, ctx.measure)
  const podHeight = compactHeight(spec, ctx.measure)
  const h = podHeight + (uplink === undefined ? 0 : VETH_GAP + CHIP)
  return {
    id: uplink?.outside.record.id ?? pod.netns.id,
    w,
    h,
    draw(sketch, at) {
      const block = compactBlock(spec, { width: at.w, ...ctx })
      if (uplink === undefined) {
        sketch.put(block.sketch, at.x, at.y)
        return at.x + at.w - LANE / 2
      }
      sketch.put(block.sketch, at.x, ctx.flip ? at.y + CHIP + VETH_GAP : at.y)
      const chipY = ctx.flip ? at.y : at.y + podHeight + VETH_GAP
      const lane = at.x + (block.lanes.get(uplink.inside.record.id) ?? at.w - LANE / 2)
      // The chip ends where the lane needs it to, so that both ends of the pair stand on one line.
      deviceChip(sketch, uplink.outside, { x: at.x, y: chipY, w: lane - at.x + LANE / 2, parent: ctx.machine })
      const inside = ctx.flip ? chipY + CHIP + VETH_GAP + DEVICE_MIDDLE : chipY - VETH_GAP - DEVICE_MIDDLE
      sketch.road({
        from: uplink.inside.record.id,
        to: uplink.outside.record.id,
        kind: 'veth',
        both: true,
        points: [
          { x: lane, y: inside },
          { x: lane, y: chipY + CHIP / 2 },
        ],
      })
      return lane
    },
  }
}

/** More than these are one chip that says how many they are. */
const MOST_CHIPS = 3

/** Idle pods with their veths as chips like other ports. */
function chipCells(pods: readonly PodNode[], ctx: GroupContext): Cell[] {
  const linked = pods.filter((p) => p.uplink !== undefined)
  if (linked.length <= MOST_CHIPS) return pods.map((p) => chipCell([p], ctx))
  return [chipCell(linked, ctx), ...pods.filter((p) => !linked.includes(p)).map((p) => chipCell([p], ctx))]
}

function chipCell(pods: readonly PodNode[], ctx: GroupContext): Cell {
  const first = pods[0]
  if (first === undefined) throw new Error('a chip of no pods')
  const alone = pods.length === 1
  // Of several the node is chosen by a click: none of them is meant.
  const id = alone ? first.netns.id : `pods:${first.uplink?.outside.record.master?.bridge ?? ctx.machine}`
  const text = alone ? first.name : ctx.words.pods(pods.length)
  const address = alone ? (first.address ?? '') : ''
  const w = Math.max(134, Math.min(178, Math.ceil(ctx.measure(text, 'name')) + LANE + 16))
  return {
    id,
    w,
    h: CHIP,
    small: true,
    draw(sketch, at) {
      const lane = at.x + at.w - LANE / 2
      sketch.box({
        id,
        rect: { x: at.x, y: at.y, w: at.w, h: CHIP },
        of: { kind: 'pod' },
        netns: alone ? first.netns.id : ctx.machine,
        parent: ctx.machine,
        name: pods.map((p) => [p.netns.name, p.address ?? ''].join(' ').trim()).join(', '),
        dock: { x: lane, y: at.y + CHIP / 2 },
      })
      for (const p of pods) {
        const devices = [...p.devices, ...(p.uplink === undefined ? [] : [p.uplink.outside])].map((d) => d.record.id)
        sketch.stand(id, alone ? devices : [p.netns.id, ...devices])
      }
      const end = at.x + at.w - LANE - 1
      const x = at.x + 8
      const used = sketch.label({
        text: shortPodName(text, end - x, ctx.measure),
        full: text,
        x,
        y: at.y + 1.5,
        width: end - x,
        style: 'name',
        tone: 'muted',
        box: id,
      })
      const from = x + used + 8
      if (address !== '' && from + ctx.measure(address, 'address') <= end)
        sketch.label({ text: address, x: from, y: at.y + 2, width: end - from, style: 'address', tone: 'faint', box: id })
      return lane
    },
  }
}

function portCell(d: DeviceNode, ctx: GroupContext): Cell {
  const w = Math.max(134, Math.min(178, ctx.measure(d.record.name, 'device') + LANE + 16))
  return { id: d.record.id, w, h: CHIP, draw: (sketch, at) => deviceChip(sketch, d, { ...at, parent: ctx.machine }) }
}

/** Sizes of a group in at most `cols` columns. */
export function planGroup(spec: GroupSpec, cols: number, ctx: GroupContext): GroupPlan {
  const isChip = (p: PodNode) => ctx.detail.chips && ctx.idle.has(p.netns.id)
  const cells = [
    ...spec.pods.filter((p) => !isChip(p)).map((p) => podCell(p, ctx)),
    ...chipCells(spec.pods.filter(isChip), ctx),
    ...spec.ports.map((d) => portCell(d, ctx)),
  ]
  const grid = planGrid(cells, cols, ctx.flip)
  const bar = spec.bridge === undefined ? 0 : BAR
  const wires = cells.length === 0 ? 0 : wireGap(grid)
  const label = spec.bridge === undefined ? 0 : 64 + ctx.measure(barLabel(spec.bridge), 'device')
  return { spec, cells, grid, minWidth: Math.max(grid.minWidth, label), h: grid.h + wires + bar }
}

/** The road of a bridge's bar, and the x of its ports on it. */
interface Bar {
  readonly id: string
  readonly y: number
  readonly ports: readonly number[]
}

/** The road inside a bar, which joins all that ends on it. */
export const alongBar = (id: string, y: number, ends: readonly number[]): Road => ({
  from: id,
  to: id,
  kind: 'port',
  both: true,
  points: [
    { x: Math.min(...ends), y },
    { x: Math.max(...ends), y },
  ],
})

const barLabel = (d: DeviceNode) => [d.record.name, ...d.addresses.slice(0, 1)].join('  ')

/**
 * Draws a group `width` wide, `height` high (at least the plan's) with its top left corner at (x, y), the bar at the far
 * edge. Returns the ways out of it that still have to reach the stack: of a bridge its two ends, of routed pods their veths.
 */
export function drawGroup(
  sketch: Sketch,
  plan: GroupPlan,
  ctx: GroupContext,
  at: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
): { readonly bar: Bar | undefined; readonly exits: readonly Exit[] } {
  const { spec } = plan
  const bar = spec.bridge
  const wires = plan.cells.length === 0 ? 0 : wireGap(plan.grid)
  const barHeight = bar === undefined ? 0 : BAR
  const gridY = ctx.flip ? at.y + barHeight + wires : at.y + at.height - barHeight - wires - plan.grid.h
  const exits = drawGrid(sketch, {
    plan: plan.grid,
    x: at.x,
    y: gridY,
    width: at.width,
    maxCell: Math.max(spec.pods.length > 0 ? 230 : 150, ...plan.cells.map((c) => c.w)),
    flip: ctx.flip,
  })
  const edge = ctx.flip ? at.y + barHeight : at.y + at.height - barHeight
  const reached = exits
    .filter((e) => sketch.docks.has(e.id))
    .map((e) => {
      const last = e.points[e.points.length - 1]
      return last === undefined ? e : { id: e.id, points: [...e.points, { x: last.x, y: edge }] }
    })
  if (bar === undefined) return { bar: undefined, exits: reached }

  const barY = ctx.flip ? at.y : edge
  const roadY = ctx.flip ? barY + BAR - BAR_ROAD : barY + BAR_ROAD
  const ticks = reached.flatMap((e) => e.points.slice(-1))
  const labelY = ctx.flip ? barY + 1 : barY + BAR - 1 - FONTS.device.line
  // Both ends of the bar keep clear: there the roads to and from the stack pass.
  const left = at.x + 24
  const end = at.x + at.width - 24
  const { id } = bar.record
  let x = left
  x += sketch.label({ text: bar.record.name, x, y: labelY, width: end - x, style: 'device', tone: 'strong', box: id }) + 12
  const address = bar.addresses[0]
  if (address !== undefined && x + ctx.measure(address, 'device') <= end) {
    x += sketch.label({ text: address, x, y: labelY, width: end - x, style: 'device', tone: 'muted', box: id }) + 12
  }
  sketch.box({
    id,
    rect: { x: at.x, y: barY, w: at.width, h: BAR },
    of: { kind: 'bridge', ticks },
    netns: bar.record.netns,
    parent: ctx.machine,
    name: [bar.record.netns.slice('netns:'.length), bar.record.name, ...bar.addresses].join(' '),
    dock: { x: at.x + at.width / 2, y: roadY },
    ...(end - x > 50 && { slot: { x, y: labelY + 0.5, w: end - x, h: FONTS.status.line } }),
  })
  for (const e of reached) {
    const last = e.points[e.points.length - 1]
    const first = e.points[0]
    if (last === undefined || first === undefined) continue
    sketch.road({
      from: e.id,
      to: bar.record.id,
      kind: 'port',
      both: true,
      points: [{ x: first.x, y: ctx.flip ? first.y + CHIP / 2 : first.y - CHIP / 2 }, ...e.points, { x: last.x, y: roadY }],
    })
  }
  return { bar: { id: bar.record.id, y: roadY, ports: ticks.map((t) => t.x) }, exits: [] }
}
