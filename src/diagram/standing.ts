import { everView } from '../trace/ever.ts'
import type { TraceReader } from '../trace/reader.ts'
import type { Timeline } from '../trace/timeline.ts'
import type { World } from '../world/world.ts'
import { idleParts } from './idle.ts'
import { type Topology, topologyOf } from './topology.ts'

// The next command in the same cluster mostly leaves the drawing as it is. Then it is the same objects again, and whoever keeps a layout
// of them has one: of a thousand pods that is half a second.

const topologies = new WeakMap<World, Topology>()
const idles = new WeakMap<Topology, ReadonlySet<string>>()

/** What has a place in the drawing of a whole trace. The same object for all traces that begin in one world, where nothing is added to it. */
export function standingTopology(reader: TraceReader, timeline: Timeline): Topology {
  const view = everView(reader, timeline)
  if (view !== timeline.at(-1)) return topologyOf(view)
  const { initial } = reader.trace
  const topology = topologies.get(initial) ?? topologyOf(view)
  topologies.set(initial, topology)
  return topology
}

/** As `idleParts`; the set of the trace before where it holds the same. */
export function standingIdle(reader: TraceReader, topology: Topology): ReadonlySet<string> {
  const idle = idleParts(reader, topology)
  const before = idles.get(topology)
  if (before?.size === idle.size && [...idle].every((id) => before.has(id))) return before
  idles.set(topology, idle)
  return idle
}
