import { type BoxKind, containerId, gateId, Sketch, type Words } from './figure.ts'
import type { Point } from './geometry.ts'
import { FONTS, type Measure } from './text.ts'
import type { ContainerNode, DeviceNode, PodNode } from './topology.ts'

// A network namespace in its compact form: names, the processes, the whole stack as one place, and its devices. Pods look
// like this, and so do machines that only end a journey (a client, a host on the Internet) or take no part in it.

/** Room that a resting capsule takes on a vertical lane, so that it never stands on a label. */
export const LANE = 80
export const PAD = 6
const ROW = 18
/** A loopback that nobody needs a lane for. */
const LOOP = 26
const GAP = 3

export interface CompactSpec {
  readonly netns: string
  readonly name: string
  readonly parent: string | undefined
  readonly title: string
  readonly lines: readonly string[]
  readonly containers: readonly ContainerNode[]
  readonly devices: readonly DeviceNode[]
  readonly look: Extract<BoxKind, { kind: 'pod' | 'machine' }>
}

interface CompactBlock {
  readonly sketch: Sketch
  readonly w: number
  readonly h: number
  /** x of each device's lane, by device id. */
  readonly lanes: ReadonlyMap<string, number>
}

export const compactPod = (pod: PodNode): Omit<CompactSpec, 'parent' | 'look'> => ({
  netns: pod.netns.id,
  name: pod.netns.name,
  title: pod.name,
  lines: pod.address === undefined ? [] : [pod.address],
  containers: pod.containers,
  devices: pod.devices,
})

const chipText = (c: ContainerNode) => [c.name, ...c.listens].filter((s) => s !== '').join(' ')

/** Loopback first, then by ifindex: the order in which `ip link` lists them. */
const isLoopback = (d: DeviceNode) => d.record.link.kind === 'loopback'

/** Columns of the device row: a lone loopback is a small chip that needs no lane of its own. */
function columns(spec: Pick<CompactSpec, 'containers' | 'devices'>): number {
  const wide = spec.devices.filter((d) => !isLoopback(d)).length
  const loops = spec.devices.length - wide
  return spec.containers.length > 1 ? Math.max(2, wide + loops) : Math.max(1, wide)
}

/** The least width that `compactBlock` can be given, in pixels. */
export function compactWidth(spec: Pick<CompactSpec, 'containers' | 'devices'>, measure: Measure): number {
  const n = columns(spec)
  if (n === 1) return 174
  const labels = [...spec.containers.map((c) => chipText(c) || 'process'), ...spec.devices.map((d) => d.record.name)].map((t) =>
    measure(t, 'device'),
  )
  const column = Math.max(126, Math.min(170, Math.ceil(Math.max(0, ...labels)) + LANE + 10))
  return 2 * PAD + n * column + (n - 1) * GAP + (spec.containers.length > 1 ? 0 : LOOP + GAP)
}

