import { describe, expect, it } from 'vitest'
import { playOf } from '../cluster/play.ts'
import { LIBRARY } from '../library/index.ts'
import { run } from '../sim/run.ts'
import { TraceReader } from '../trace/reader.ts'
import { Timeline } from '../trace/timeline.ts'
import { fitActivity } from './activity.ts'
import type { Layout } from './figure.ts'
import { idleParts } from './idle.ts'
import { layout } from './layout.ts'
import { Paths } from './path.ts'
import { sceneAt } from './scene.ts'
import { faults } from './testing.ts'
import { FONTS, measureRoughly } from './text.ts'
import { type Topology, topologyOf } from './topology.ts'
import { fitView, openingScale } from './view.ts'
import { VisitIndex } from './visits.ts'

// What a person sees first must be readable without zooming. The rooms are what the page leaves the drawing at 1440×900 and
// at 1024×768; widths are those of the widest fallback fonts.

type Room = { readonly width: number; readonly height: number }
const DESKTOP: Room = { width: 790, height: 480 }
const TABLET: Room = { width: 679, height: 361 }
const PHONE: Room = { width: 390, height: 400 }
/** Where a command does not arrive, a line below the drawing says so from the first step on. */
const LINE = 25

function play(id: string): { readonly reader: TraceReader; readonly topology: Topology; readonly idle: ReadonlySet<string> } {
  const document = LIBRARY.find((e) => e.id === id)?.document
  const play = document === undefined ? undefined : playOf(document)
  if (document === undefined || play?.ok !== true) throw new Error(`${id} cannot be built`)
  const reader = new TraceReader(run(play.value.world, play.value.journeys, { seed: document.seed, changes: play.value.changes }))
  const topology = topologyOf(new Timeline(reader).at(-1))
  return { reader, topology, idle: idleParts(reader, topology) }
}

/** CSS pixels of the smallest text at a scale. */
const SMALLEST = Math.min(...Object.values(FONTS).map((f) => f.size))
const whole = (l: Layout, room: Room): number => SMALLEST * fitView(l.bounds, room).k
/** In the view that the page opens with: of everything, or around the packet. */
const opening = (l: Layout, room: Room): number => SMALLEST * openingScale(l.bounds, room)

/** Each has a switch of its own. The whole of several is an overview: the view follows the packet in them. */
const clusters = (topology: Topology): number => topology.machines.filter((m) => m.netns.role === 'switch').length

describe.each(LIBRARY.map((e) => e.id))('%s', (id) => {
  const { reader, topology, idle } = play(id)
  const line = reader.trace.journeys.some((j) => j.verdict.kind !== 'answered') ? LINE : 0
  const [desktop, tablet, phone] = [DESKTOP, TABLET, PHONE].map((r) => ({ ...r, height: r.height - line })) as [Room, Room, Room]

  it('is readable as a whole on a small desktop', () => {
    const l = layout(topology, { ...DESKTOP, idle })
    expect(whole(l, DESKTOP)).toBeGreaterThanOrEqual(clusters(topology) > 1 ? 6.5 : 9.95)
    expect(faults(l)).toEqual([])
  })

  it('is readable as a whole on a tablet, unless busy machines stand below the network or a node has three busy pods', () => {
    const l = layout(topology, { ...TABLET, idle })
    const busy = topology.machines.some((m) => m.netns.role !== 'node' && m.netns.role !== 'switch' && !idle.has(m.netns.id))
    const full = topology.machines.some((m) => m.bridges.some((b) => b.pods.filter((p) => !idle.has(p.netns.id)).length > 2))
    expect(whole(l, TABLET)).toBeGreaterThanOrEqual(clusters(topology) > 1 ? 5.5 : full ? 6.8 : busy ? 7 : 8.95)
    expect(faults(l)).toEqual([])
  })

  it('opens readable everywhere: where the whole would be too small, the view goes with the packet', () => {
    expect(opening(layout(topology, { ...desktop, idle }), desktop)).toBeGreaterThanOrEqual(9.95)
    expect(opening(layout(topology, { ...tablet, idle }), tablet)).toBeGreaterThanOrEqual(8.95)
    expect(opening(layout(topology, { ...phone, idle }), phone)).toBeGreaterThanOrEqual(9.95)
  })

  it('has a place for every namespace and device, drawn or standing for it', () => {
    for (const room of [DESKTOP, TABLET, PHONE]) {
      const l = layout(topology, { ...room, idle })
      const missing = topology.machines
        .flatMap((m) => [m, ...m.bridges.flatMap((b) => b.pods), ...m.routed])
        .map((m) => m.netns.id)
        .filter((id) => !l.box.has(id) && !l.box.has(l.inside.get(id) ?? ''))
      expect(missing).toEqual([])
    }
  })

  it('says what happened in whole words', () => {
    const paths = new Paths(layout(topology, { ...DESKTOP, idle }), new VisitIndex(reader))
    const cut = new Set<string>()
    for (let p = 0; p < reader.packets.length; p++) {
      const last = reader.packets.last[p] ?? -1
      for (const [box, activity] of sceneAt(paths, p, last).did) {
        const slot = paths.layout.box.get(box)?.slot
        if (slot === undefined) continue
        const said = fitActivity(activity, slot.w, measureRoughly)
        if (said !== activity.text && said !== activity.brief) cut.add(`${box}: ${activity.text} as ${said}`)
      }
    }
    expect([...cut]).toEqual([])
  })

  it('gives who takes no part a chip on the switch, with name and address, and no row', () => {
    const l = layout(topology, { ...DESKTOP, idle })
    const gateway = topology.machines.find((m) => m.netns.role === 'gateway')
    if (gateway === undefined || !idle.has(gateway.netns.id)) return
    expect(l.labels.filter((label) => label.box === gateway.netns.id).map((label) => label.text)).toEqual([
      gateway.name,
      gateway.address,
    ])
  })
})
