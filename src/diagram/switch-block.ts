import { LANE } from './compact-block.ts'
import { Sketch, type Words } from './figure.ts'
import { alongBar } from './group-block.ts'
import { chainWidth, SLIM_GAP, SLIM_PAD, type SlimChain, slimNote, slimWidth } from './slim.ts'
import { FONTS, type Measure } from './text.ts'
import type { BridgeNode, DeviceNode, Machine } from './topology.ts'

// A machine that only switches: its bridge as one long bar, its ports on the two long edges, right where the cables come in.

const PORT = 18
const ROAD = 20
const LABEL = 17
/** Chips of idle machines stand beside a port, a little lower, so that they are not taken for one. */
const SLIM_TOP = 3
const SLIM = 16
const GAP = 8

export interface SwitchPort {
  readonly device: DeviceNode
  readonly side: 'top' | 'bottom'
  /** x where its cable would like to come in; undefined for a port without a cable. */
  readonly wish: number | undefined
  /** Idle machines behind it, drawn beside it. */
  readonly chain?: SlimChain | undefined
  /** Ports that it stands for. */
  readonly also?: readonly DeviceNode[]
}

/** What a port's or a switch's words are measured with. */
interface Type {
  readonly words: Words
  readonly measure: Measure
}

const portText = ({ device, also = [] }: Pick<SwitchPort, 'device' | 'also'>, words: Words): string =>
  also.length === 0 ? device.record.name : words.ports(also.length + 1)

const portWidth = (p: Pick<SwitchPort, 'device' | 'also'>, { words, measure }: Type): number =>
  Math.max(104, Math.ceil(measure(portText(p, words), 'device')) + LANE + 16)

/** Of a port with what is drawn beside it. */
export const fullWidth = (p: Pick<SwitchPort, 'device' | 'also' | 'chain'>, type: Type): number =>
  portWidth(p, type) + (p.chain === undefined ? 0 : chainWidth(p.chain, type.measure))

/** Height of a switch with ports above, and below when there are any. */
export const switchHeight = (below: boolean): number => PORT + ROAD + LABEL + (below ? SLIM_TOP + SLIM : 0)

/**
 * Left edges for ports of the given widths, in order of their wishes, none overlapping, as near to the wishes as one sweep
 * each way gets. `lane` is how far right of its left edge a port's cable comes in.
 */
export function placePorts(ports: readonly { readonly wish: number; readonly w: number }[], from: number): number[] {
  const order = ports.map((_, i) => i).sort((a, b) => (ports[a]?.wish ?? 0) - (ports[b]?.wish ?? 0) || a - b)
  const x: number[] = new Array(ports.length).fill(0)
  let edge = from
  for (const i of order) {
    const p = ports[i]
    if (p === undefined) continue
    const left = Math.max(edge, p.wish - (p.w - LANE / 2))
    x[i] = left
    edge = left + p.w + GAP
  }
  return x
}