/** `flip` puts the devices at the top edge instead of the bottom. */
export function compactBlock(
  spec: CompactSpec,
  options: { readonly width: number; readonly flip: boolean; readonly words: Words; readonly measure: Measure },
): CompactBlock {
  const { width, flip, words, measure } = options
  const sketch = new Sketch(measure)
  const inner = width - 2 * PAD
  const cols = columns(spec)
  const smallLoop = spec.containers.length > 1 ? undefined : spec.devices.find(isLoopback)
  // Beside several devices the loopback has a narrow column of its own; beside one it takes a piece of that one's.
  const begin = smallLoop !== undefined && cols > 1 ? LOOP + GAP : 0
  const colWidth = (inner - begin - (cols - 1) * GAP) / cols
  const colX = (i: number) => PAD + begin + i * (colWidth + GAP)
  const laneX = (i: number) => colX(i) + colWidth - LANE / 2
  const containerRows = Math.ceil(spec.containers.length / cols)

  const head = 5 + FONTS.name.line + spec.lines.length * FONTS.address.line + 4
  const body = containerRows * (ROW + GAP) + ROW + GAP + 2 + ROW + PAD
  const h = head + body
  /** Top of a row of height `rowHeight` that is `y` below the top when not flipped. */
  const at = (y: number, rowHeight: number) => (flip ? h - y - rowHeight : y)

  sketch.box({
    id: spec.netns,
    rect: { x: 0, y: 0, w: width, h },
    of: spec.look,
    netns: spec.netns,
    parent: spec.parent,
    name: spec.name,
  })
  let y = at(0, head) + 5
  sketch.label({ text: spec.title, x: PAD + 3, y, width: inner - 6, style: 'name', tone: 'strong', box: spec.netns })
  y += FONTS.name.line
  for (const text of spec.lines) {
    sketch.label({ text, x: PAD + 3, y, width: inner - 6, style: 'address', tone: 'muted', box: spec.netns })
    y += FONTS.address.line
  }

  const stackY = at(head + containerRows * (ROW + GAP), ROW)
  const stackMid = stackY + ROW / 2
  const stack = gateId(spec.netns, 'stack')
  const wideDevices = spec.devices.filter((d) => !isLoopback(d))
  const inRow = smallLoop ? wideDevices : [...spec.devices.filter(isLoopback), ...wideDevices]
  const mainLane = laneX(cols - 1)

  for (const [i, c] of spec.containers.entries()) {
    const col = i % cols
    const rect = { x: colX(col), y: at(head + Math.floor(i / cols) * (ROW + GAP), ROW), w: colWidth, h: ROW }
    const id = containerId(spec.netns, c.name)
    const text = chipText(c) || words.process
    sketch.box({
      id,
      rect,
      of: { kind: 'container', name: c.name },
      netns: spec.netns,
      parent: spec.netns,
      name: `${spec.name} ${text}`,
      dock: { x: laneX(col), y: rect.y + ROW / 2 },
    })
    sketch.label({ text, x: rect.x + 6, y: rect.y + 2, width: colWidth - LANE - 8, style: 'device', tone: 'muted', box: id })
    sketch.road({
      from: id,
      to: stack,
      kind: 'process',
      both: true,
      points: [
        { x: laneX(col), y: rect.y + ROW / 2 },
        { x: laneX(col), y: stackMid },
      ],
    })
  }

  sketch.box({
    id: stack,
    rect: { x: PAD, y: stackY, w: inner, h: ROW },
    of: { kind: 'gate', gate: 'stack' },
    netns: spec.netns,
    parent: spec.netns,
    name: `${spec.name} ${words.stack}`,
    dock: { x: mainLane, y: stackMid },
    slot: { x: PAD + 6, y: stackY + 2.5, w: (cols === 1 ? inner : colWidth) - LANE - 8, h: FONTS.status.line },
  })
  sketch.label({
    text: words.stack,
    x: PAD + 6,
    y: stackY + 2.5,
    width: colWidth - LANE - 8,
    style: 'note',
    tone: 'faint',
    box: stack,
    resting: true,
  })

  const rowY = at(head + containerRows * (ROW + GAP) + ROW + GAP + 2, ROW)
  const lanes = new Map<string, number>()
  const device = (d: DeviceNode, x: number, w: number, dock: Point) => {
    sketch.box({
      id: d.record.id,
      rect: { x, y: rowY, w, h: ROW },
      of: { kind: 'device', link: d.record.link.kind, up: d.record.up },
      netns: spec.netns,
      parent: spec.netns,
      name: [spec.name, d.record.name, ...d.addresses].join(' '),
      dock,
    })
    lanes.set(d.record.id, dock.x)
  }
  if (smallLoop !== undefined) {
    // Its edge, not its middle: there the name is.
    const dock = { x: PAD + LOOP / 2, y: flip ? rowY + ROW : rowY }
    device(smallLoop, PAD, LOOP, dock)
    sketch.label({
      text: 'lo',
      x: PAD + 6,
      y: rowY + 2,
      width: LOOP - 7,
      style: 'device',
      tone: 'faint',
      box: smallLoop.record.id,
    })
    // Between the two rows, where no label is.
    const between = flip ? stackY - 2.5 : stackY + ROW + 2.5
    sketch.road({
      from: stack,
      to: smallLoop.record.id,
      kind: 'stack',
      both: true,
      points: [{ x: mainLane, y: stackMid }, { x: mainLane, y: between }, { x: dock.x, y: between }, dock],
    })
  }
  for (const [i, d] of inRow.entries()) {
    const left = colX(i) + (smallLoop !== undefined && cols === 1 && i === 0 ? LOOP + GAP : 0)
    const w = colX(i) + colWidth - left
    const dock = { x: laneX(i), y: rowY + ROW / 2 }
    device(d, left, w, dock)
    sketch.label({
      text: d.record.name,
      x: left + 6,
      y: rowY + 2,
      width: w - LANE - 8,
      style: 'device',
      tone: 'muted',
      box: d.record.id,
    })
    sketch.road({ from: stack, to: d.record.id, kind: 'stack', both: true, points: [{ x: dock.x, y: stackMid }, dock] })
  }
  return { sketch, w: width, h, lanes }
}
