import { assignTracks, type Stretch } from './channel.ts'
import { type CompactSpec, compactBlock, compactWidth } from './compact-block.ts'
import { type Layout, type Road, Sketch, WORDS_EN, type Words } from './figure.ts'
import { type Point, union } from './geometry.ts'
import { machineBlock } from './machine-block.ts'
import { placePorts, portWidth, type SwitchPort, switchBlock, switchOf } from './switch-block.ts'
import { type Measure, measureRoughly, remember } from './text.ts'
import type { Link, Machine, Topology } from './topology.ts'

// Machines in one row above their network, or in two with the network between them, the lower row upside down, so that
// every cable is short. Which of the two, and how many pods side by side, is what makes the whole largest in the room given.

interface LayoutOptions {
  /** Pixels that the drawing should fill well; it may become larger. */
  readonly width: number
  readonly height: number
  readonly measure?: Measure
  readonly words?: Words
  /** Machines (netns ids) drawn in their compact form: those that take no part. */
  readonly compact?: ReadonlySet<string>
}

const MARGIN = 20
const MACHINE_GAP = 24
const CHANNEL = 22
const TRACK = 9

interface Placed {
  readonly machine: Machine
  readonly sketch: Sketch
  readonly w: number
  readonly h: number
  readonly row: 'top' | 'bottom'
  x: number
}

interface Plan {
  /** Hosts in the upper row. */
  readonly split: number
  /** Pods side by side on one bridge. */
  readonly cols: number
  /** What is no host stands beside the hosts instead of below the network. */
  readonly beside: boolean
}

/** Everything that the drawing of `topology` needs, in coordinates from (0, 0). Pure: same input, same layout. */
export function layout(topology: Topology, options: LayoutOptions): Layout {
  const room = { width: Math.max(320, options.width), height: Math.max(240, options.height) }
  const measure = remember(options.measure ?? measureRoughly)
  const words = options.words ?? WORDS_EN
  const compact = options.compact ?? new Set<string>()
  const nodes = topology.machines.filter((m) => switchOf(m) === undefined && isHost(m)).length
  const most = Math.max(1, ...topology.machines.flatMap((m) => m.bridges.map((b) => b.pods.length)))
  const splits = nodes > 1 ? [nodes, Math.ceil(nodes / 2)] : [nodes]
  const guests = topology.machines.some((m) => switchOf(m) === undefined && !isHost(m))
  let best: { readonly score: number; readonly layout: Layout } | undefined
  for (const split of splits) {
    for (const beside of guests && nodes > 0 ? [false, true] : [false]) {
      for (const cols of [2, 3, 4, 5, 6, 8]) {
        if (cols > 2 && cols > most + 1) continue
        const made = arrange(topology, { split, cols, beside }, { measure, words, compact })
        const scale = Math.min(room.width / made.bounds.w, room.height / made.bounds.h)
        // Past full size nothing is gained; then the one with less empty room wins.
        const score = Math.min(scale, 1) - 0.00002 * made.bounds.w - (beside ? 0.03 : 0)
        if (best === undefined || score > best.score + 1e-9) best = { score, layout: made }
      }
    }
  }
  return best?.layout ?? { bounds: { x: 0, y: 0, w: 0, h: 0 }, boxes: [], labels: [], roads: [], box: new Map() }
}

/** Machines that stand in the first row: they run pods, or would. */
const isHost = (m: Machine) => m.netns.role === 'node' || m.bridges.some((b) => b.pods.length > 0) || m.routed.length > 0

