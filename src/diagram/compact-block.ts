import { type BoxKind, containerId, gateId, Sketch, type Words } from './figure.ts'
import type { Point } from './geometry.ts'
import { FONTS, fitWords, type Measure } from './text.ts'
import type { ContainerNode, DeviceNode, PodNode } from './topology.ts'

// A network namespace in its compact form: names, the processes, the whole stack as one place, and its devices. Pods look
// like this, and so do machines that only begin or end a journey. Who takes no part at all is drawn with names and devices
// only.

/** Room that a resting capsule takes on a vertical lane, so that it never stands on a label. */
export const LANE = 88
const PAD = 5
const ROW = 17
/** A loopback that nobody needs a lane for. */
const LOOP = 26
const GAP = 3
/** From a block's edge to the middle of its devices. */
export const DEVICE_MIDDLE = PAD + ROW / 2
/** Between the stack and the devices, where the road to a small loopback passes. */
const GUTTER = 4
const POD_WIDTH = 182
const GAP_IN_HEAD = 12

export interface CompactSpec {
  readonly netns: string
  readonly name: string
  readonly parent: string | undefined
  readonly title: string
  readonly address: string | undefined
  readonly containers: readonly ContainerNode[]
  readonly devices: readonly DeviceNode[]
  readonly look: Extract<BoxKind, { kind: 'pod' | 'machine' }>
  /** Names and devices only. */
  readonly brief: boolean
  /** The process and the stack are one place, unless containers share them. */
  readonly terse?: boolean
  /** The address always stands beside the name, which is shortened where it must be. */
  readonly oneLine?: boolean
  /** Ids of what is inside and not drawn. */
  readonly stands?: readonly string[]
}

interface CompactBlock {
  readonly sketch: Sketch
  readonly w: number
  readonly h: number
  /** x of each device's lane, by device id. */
  readonly lanes: ReadonlyMap<string, number>
}

export const compactPod = (pod: PodNode): Omit<CompactSpec, 'parent' | 'look' | 'brief' | 'terse' | 'oneLine'> => ({
  netns: pod.netns.id,
  name: pod.netns.name,
  title: pod.name,
  address: pod.address,
  containers: pod.containers,
  devices: pod.devices,
})

const chipWords = (c: ContainerNode) => [c.name, ...c.listens].filter((s) => s !== '')
const chipText = (c: ContainerNode) => chipWords(c).join(' ')
/** Its name and first port at least. */
const shownChip = (c: ContainerNode, width: number, measure: Measure) => {
  const words = chipWords(c)
  return fitWords(words, { style: 'device', width, least: Math.min(2, words.length) }, measure)
}
const isLoopback = (d: DeviceNode) => d.record.link.kind === 'loopback'

/** Where containers share the namespace, loopback is what they talk over, and gets a lane; else it is a small chip. */
const isShared = (spec: CompactSpec) => !spec.brief && spec.containers.length > 1
const hasProcessRows = (spec: CompactSpec) => !spec.brief && (!spec.terse || isShared(spec))

function columns(spec: CompactSpec): number {
  const wide = spec.devices.filter((d) => !isLoopback(d)).length
  return isShared(spec) ? Math.max(2, spec.devices.length) : Math.max(1, wide)
}

/** The least width that `compactBlock` can be given, in pixels. */
export function compactWidth(spec: CompactSpec, measure: Measure): number {
  const n = columns(spec)
  if (spec.look.kind === 'pod' && n === 1) return POD_WIDTH
  const head = headWidth(spec, measure)
  if (n === 1) return Math.max(POD_WIDTH, head)
  const texts = [
    ...(spec.brief ? [] : spec.containers.map((c) => chipText(c) || 'process')),
    ...spec.devices.map((d) => d.record.name),
  ]
  const label = Math.max(0, ...texts.map((t) => measure(t, 'device')))
  const column = Math.max(spec.brief ? 122 : 130, Math.min(178, Math.ceil(label) + LANE + 10))
  return Math.max(head, 2 * PAD + n * column + (n - 1) * GAP + (isShared(spec) ? 0 : LOOP + GAP))
}

/** Name and address on one line, with the room around them. */
const headWidth = (spec: CompactSpec, measure: Measure) =>
  measure(spec.title, 'name') + (spec.address === undefined ? 0 : GAP_IN_HEAD + measure(spec.address, 'address')) + 2 * (PAD + 4)

/** The address of a pod with a long name stands below it. Told from the least width, so that a block is as high however wide it is drawn. */
const isTall = (spec: CompactSpec, measure: Measure) =>
  !spec.oneLine && spec.address !== undefined && headWidth(spec, measure) > compactWidth(spec, measure)

