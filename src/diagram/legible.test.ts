import { describe, expect, it } from 'vitest'
import { playOf } from '../cluster/play.ts'
import { LIBRARY } from '../library/index.ts'
import { run } from '../sim/run.ts'
import { TraceReader } from '../trace/reader.ts'
import { Timeline } from '../trace/timeline.ts'
import { fitActivity } from './activity.ts'
import type { Layout } from './figure.ts'
import { layout } from './layout.ts'
import { Paths } from './path.ts'
import { idleMachines, sceneAt } from './scene.ts'
import { faults } from './testing.ts'
import { FONTS, measureRoughly } from './text.ts'
import { type Topology, topologyOf } from './topology.ts'
import { fitView } from './view.ts'
import { VisitIndex } from './visits.ts'

// What a person sees first must be readable without zooming. The rooms are what the page leaves the drawing at 1440×900 and
// at 1024×768; widths are those of the widest fallback fonts.

type Room = { readonly width: number; readonly height: number }
const DESKTOP: Room = { width: 790, height: 495 }
const TABLET: Room = { width: 679, height: 363 }

function play(id: string): { readonly reader: TraceReader; readonly topology: Topology; readonly compact: ReadonlySet<string> } {
  const document = LIBRARY.find((e) => e.id === id)?.document
  const play = document === undefined ? undefined : playOf(document)
  if (document === undefined || play?.ok !== true) throw new Error(`${id} cannot be built`)
  const reader = new TraceReader(run(play.value.world, play.value.journeys, { seed: document.seed, changes: play.value.changes }))
  const topology = topologyOf(new Timeline(reader).at(-1))
  const quiet = topology.machines.filter((m) => m.bridges.length === 0).map((m) => ({ id: m.netns.id }))
  return { reader, topology, compact: idleMachines({ reader }, quiet) }
}

/** CSS pixels of the smallest text when the whole drawing is shown. */
const smallest = (l: Layout, room: Room): number =>
  Math.min(...l.labels.map((label) => FONTS[label.style].size)) * fitView(l.bounds, room).k

/** Each has a switch of its own. The whole of several is an overview: the view follows the packet in them. */
const clusters = (topology: Topology): number => topology.machines.filter((m) => m.netns.role === 'switch').length

/**
 * What takes a row of its own, and makes all a little smaller: a third pod on a node, a third device beside its bridge (kube-ipvs0),
 * a pod whose name has a namespace in front and leaves no room beside it for the address.
 */
const crowded = (topology: Topology): boolean =>
  topology.machines.some(
    (m) =>
      m.netns.role === 'node' &&
      (m.devices.length > 2 ||
        m.bridges.some((b) => b.pods.length + b.ports.length > 2 || b.pods.some((p) => p.name.includes('/')))),
  )

describe.each(LIBRARY.map((e) => e.id))('%s', (id) => {
  const { reader, topology, compact } = play(id)

  it('is readable as a whole on a small desktop', () => {
    const l = layout(topology, { ...DESKTOP, compact })
    expect(smallest(l, DESKTOP)).toBeGreaterThanOrEqual(clusters(topology) > 1 ? 6.5 : crowded(topology) ? 9 : 10)
    expect(faults(l)).toEqual([])
  })

  it('is readable as a whole on a tablet, unless busy machines stand below the network', () => {
    const l = layout(topology, { ...TABLET, compact })
    const busy = topology.machines.some((m) => m.netns.role !== 'node' && m.netns.role !== 'switch' && !compact.has(m.netns.id))
    expect(smallest(l, TABLET)).toBeGreaterThanOrEqual(clusters(topology) > 1 ? 5.5 : crowded(topology) ? 6.8 : busy ? 7 : 9)
    expect(faults(l)).toEqual([])
  })

  it('says what happened in whole words', () => {
    const paths = new Paths(layout(topology, { ...DESKTOP, compact }), new VisitIndex(reader))
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
    const l = layout(topology, { ...DESKTOP, compact })
    const gateway = topology.machines.find((m) => m.netns.role === 'gateway')
    if (gateway === undefined || !compact.has(gateway.netns.id)) return
    expect(l.labels.filter((label) => label.box === gateway.netns.id).map((label) => label.text)).toEqual([
      gateway.name,
      gateway.address,
    ])
  })
})