function arrange(
  topology: Topology,
  plan: Plan,
  look: { readonly measure: Measure; readonly words: Words; readonly compact: ReadonlySet<string> },
): Layout {
  const { measure, words } = look
  const switches = topology.machines.filter((m) => switchOf(m) !== undefined)
  const hosts = topology.machines.filter((m) => switchOf(m) === undefined && isHost(m))
  const others = inChainOrder(
    topology.machines.filter((m) => switchOf(m) === undefined && !isHost(m)),
    topology.links,
  )
  const first = hosts.slice(0, plan.split)
  const top = hosts.length === 0 ? others : plan.beside ? [...first, ...others] : first
  const lower = hosts.length === 0 ? [] : plan.beside ? hosts.slice(plan.split) : [...hosts.slice(plan.split), ...others]
  const rowOf = new Map<string, 'top' | 'bottom'>()
  for (const m of top) rowOf.set(m.netns.id, 'top')
  for (const m of lower) rowOf.set(m.netns.id, 'bottom')

  const isCompact = (m: Machine) => look.compact.has(m.netns.id) || isPlain(m)
  const sunk = sunkenLinks(topology.links, lower, isCompact)
  const opposite = new Set<string>(sunk.flatMap((l) => [l.a.id, l.b.id]))
  const build = (machine: Machine, row: 'top' | 'bottom'): Placed => {
    const links = topology.links.filter((l) => l.a.netns === machine.netns.id || l.b.netns === machine.netns.id)
    const flip = row === 'bottom' && !(isCompact(machine) && links.length > 0 && links.every((l) => sunk.includes(l)))
    if (isCompact(machine)) {
      const spec = compactMachine(machine, look.compact.has(machine.netns.id))
      const width = compactWidth(spec, measure)
      const { sketch, w, h } = compactBlock(spec, { width, flip, words, measure })
      return { machine, sketch, w, h, row, x: 0 }
    }
    const { sketch, w, h } = machineBlock(machine, { cols: plan.cols, flip, words, measure, opposite })
    return { machine, sketch, w, h, row, x: 0 }
  }
  const upper = top.map((m) => build(m, 'top'))
  const under = lower.map((m) => build(m, 'bottom'))
  spread(upper)
  spread(under)
  const placed = [...upper, ...under]
  const width = Math.max(0, ...placed.map((p) => p.x + p.w))
  // A lone machine under a wide row stands near the middle of it.
  const underWidth = Math.max(0, ...under.map((p) => p.x + p.w))
  for (const p of under) p.x += (width - underWidth) / 2

  const docks = new Map<string, Point>()
  const put = (sketch: Sketch, x: number, y: number) => {
    for (const b of sketch.boxes) if (b.dock) docks.set(b.id, { x: b.dock.x + x, y: b.dock.y + y })
  }
  // Only x is known yet; y follows from how many tracks the channels need.
  for (const p of placed) put(p.sketch, p.x, 0)

  const spine = switches.map((machine) => planSwitch(machine, { topology, rowOf, docks, measure }))
  let spineX = 0
  for (const s of spine) {
    s.x = spineX
    spineX += s.minWidth + MACHINE_GAP
  }
  const onlySwitch = spine.length === 1 ? spine[0] : undefined
  if (onlySwitch) onlySwitch.width = Math.max(onlySwitch.minWidth, width)
  const spineBlocks = spine.map((s) => ({
    s,
    ...switchBlock(s.machine, s.bridge, s.ports, { at: s.at, width: s.width, words, measure }),
  }))
  for (const b of spineBlocks) for (const box of b.sketch.boxes) if (box.dock) docks.set(box.id, { x: box.dock.x + b.s.x, y: 0 })

  const where = (device: string, netns: string): 'top' | 'spine' | 'bottom' =>
    rowOf.get(netns) ?? (docks.has(device) ? 'spine' : 'top')
  const cables = topology.links
    .filter((l) => docks.has(l.a.id) && docks.has(l.b.id))
    .map((l) => cable(l, { where, docks, hasSpine: spine.length > 0, sunk }))
  const tracksOf = (channel: Channel) => {
    const mine = cables.filter((c) => c.channel === channel)
    const { tracks, count } = assignTracks(
      mine.map((c) => c.stretch),
      8,
    )
    return { track: new Map(mine.map((c, i) => [c, tracks[i] ?? -1])), count }
  }
  const channels = { above: tracksOf('above'), below: tracksOf('below'), under: tracksOf('under') }
  const heightOf = (c: { count: number }) => CHANNEL + c.count * TRACK

  const topHeight = Math.max(0, ...upper.map((p) => p.h))
  const spineHeight = Math.max(0, ...spineBlocks.map((b) => b.h))
  const aboveY = topHeight
  const spineY = aboveY + (spine.length > 0 || under.length > 0 ? heightOf(channels.above) : 0)
  const belowY = spineY + spineHeight
  const underY = under.length === 0 || spine.length === 0 ? belowY : belowY + heightOf(channels.below)
  const underHeight = Math.max(0, ...under.map((p) => p.h))

  const whole = new Sketch(measure)
  // Machines stand on the network: those of the upper row at its lower edge.
  for (const p of upper) whole.put(p.sketch, MARGIN + p.x, MARGIN + topHeight - p.h)
  for (const b of spineBlocks) whole.put(b.sketch, MARGIN + b.s.x, MARGIN + spineY)
  for (const p of under) whole.put(p.sketch, MARGIN + p.x, MARGIN + underY)
  const box = new Map(whole.boxes.map((b) => [b.id, b]))
  const trackY: Record<Channel, number> = { above: aboveY, below: belowY, under: underY + underHeight }
  const roads: Road[] = cables.map((c) => {
    const a = box.get(c.link.a.id)?.dock ?? { x: 0, y: 0 }
    const b = box.get(c.link.b.id)?.dock ?? { x: 0, y: 0 }
    const track = channels[c.channel].track.get(c) ?? -1
    const y = MARGIN + trackY[c.channel] + CHANNEL / 2 + 2 + Math.max(0, track) * TRACK
    const points = track < 0 ? [a, b] : [a, { x: a.x, y }, { x: b.x, y }, b]
    return { from: c.link.a.id, to: c.link.b.id, kind: 'link', both: true, points }
  })
  const links = roads.map((r) => union(r.points.map((p) => ({ x: p.x, y: p.y, w: 0, h: 0 }))))
  const drawn = union([...whole.boxes.map((b) => b.rect), ...links])
  return {
    bounds: { x: 0, y: 0, w: drawn.x + drawn.w + MARGIN, h: drawn.y + drawn.h + MARGIN },
    boxes: whole.boxes,
    labels: whole.labels,
    roads: [...whole.roads, ...roads],
    box,
  }
}