/** The height of a block, whatever its width. */
export const compactHeight = (spec: CompactSpec, measure: Measure): number => frameOf(spec, { width: 0, flip: false, measure }).h

/** Where the rows and columns of a block are. */
function frameOf(spec: CompactSpec, options: { readonly width: number; readonly flip: boolean; readonly measure: Measure }) {
  const { width, flip } = options
  const inner = width - 2 * PAD
  const cols = columns(spec)
  const smallLoop = isShared(spec) ? undefined : spec.devices.find(isLoopback)
  // Beside several devices the loopback has a narrow column of its own; beside one it takes a piece of that one's.
  const begin = smallLoop !== undefined && cols > 1 ? LOOP + GAP : 0
  const colWidth = (inner - begin - (cols - 1) * GAP) / cols
  const processRows = hasProcessRows(spec) ? Math.ceil(spec.containers.length / cols) : 0
  const tall = isTall(spec, options.measure)
  const head = 4 + FONTS.name.line + (tall ? FONTS.address.line : 0) + 3
  const stackAt = head + processRows * (ROW + GAP)
  const devicesAt = spec.brief ? head : stackAt + ROW + GUTTER
  const h = devicesAt + ROW + PAD
  /** Top of something `height` high that is `y` below the top when not upside down. */
  const at = (y: number, height: number) => (flip ? h - y - height : y)
  const colX = (i: number) => PAD + begin + i * (colWidth + GAP)
  return {
    inner,
    tall,
    cols,
    colWidth,
    smallLoop,
    h,
    colX,
    laneX: (i: number) => colX(i) + colWidth - LANE / 2,
    headY: at(0, head),
    processY: (row: number) => at(head + row * (ROW + GAP), ROW),
    stackY: at(stackAt, ROW),
    gutterY: flip ? h - devicesAt + GUTTER / 2 : devicesAt - GUTTER / 2,
    devicesY: at(devicesAt, ROW),
    flip,
  }
}
type Frame = ReturnType<typeof frameOf>

/** `flip` puts the devices at the top edge instead of the bottom. */
export function compactBlock(
  spec: CompactSpec,
  options: { readonly width: number; readonly flip: boolean; readonly words: Words; readonly measure: Measure },
): CompactBlock {
  const frame = frameOf(spec, options)
  const sketch = new Sketch(options.measure)
  sketch.box({
    id: spec.netns,
    rect: { x: 0, y: 0, w: options.width, h: frame.h },
    of: spec.look,
    netns: spec.netns,
    parent: spec.parent,
    name: spec.name,
  })
  if (spec.stands !== undefined) sketch.stand(spec.netns, spec.stands)
  drawHead(sketch, spec, frame)
  if (hasProcessRows(spec)) drawProcesses(sketch, spec, frame, options.words)
  if (!spec.brief) {
    drawStack(sketch, spec, frame, options.words)
  }
  const lanes = drawDevices(sketch, spec, frame)
  return { sketch, w: options.width, h: frame.h, lanes }
}

function drawHead(sketch: Sketch, spec: CompactSpec, frame: Frame): void {
  const x = PAD + 3
  const y = frame.headY + 4
  const room = frame.inner - 6
  const { measure } = sketch
  const least = room - (spec.oneLine && spec.address !== undefined ? GAP_IN_HEAD + measure(spec.address, 'address') : 0)
  const text = spec.oneLine ? shortPodName(spec.title, least, measure) : spec.title
  const used = sketch.label({
    text,
    full: spec.title,
    x,
    y,
    width: spec.oneLine ? least : room,
    style: 'name',
    tone: 'strong',
    box: spec.netns,
  })
  if (spec.address === undefined) return
  const beside = { x: x + used + GAP_IN_HEAD, y: y + 0.5, width: room - used - GAP_IN_HEAD + 1 }
  const below = { x, y: y + FONTS.name.line, width: room }
  sketch.label({ text: spec.address, ...(frame.tall ? below : beside), style: 'address', tone: 'muted', box: spec.netns })
}

/** A pod's name in `width` pixels. The namespace goes first, since the last part is what tells pods apart. */
export function shortPodName(name: string, width: number, measure: Measure): string {
  const slash = name.lastIndexOf('/')
  return measure(name, 'name') <= width || slash < 0 ? name : name.slice(slash + 1)
}

