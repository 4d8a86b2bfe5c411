import { LANE } from './compact-block.ts'
import type { Detail } from './detail.ts'
import { gateId, Sketch, type Words } from './figure.ts'
import type { Point } from './geometry.ts'
import { drawGrid, planGrid } from './grid.ts'
import { alongBar, CHIP, deviceChip, drawGroup, type GroupContext, groupOf, planGroup } from './group-block.ts'
import { planRegion, RAIL, regionBlock } from './region-block.ts'
import type { Measure } from './text.ts'
import type { DeviceNode, Machine } from './topology.ts'

// A machine in full: header, the groups of its bridges on one side of the stack, its devices on the other.

const PAD = 5
const HEAD = 25
const GROUP_GAP = 12
const BETWEEN = 5
/** Between two devices in a row, their wires past the next row included. */
const DEVICE_GAP = 14

/** A block whose size is known before it is drawn. */
export interface Block {
  readonly w: number
  readonly h: number
  /** Draws it at its own origin. */
  draw(): Sketch
}

interface MachineOptions {
  /** At most so many pods side by side on one bridge. */
  readonly cols: number
  /** The devices are above, the pods below. */
  readonly flip: boolean
  readonly words: Words
  readonly measure: Measure
  /** Devices that must be on the opposite side, when the machine has no groups there. */
  readonly opposite: ReadonlySet<string>
  /** Devices with a cable to another machine of the drawing. */
  readonly linked: ReadonlySet<string>
  readonly detail: Detail
  /** netns ids of pods that take no part. */
  readonly idle: ReadonlySet<string>
}

interface Section {
  readonly kind: 'groups' | 'devices'
  readonly minWidth: number
  readonly h: number
}

/** Plans the block of `machine`. */
export function machineBlock(machine: Machine, options: MachineOptions): Block {
  const { flip, words, measure, linked, detail, idle } = options
  const ctx: DevicesContext = { machine: machine.netns.id, measure, words, flip, linked, detail, idle }
  const specs = machine.bridges.map(groupOf)
  if (machine.routed.length > 0) specs.push({ bridge: undefined, pods: machine.routed, ports: [] })
  // Two rows of bars would have to be crossed on the way to the stack, so all groups of a machine stand side by side.
  const groups = specs.map((s) => planGroup(s, options.cols, ctx))
  const hasGroups = groups.length > 0

  const far = hasGroups ? [] : machine.devices.filter((d) => options.opposite.has(d.record.id))
  const near = machine.devices.filter((d) => !far.includes(d))
  const groupWidth = groups.reduce((sum, p) => sum + p.minWidth, 0) + Math.max(0, groups.length - 1) * GROUP_GAP
  const groupHeight = Math.max(0, ...groups.map((p) => p.h))
  const single = groups.length === 1 && groups[0]?.spec.bridge !== undefined

  const farBus = hasGroups ? !single : far.length > 0
  const busAbove = flip ? near.length > 0 : farBus
  const busBelow = flip ? farBus : near.length > 0
  const region = planRegion({ busAbove, busBelow, words, measure })
  const room = Math.max(region.minWidth, groupWidth)
  const nearSection = devicesSection(near, room, ctx)
  const farSection = hasGroups ? undefined : devicesSection(far, room, { ...ctx, flip: !flip })
  const inner = Math.max(room, nearSection.minWidth, farSection?.minWidth ?? 0)
  const w = inner + 2 * PAD

  const farHeight = hasGroups ? groupHeight : (farSection?.h ?? 0)
  const gapFar = farHeight > 0 ? BETWEEN : 0
  const gapNear = nearSection.h > 0 ? BETWEEN : 0
  const order = flip
    ? { near: HEAD, region: HEAD + nearSection.h + gapNear, far: HEAD + nearSection.h + gapNear + region.h + gapFar }
    : { far: HEAD, region: HEAD + farHeight + gapFar, near: HEAD + farHeight + gapFar + region.h + gapNear }
  const h = HEAD + farHeight + gapFar + region.h + gapNear + nearSection.h + PAD

  const draw = (): Sketch => {
    const sketch = new Sketch(measure)
    sketch.box({
      id: machine.netns.id,
      rect: { x: 0, y: 0, w, h },
      of: { kind: 'machine', role: machine.netns.role },
      netns: machine.netns.id,
      parent: undefined,
      name: machine.netns.name,
    })

    const stack = regionBlock(
      { netns: machine.netns.id, name: machine.netns.name, containers: machine.containers, tables: machine.tables },
      { width: inner, plan: region, busAbove, words, measure },
    )
    sketch.put(stack.sketch, PAD, order.region)
    const ring = ringOf({
      machine: machine.netns.id,
      entry: stack.entry,
      leave: stack.leave,
      width: inner,
      x: PAD,
      y: order.region,
    })
    const busFar = order.region + (flip ? region.busBottom : region.busTop)
    const busNear = order.region + (flip ? region.busTop : region.busBottom)

    if (hasGroups) {
      const extra = (inner - groupWidth) / groups.length
      let x = PAD
      for (const plan of groups) {
        const width = plan.minWidth + extra
        const drawn = drawGroup(sketch, plan, ctx, { x, y: order.far, width, height: groupHeight })
        if (drawn.bar !== undefined) ring.bar(sketch, { ...drawn.bar, left: x + RAIL, right: x + width - RAIL, bus: busFar })
        for (const e of drawn.exits) {
          const dock = sketch.docks.get(e.id)
          if (dock !== undefined) ring.device(sketch, { id: e.id, way: [dock, ...e.points], bus: busFar })
        }
        x += width + GROUP_GAP
      }
    } else if (farSection !== undefined) {
      for (const way of farSection.draw(sketch, PAD, order.far, inner)) ring.device(sketch, { ...way, bus: busFar })
    }
    const nearWays = nearSection.draw(sketch, PAD, order.near, inner)
    for (const way of nearWays) ring.device(sketch, { ...way, bus: busNear })
    // Where cables come in from above, the head ends before the first.
    const upward = flip ? new Set(near.map((d): string => d.record.id).filter((id) => options.linked.has(id))) : new Set<string>()
    drawHead(sketch, machine, Math.min(w - PAD, ...nearWays.filter((d) => upward.has(d.id)).map((d) => (d.way[0]?.x ?? w) - 4)))
    return sketch
  }
  return { w, h, draw }
}