/** Draws the switch with its left edge at 0. `at` are the left edges of the ports, in the order of `ports`. */
export function switchBlock(
  machine: Machine,
  bridge: BridgeNode,
  ports: readonly SwitchPort[],
  options: { readonly at: readonly number[]; readonly width: number; readonly words: Words; readonly measure: Measure },
): { readonly sketch: Sketch; readonly h: number } {
  const { width, measure } = options
  const sketch = new Sketch(measure)
  const above = ports.some((p) => p.side === 'top') ? PORT : 0
  const slim = ports.some((p) => p.chain !== undefined)
  const below = slim ? SLIM_TOP + SLIM : ports.some((p) => p.side === 'bottom') ? PORT : 0
  const h = above + ROAD + LABEL + below
  const roadY = above + ROAD / 2 + 1
  sketch.box({
    id: machine.netns.id,
    rect: { x: 0, y: 0, w: width, h },
    of: { kind: 'machine', role: machine.netns.role },
    netns: machine.netns.id,
    parent: undefined,
    name: machine.netns.name,
  })
  const ticks = ports.map((p, i) => ({
    x: (options.at[i] ?? 0) + portWidth(p, options) - LANE / 2,
    y: p.side === 'top' ? above : above + ROAD + LABEL,
  }))
  const bar = bridge.device.record
  const columns = [...ticks.filter((_, i) => ports[i]?.side === 'bottom').map((t) => t.x), width].sort((a, b) => a - b)
  // The label stands between two of the lines that leave downwards, in the first space that is wide enough.
  const need = measure(machine.name, 'name') + measure(bar.name, 'device') + 28
  let left = 0
  for (const x of columns) {
    if (x - left >= need || x === width) break
    left = x
  }
  const labelY = above + ROAD
  const end = columns.find((x) => x > left) ?? width
  const used = sketch.label({
    text: machine.name,
    x: left + 10,
    y: labelY,
    width: end - left - 18,
    style: 'name',
    tone: 'strong',
    box: bar.id,
  })
  let x = left + 10 + used + 10
  if (x + measure(bar.name, 'device') < end - 6) {
    const room = end - 6 - x
    x += sketch.label({ text: bar.name, x, y: labelY + 0.5, width: room, style: 'device', tone: 'muted', box: bar.id }) + 12
  }
  sketch.box({
    id: bar.id,
    rect: { x: 0, y: above, w: width, h: ROAD + LABEL },
    of: { kind: 'bridge', ticks },
    netns: machine.netns.id,
    parent: machine.netns.id,
    name: [machine.netns.name, bar.name, ...bridge.device.addresses].join(' '),
    dock: { x: width / 2, y: roadY },
    ...(end - 8 - x > 50 && { slot: { x, y: labelY + 1, w: end - 8 - x, h: FONTS.status.line } }),
  })
  if (ticks.length > 1) {
    sketch.road(
      alongBar(
        bar.id,
        roadY,
        ticks.map((t) => t.x),
      ),
    )
  }
  for (const [i, p] of ports.entries()) {
    const x = options.at[i] ?? 0
    const w = portWidth(p, options)
    const y = p.side === 'top' ? 0 : h - below
    const lane = x + w - LANE / 2
    const d = p.device.record
    sketch.box({
      id: d.id,
      rect: { x, y, w, h: PORT },
      of: { kind: 'device', link: d.link.kind, up: d.up },
      netns: machine.netns.id,
      parent: machine.netns.id,
      name: [machine.netns.name, d.name, ...(p.also ?? []).map((other) => other.record.name)].join(' '),
      dock: { x: lane, y: y + PORT / 2 },
    })
    sketch.stand(
      d.id,
      (p.also ?? []).map((other) => other.record.id),
    )
    sketch.label({
      text: portText(p, options.words),
      x: x + 7,
      y: y + 2,
      width: w - LANE - 8,
      style: 'device',
      tone: 'muted',
      box: d.id,
    })
    sketch.road({
      from: d.id,
      to: bar.id,
      kind: 'port',
      both: true,
      points: [
        { x: lane, y: y + PORT / 2 },
        { x: lane, y: roadY },
      ],
    })
    if (p.chain !== undefined) drawChain(sketch, p.chain, { port: d.id, switch: machine.netns.id, lane, x: x + w, y, measure })
  }
  return { sketch, h }
}

function drawChain(
  sketch: Sketch,
  chain: SlimChain,
  at: {
    readonly port: string
    readonly switch: string
    readonly lane: number
    readonly x: number
    readonly y: number
    readonly measure: Measure
  },
): void {
  const top = at.y + SLIM_TOP
  const mid = top + SLIM / 2
  let x = at.x
  for (const [i, m] of chain.machines.entries()) {
    const { id, role } = m
    const left = x + (i === 0 ? chain.door : SLIM_GAP)
    const w = slimWidth(m, at.measure)
    const rest = { x: i === 0 ? left - LANE / 2 - 4 : left, y: mid }
    sketch.box({
      id,
      rect: { x: left, y: top, w, h: SLIM },
      of: { kind: 'machine', role },
      netns: m.netns,
      parent: at.switch,
      name: m.full,
      dock: rest,
    })
    sketch.stand(id, m.stands)
    const end = left + w - SLIM_PAD + 2
    const nameX = left + SLIM_PAD
    sketch.label({ text: m.name, x: nameX, y: top + 0.5, width: end - nameX, style: 'name', tone: 'muted', box: id })
    if (m.note !== undefined) {
      const note = left + slimNote(m, at.measure)
      sketch.label({ text: m.note, x: note, y: top + 1, width: end - note, style: 'address', tone: 'faint', box: id })
    }
    const before = chain.machines[i - 1]
    if (before === undefined) {
      const points = [{ x: at.lane, y: at.y + PORT / 2 }, { x: at.lane, y: mid }, rest]
      sketch.road({ from: at.port, to: id, kind: 'link', both: true, points })
      sketch.road({ from: id, to: id, kind: 'link', both: true, points: [rest, { x: left, y: mid }] })
    } else sketch.road({ from: before.id, to: id, kind: 'link', both: true, points: [{ x, y: mid }, rest] })
    x = left + w
  }
}