function drawProcesses(sketch: Sketch, spec: CompactSpec, frame: Frame, words: Words): void {
  const stackMid = frame.stackY + ROW / 2
  for (const [i, c] of spec.containers.entries()) {
    const col = i % frame.cols
    const rect = { x: frame.colX(col), y: frame.processY(Math.floor(i / frame.cols)), w: frame.colWidth, h: ROW }
    const id = containerId(spec.netns, c.name)
    const text = chipText(c) || words.process
    const dock = { x: frame.laneX(col), y: rect.y + ROW / 2 }
    sketch.box({
      id,
      rect,
      of: { kind: 'container', name: c.name },
      netns: spec.netns,
      parent: spec.netns,
      name: `${spec.name} ${text}`,
      dock,
    })
    const width = frame.colWidth - LANE - 8
    sketch.label({
      text: shownChip(c, width, sketch.measure) || text,
      full: text,
      x: rect.x + 6,
      y: rect.y + 1.5,
      width,
      style: 'device',
      tone: 'muted',
      box: id,
    })
    const points = [dock, { x: dock.x, y: stackMid }]
    sketch.road({ from: id, to: gateId(spec.netns, 'stack'), kind: 'process', both: true, points })
  }
}

function drawStack(sketch: Sketch, spec: CompactSpec, frame: Frame, words: Words): void {
  const id = gateId(spec.netns, 'stack')
  const y = frame.stackY + 2
  // As far as the first lane: the narrow column of a small loopback is its own room too.
  const width = frame.colX(0) + frame.colWidth - PAD - LANE - 8
  sketch.box({
    id,
    rect: { x: PAD, y: frame.stackY, w: frame.inner, h: ROW },
    of: { kind: 'gate', gate: 'stack' },
    netns: spec.netns,
    parent: spec.netns,
    name: [spec.name, words.stack, ...(hasProcessRows(spec) ? [] : spec.containers.map(chipText))].join(' ').trim(),
    dock: { x: frame.laneX(frame.cols - 1), y: frame.stackY + ROW / 2 },
    slot: { x: PAD + 6, y, w: width, h: FONTS.status.line },
  })
  const process = spec.terse && !isShared(spec) ? spec.containers.find((c) => chipText(c) !== '') : undefined
  sketch.label({
    text: process === undefined ? words.stack : shownChip(process, width, sketch.measure),
    full: process === undefined ? words.stack : chipText(process),
    x: PAD + 6,
    y,
    width,
    style: process === undefined ? 'note' : 'device',
    tone: process === undefined ? 'faint' : 'muted',
    box: id,
    resting: true,
  })
}

function drawDevices(sketch: Sketch, spec: CompactSpec, frame: Frame): Map<string, number> {
  const { smallLoop, devicesY: y } = frame
  const stack = gateId(spec.netns, 'stack')
  const stackMid = frame.stackY + ROW / 2
  const lanes = new Map<string, number>()
  const device = (d: DeviceNode, x: number, w: number, dock: Point) => {
    const { id, name, link, up } = d.record
    sketch.box({
      id,
      rect: { x, y, w, h: ROW },
      of: { kind: 'device', link: link.kind, up },
      netns: spec.netns,
      parent: spec.netns,
      name: [spec.name, name, ...d.addresses].join(' '),
      dock,
    })
    const small = d === smallLoop
    const width = small ? w - 7 : w - LANE - 8
    sketch.label({ text: name, x: x + 6, y: y + 1.5, width, style: 'device', tone: small ? 'faint' : 'muted', box: id })
    lanes.set(id, dock.x)
  }
  if (smallLoop !== undefined) {
    // Its edge, not its middle: there the name is.
    const dock = { x: PAD + LOOP / 2, y: frame.flip ? y + ROW : y }
    device(smallLoop, PAD, LOOP, dock)
    const from = frame.laneX(frame.cols - 1)
    const points = [{ x: from, y: stackMid }, { x: from, y: frame.gutterY }, { x: dock.x, y: frame.gutterY }, dock]
    if (!spec.brief) sketch.road({ from: stack, to: smallLoop.record.id, kind: 'stack', both: true, points })
  }
  const wide = spec.devices.filter((d) => !isLoopback(d))
  const inRow = smallLoop === undefined ? [...spec.devices.filter(isLoopback), ...wide] : wide
  for (const [i, d] of inRow.entries()) {
    const left = frame.colX(i) + (smallLoop !== undefined && frame.cols === 1 ? LOOP + GAP : 0)
    const dock = { x: frame.laneX(i), y: y + ROW / 2 }
    device(d, left, frame.colX(i) + frame.colWidth - left, dock)
    if (spec.brief) continue
    sketch.road({ from: stack, to: d.record.id, kind: 'stack', both: true, points: [{ x: dock.x, y: stackMid }, dock] })
  }
  return lanes
}