function drawHead(sketch: Sketch, machine: Machine, end: number): void {
  const left = PAD + 5
  const used = sketch.label({
    text: machine.name,
    x: left,
    y: 4,
    width: end - left - 6,
    style: 'title',
    tone: 'strong',
    box: machine.netns.id,
  })
  if (machine.address === undefined) return
  const x = left + used + 10
  if (sketch.measure(machine.address, 'address') > end - 6 - x) return
  sketch.label({ text: machine.address, x, y: 6, width: end - 6 - x, style: 'address', tone: 'muted', box: machine.netns.id })
}

interface DeviceWay {
  readonly id: string
  readonly way: readonly Point[]
}

type DevicesContext = GroupContext & Pick<MachineOptions, 'linked'>

interface DevicesSection extends Section {
  draw(sketch: Sketch, x: number, y: number, width: number): DeviceWay[]
}

/** A machine's own devices as chips. Those with a cable stand at the outer edge, the others behind them. */
function devicesSection(devices: readonly DeviceNode[], room: number, ctx: DevicesContext): DevicesSection {
  const linked = devices.filter((d) => ctx.linked.has(d.record.id))
  const unused = devices.filter((d) => ctx.detail.chips && !linked.includes(d) && ctx.idle.has(d.record.id))
  // One that is not used stands for all of them.
  const gathered = unused.length > 1 ? unused : []
  const others = devices.filter((d) => !linked.includes(d) && (!gathered.includes(d) || d === gathered[0]))
  const shown = [...linked, ...others]
  const widthOf = (d: DeviceNode) =>
    Math.max(
      d.record.link.kind === 'loopback' ? LANE + 22 : LANE + 36,
      Math.ceil(ctx.measure(d.record.name, 'device')) + LANE + 18,
    )
  // As many side by side as there is room for without making the machine wider, in rows of equal length.
  const widest = Math.max(1, ...shown.map(widthOf))
  const fitting = Math.max(
    2,
    Math.floor((room + DEVICE_GAP) / (widest + DEVICE_GAP)),
    // Of very many rather a wider machine than a tower.
    Math.ceil(Math.sqrt(shown.length * 0.8)),
  )
  const rows = Math.max(1, Math.ceil(shown.length / fitting))
  const perRow = Math.max(Math.ceil(shown.length / rows), linked.length)
  const oneRow = shown.length <= perRow
  const ordered = oneRow ? middleFirst(linked, others) : ctx.flip ? [...linked, ...others] : [...others, ...linked]
  const cells = ordered.map((d) => ({
    id: d.record.id,
    w: widthOf(d),
    h: CHIP,
    draw: (sketch: Sketch, at: { x: number; y: number; w: number }) =>
      deviceChip(sketch, d, { ...at, parent: ctx.machine, ...(d === gathered[0] && { with: gathered.slice(1) }) }),
  }))
  if (cells.length === 0) return { kind: 'devices', minWidth: 0, h: 0, draw: () => [] }
  const plan = planGrid(cells, perRow, !ctx.flip)
  const maxCell = Math.max(144, ...cells.map((c) => c.w))
  return {
    kind: 'devices',
    minWidth: plan.minWidth,
    h: plan.h,
    draw(sketch, x, y, width) {
      const used = Math.min(width, plan.cols * maxCell + (plan.cols - 1) * plan.gutter)
      const exits = drawGrid(sketch, {
        plan,
        x: ctx.flip ? x + width - used : x + (width - used) / 2,
        y,
        width: used,
        maxCell,
        // Devices look at the stack, the other way round than pods.
        flip: !ctx.flip,
      })
      return exits.map((e) => {
        const dock = sketch.docks.get(e.id)
        return { id: e.id, way: dock === undefined ? e.points : [dock, ...e.points] }
      })
    },
  }
}