/** A machine whose stack needs no road map of its own: hosts that only begin or end journeys. */
const isPlain = (m: Machine) =>
  m.bridges.length === 0 &&
  m.routed.length === 0 &&
  (m.netns.role === 'internet' || m.netns.role === 'client' || m.netns.role === 'pod' || m.netns.role === 'switch')

function compactMachine(m: Machine, brief: boolean): CompactSpec {
  return {
    netns: m.netns.id,
    name: m.netns.name,
    parent: undefined,
    title: m.name,
    address: m.address,
    containers: m.containers,
    devices: [...m.devices, ...m.bridges.map((b) => b.device), ...m.bridges.flatMap((b) => b.ports)],
    look: { kind: 'machine', role: m.netns.role },
    brief,
  }
}

function spread(row: Placed[]): void {
  let x = 0
  for (const p of row) {
    p.x = x
    x += p.w + MACHINE_GAP
  }
}

/** Neighbours on a chain (router, gateway, Internet) next to each other: breadth first from what is linked to the rest. */
function inChainOrder(machines: readonly Machine[], links: readonly Link[]): Machine[] {
  const mine = new Map(machines.map((m) => [m.netns.id as string, m]))
  const next = (id: string) =>
    links.flatMap((l) => (l.a.netns === id ? [l.b.netns as string] : l.b.netns === id ? [l.a.netns as string] : []))
  const outward = machines.filter((m) => next(m.netns.id).some((n) => !mine.has(n)))
  const seen = new Set<string>()
  const order: Machine[] = []
  for (const start of [...outward, ...machines]) {
    const stack: string[] = [start.netns.id]
    while (stack.length > 0) {
      const id = stack.pop() as string
      const m = mine.get(id)
      if (m === undefined || seen.has(id)) continue
      seen.add(id)
      order.push(m)
      for (const n of next(id).reverse()) if (!outward.some((o) => o.netns.id === n)) stack.push(n)
    }
  }
  return order
}

