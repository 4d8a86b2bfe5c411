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

/** Left of the leftmost machine's cable, so that its port stands above or below it. */
const OVERHANG = 72

/**
 * The switches side by side, each near the machines that are plugged into it; a lone one is as wide as the rows. `docks` are those of
 * the machines; only x counts.
 */
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
  const switches = topology.machines.filter((m) => switchOf(m) !== undefined)
  const placed: PlacedSwitch[] = []
  let end = 0
  for (const machine of switches) {
    const wished = switches.length === 1 ? 0 : leftmost(machine, topology, look.docks) - OVERHANG
    const x = Math.max(end, wished)
    const p = planSwitch(machine, { topology, rows, from: x, ...look })
    const width = switches.length === 1 ? Math.max(p.minWidth, rows.width) : p.minWidth
    placed.push({ ...switchBlock(p.machine, p.bridge, p.ports, { at: p.at, width, ...look }), x })
    end = x + width + MACHINE_GAP
  }
  return placed
}

/** The leftmost dock that a cable from this switch leads to. */
function leftmost(machine: Machine, topology: Topology, docks: ReadonlyMap<string, Point>): number {
  const ends = topology.links.flatMap((l) => {
    const other = l.a.netns === machine.netns.id ? l.b : l.b.netns === machine.netns.id ? l.a : undefined
    return other === undefined ? [] : (docks.get(other.id)?.x ?? [])
  })
  return ends.length === 0 ? 0 : Math.min(...ends)
}

function planSwitch(
  machine: Machine,
  ctx: {
    readonly topology: Topology
    readonly rows: Rows
    /** Its left edge. */
    readonly from: number
    readonly docks: ReadonlyMap<string, Point>
    readonly slim: ReadonlyMap<string, SlimChain>
    readonly measure: Measure
    readonly words: Words
  },
) {
  const bridge = switchOf(machine)
  if (bridge === undefined) throw new Error(`${machine.name} is no switch`)
  const devices = [...bridge.ports, ...machine.devices.filter((d) => d.record.link.kind !== 'loopback')]
  const merged = new Set([...ctx.slim.values()].flatMap((c) => c.ports))
  const shown = devices.filter((d) => !merged.has(d.record.id))
  const ports: SwitchPort[] = shown.map((device) => {
    const chain = ctx.slim.get(device.record.id)
    if (chain !== undefined) {
      const also = devices.filter((d) => chain.ports.includes(d.record.id))
      return { device, side: 'bottom', wish: undefined, chain, also }
    }
    const link = ctx.topology.links.find((l) => l.a.id === device.record.id || l.b.id === device.record.id)
    const other = link === undefined ? undefined : link.a.id === device.record.id ? link.b : link.a
    const side = other === undefined ? 'bottom' : (ctx.rows.rowOf.get(other.netns) ?? 'bottom')
    const dock = other === undefined ? undefined : ctx.docks.get(other.id)
    return { device, side, wish: dock === undefined ? undefined : dock.x - ctx.from }
  })
  const at: number[] = new Array(ports.length).fill(0)
  let minWidth = 240
  for (const side of ['top', 'bottom'] as const) {
    const mine = ports.flatMap((p, i) => (p.side === side ? [{ i, wish: p.wish, w: fullWidth(p, ctx) }] : []))
    const wished = Math.max(8, ...mine.flatMap((m) => m.wish ?? []))
    // Ports without a cable go to the end, unless the switch becomes narrower with them at the beginning.
    const atEnd = placed(mine, wished + 1)
    const atBeginning = placed(mine, -1)
    const best = atBeginning.width < atEnd.width ? atBeginning : atEnd
    for (const [k, m] of mine.entries()) at[m.i] = best.x[k] ?? 0
    minWidth = Math.max(minWidth, best.width)
  }
  return { machine, bridge, ports, at, minWidth }
}

/** Left edges of one side's ports, those without a wish of their own at `otherwise`, and the width that they take. */
function placed(
  ports: readonly { readonly wish: number | undefined; readonly w: number }[],
  otherwise: number,
): { readonly x: readonly number[]; readonly width: number } {
  const x = placePorts(
    ports.map((p) => ({ w: p.w, wish: p.wish ?? otherwise })),
    8,
  )
  return { x, width: Math.max(0, ...ports.map((p, i) => (x[i] ?? 0) + p.w + 8)) }
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