/** NICs in the middle of the row, loopback and the rest around them. */
function middleFirst(linked: readonly DeviceNode[], others: readonly DeviceNode[]): DeviceNode[] {
  const half = Math.floor(others.length / 2)
  return [...others.slice(0, half), ...linked, ...others.slice(half)]
}

/** The outer half of the ring: rails left and right of the gates, and a bus along the edge where several devices share it. */
function ringOf(at: {
  readonly machine: string
  readonly entry: Point
  readonly leave: Point
  readonly width: number
  readonly x: number
  readonly y: number
}) {
  const entry = { x: at.x + at.entry.x, y: at.y + at.entry.y }
  const leave = { x: at.x + at.leave.x, y: at.y + at.leave.y }
  const left = at.x + RAIL
  const rightRail = at.x + at.width - RAIL
  const pre = gateId(at.machine, 'PREROUTING')
  const post = gateId(at.machine, 'POSTROUTING')
  const road = (sketch: Sketch, id: string, inward: readonly Point[], outward: readonly Point[]) => {
    sketch.road({ from: id, to: pre, kind: 'stack', both: false, points: [...inward, { x: left, y: entry.y }, entry] })
    sketch.road({ from: post, to: id, kind: 'stack', both: false, points: [leave, { x: rightRail, y: leave.y }, ...outward] })
  }
  return {
    bar(sketch: Sketch, d: { id: string; y: number; ports: readonly number[]; left: number; right: number; bus: number }) {
      const via = (x: number, rail: number): Point[] =>
        Math.abs(x - rail) < 0.5
          ? [{ x, y: d.y }]
          : [
              { x, y: d.y },
              { x, y: d.bus },
              { x: rail, y: d.bus },
            ]
      // It comes to rest on the bar, not on the bar's corner, and begins as far from the other.
      const corner = Math.min(34, (d.right - d.left) / 4)
      const begin = { x: d.left + corner, y: d.y }
      const rest = { x: d.right - corner, y: d.y }
      sketch.road(alongBar(d.id, d.y, [...d.ports, begin.x, rest.x]))
      road(sketch, d.id, [begin, ...via(d.left, left)], [...via(d.right, rightRail).reverse(), rest])
    },
    device(sketch: Sketch, d: { id: string; way: readonly Point[]; bus: number }) {
      const last = d.way[d.way.length - 1]
      if (last === undefined) return
      const stub = [...d.way, { x: last.x, y: d.bus }]
      road(sketch, d.id, [...stub, { x: left, y: d.bus }], [{ x: rightRail, y: d.bus }, ...stub.slice().reverse()])
    },
  }
}