/**
 * Cables between two machines of the lower row run below them, out of the way of the network's, where both machines can
 * turn a device that way: in full form without pods, or in compact form with no cable that must go up.
 */
function sunkenLinks(links: readonly Link[], lower: readonly Machine[], isCompact: (m: Machine) => boolean): Link[] {
  const row = new Map(lower.map((m) => [m.netns.id as string, m]))
  let sunk = links.filter((l) => row.has(l.a.netns) && row.has(l.b.netns))
  const canSink = (netns: string) => {
    const m = row.get(netns)
    if (m === undefined) return false
    if (!isCompact(m)) return m.bridges.length === 0 && m.routed.length === 0
    return links.every((l) => (l.a.netns !== netns && l.b.netns !== netns) || sunk.includes(l))
  }
  for (let before = -1; before !== sunk.length; ) {
    before = sunk.length
    sunk = sunk.filter((l) => canSink(l.a.netns) && canSink(l.b.netns))
  }
  return sunk
}

interface SwitchPlan {
  readonly machine: Machine
  readonly bridge: NonNullable<ReturnType<typeof switchOf>>
  readonly ports: readonly SwitchPort[]
  readonly at: readonly number[]
  readonly minWidth: number
  width: number
  x: number
}

function planSwitch(
  machine: Machine,
  ctx: {
    readonly topology: Topology
    readonly rowOf: ReadonlyMap<string, 'top' | 'bottom'>
    readonly docks: ReadonlyMap<string, Point>
    readonly measure: Measure
  },
): SwitchPlan {
  const bridge = switchOf(machine)
  if (bridge === undefined) throw new Error(`${machine.name} is no switch`)
  const ports: SwitchPort[] = [...bridge.ports, ...machine.devices.filter((d) => d.record.link.kind !== 'loopback')].map(
    (device) => {
      const link = ctx.topology.links.find((l) => l.a.id === device.record.id || l.b.id === device.record.id)
      const other = link === undefined ? undefined : link.a.id === device.record.id ? link.b : link.a
      const side = other === undefined ? 'bottom' : (ctx.rowOf.get(other.netns) ?? 'bottom')
      const wish = (other === undefined ? undefined : ctx.docks.get(other.id)?.x) ?? Number.POSITIVE_INFINITY
      return { device, side, wish }
    },
  )
  const at: number[] = new Array(ports.length).fill(0)
  let minWidth = 240
  for (const side of ['top', 'bottom'] as const) {
    const mine = ports.flatMap((p, i) =>
      p.side === side ? [{ i, wish: Number.isFinite(p.wish) ? p.wish : minWidth, w: portWidth(p.device, ctx.measure) }] : [],
    )
    const x = placePorts(mine, 8)
    for (const [k, m] of mine.entries()) {
      at[m.i] = x[k] ?? 0
      minWidth = Math.max(minWidth, (x[k] ?? 0) + m.w + 8)
    }
  }
  return { machine, bridge, ports, at, minWidth, width: minWidth, x: 0 }
}

type Channel = 'above' | 'below' | 'under'

interface Cable {
  readonly link: Link
  readonly channel: Channel
  readonly stretch: Stretch
}

function cable(
  link: Link,
  ctx: {
    readonly where: (device: string, netns: string) => 'top' | 'spine' | 'bottom'
    readonly docks: ReadonlyMap<string, Point>
    readonly hasSpine: boolean
    readonly sunk: readonly Link[]
  },
): Cable {
  const stretch = { from: ctx.docks.get(link.a.id)?.x ?? 0, to: ctx.docks.get(link.b.id)?.x ?? 0 }
  const rows = new Set([ctx.where(link.a.id, link.a.netns), ctx.where(link.b.id, link.b.netns)])
  if (ctx.sunk.includes(link)) return { link, channel: 'under', stretch }
  return { link, channel: rows.has('top') || !ctx.hasSpine ? 'above' : 'below', stretch }
}
