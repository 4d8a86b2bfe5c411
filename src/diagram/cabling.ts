import { assignTracks } from './channel.ts'
import type { Sketch, Words } from './figure.ts'
import type { Point } from './geometry.ts'
import { switchOf } from './roles.ts'
import { MACHINE_GAP, type Rows } from './rows.ts'
import type { SlimChain } from './slim.ts'
import { fullWidth, placePorts, type SwitchPort, switchBlock } from './switch-block.ts'
import type { Measure } from './text.ts'
import type { Link, Machine, Topology } from './topology.ts'

// What lies between the rows: the switches, and the channels that cables run in.

/** Above the switches, between them and the lower row, and below the lower row. */
export type Channel = 'above' | 'below' | 'under'

const CHANNEL = 11
const TRACK = 8
export const CHANNEL_HEIGHT = CHANNEL + TRACK / 2

interface PlacedSwitch {
  readonly sketch: Sketch
  readonly x: number
  readonly h: number
}

/** The switches side by side; a lone one is as wide as the rows. `docks` are those of the machines; only x counts. */
export function placeSwitches(
  topology: Topology,
  rows: Rows,
  look: {
    readonly docks: ReadonlyMap<string, Point>
    readonly slim: ReadonlyMap<string, SlimChain>
    readonly measure: Measure
    readonly words: Words
  },
): PlacedSwitch[] {
  const plans = topology.machines.filter((m) => switchOf(m) !== undefined).map((m) => planSwitch(m, { topology, rows, ...look }))
  const placed: PlacedSwitch[] = []
  let x = 0
  for (const p of plans) {
    const width = plans.length === 1 ? Math.max(p.minWidth, rows.width) : p.minWidth
    placed.push({ ...switchBlock(p.machine, p.bridge, p.ports, { at: p.at, width, ...look }), x })
    x += width + MACHINE_GAP
  }
  return placed
}

function planSwitch(
  machine: Machine,
  ctx: {
    readonly topology: Topology
    readonly rows: Rows
    readonly docks: ReadonlyMap<string, Point>
    readonly slim: ReadonlyMap<string, SlimChain>
    readonly measure: Measure
  },
) {
  const bridge = switchOf(machine)
  if (bridge === undefined) throw new Error(`${machine.name} is no switch`)
  const devices = [...bridge.ports, ...machine.devices.filter((d) => d.record.link.kind !== 'loopback')]
  const ports: SwitchPort[] = devices.map((device) => {
    const chain = ctx.slim.get(device.record.id)
    if (chain !== undefined) return { device, side: 'bottom', wish: undefined, chain }
    const link = ctx.topology.links.find((l) => l.a.id === device.record.id || l.b.id === device.record.id)
    const other = link === undefined ? undefined : link.a.id === device.record.id ? link.b : link.a
    const side = other === undefined ? 'bottom' : (ctx.rows.rowOf.get(other.netns) ?? 'bottom')
    return { device, side, wish: other === undefined ? undefined : ctx.docks.get(other.id)?.x }
  })
  const at: number[] = new Array(ports.length).fill(0)
  let minWidth = 240
  for (const side of ['top', 'bottom'] as const) {
    const mine = ports.flatMap((p, i) =>
      // A port without a cable goes to the end.
      p.side === side ? [{ i, wish: p.wish ?? Number.MAX_SAFE_INTEGER, w: fullWidth(p, ctx.measure) }] : [],
    )
    const wished = Math.max(8, ...mine.filter((m) => m.wish < Number.MAX_SAFE_INTEGER).map((m) => m.wish))
    const x = placePorts(
      mine.map((m) => ({ ...m, wish: Math.min(m.wish, wished + 1) })),
      8,
    )
    for (const [k, m] of mine.entries()) {
      at[m.i] = x[k] ?? 0
      minWidth = Math.max(minWidth, (x[k] ?? 0) + m.w + 8)
    }
  }
  return { machine, bridge, ports, at, minWidth }
}

interface Cable {
  readonly link: Link
  readonly channel: Channel
  /** Track in its channel, -1 for a straight one. */
  readonly track: number
}

export interface Cabling {
  readonly cables: readonly Cable[]
  /** Height that each channel takes. */
  readonly height: Readonly<Record<Channel, number>>
}

/** Gives each link a channel, and a track in it when it has to move sideways. `docks` of every device; only x counts. */
export function planCables(
  links: readonly Link[],
  ctx: { readonly rows: Rows; readonly docks: ReadonlyMap<string, Point>; readonly hasSpine: boolean },
): Cabling {
  const cables: Cable[] = []
  const height: Record<Channel, number> = { above: CHANNEL, below: CHANNEL, under: CHANNEL }
  const known = links.filter((l) => ctx.docks.has(l.a.id) && ctx.docks.has(l.b.id))
  for (const channel of ['above', 'below', 'under'] as const) {
    const mine = known.filter((l) => channelOf(l, ctx) === channel)
    const x = (id: string) => ctx.docks.get(id)?.x ?? 0
    const { tracks, count } = assignTracks(
      mine.map((l) => ({ from: x(l.a.id), to: x(l.b.id) })),
      8,
    )
    height[channel] = CHANNEL + count * TRACK
    for (const [i, link] of mine.entries()) cables.push({ link, channel, track: tracks[i] ?? -1 })
  }
  return { cables, height }
}

function channelOf(link: Link, ctx: { readonly rows: Rows; readonly hasSpine: boolean }): Channel {
  if (ctx.rows.sunk.includes(link)) return 'under'
  const touchesTop = [link.a, link.b].some((d) => ctx.rows.rowOf.get(d.netns) === 'top')
  return touchesTop || !ctx.hasSpine ? 'above' : 'below'
}

/** y of a track in a channel whose upper edge is at `top`. */
export const trackY = (top: number, track: number): number => top + CHANNEL / 2 + 1 + Math.max(0, track) * TRACK
