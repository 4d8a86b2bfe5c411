import { describe, expect, it } from 'vitest'
import { KeptWorlds } from '../cluster/kept-worlds.ts'
import { largeDocument } from '../cluster/testing-large.ts'
import { endpointReplaced } from '../library/endpoint-replaced.ts'
import type { ScenarioDocument } from '../scenario/document.ts'
import { run } from '../sim/run.ts'
import { everView } from '../trace/ever.ts'
import { TraceReader } from '../trace/reader.ts'
import { Timeline } from '../trace/timeline.ts'
import { idleParts } from './idle.ts'
import { standingIdle, standingTopology } from './standing.ts'
import { topologyOf } from './topology.ts'

const worlds = new KeptWorlds()

function opened(document: ScenarioDocument, command?: string) {
  const [first] = document.journeys
  const asked = command === undefined || first === undefined ? document : { ...document, journeys: [{ ...first, run: command }] }
  const play = worlds.play(asked)
  if (!play.ok) throw new Error(JSON.stringify(play.error))
  const reader = new TraceReader(run(play.value.world, play.value.journeys, { seed: 1, changes: play.value.changes }))
  const timeline = new Timeline(reader)
  const topology = standingTopology(reader, timeline)
  const idle = standingIdle(reader, topology)
  expect(topology).toEqual(topologyOf(everView(reader, timeline)))
  expect(idle).toEqual(idleParts(reader, topology))
  return { topology, idle }
}

describe('a drawing that stands', () => {
  const cluster = largeDocument(3)

  it('is the same for the next command in the same cluster', () => {
    const one = opened(cluster, 'curl http://10.96.0.1/')
    const two = opened(cluster, 'curl http://10.96.0.1/')
    expect(two.topology).toBe(one.topology)
    expect(two.idle).toBe(one.idle)
  })

  it('changes where other places take part, and comes back with them', () => {
    const one = opened(cluster, 'curl http://10.96.0.1/')
    const alone = opened(cluster, 'ping -c1 127.0.0.1')
    expect(alone.topology).toBe(one.topology)
    expect(alone.idle).not.toEqual(one.idle)
    expect(opened(cluster, 'curl http://10.96.0.1/').idle).toEqual(one.idle)
  })

  it('has the pods that come while a trace runs, and is made anew for each such trace', () => {
    const { changes: _, ...still } = endpointReplaced.document
    const before = opened(still)
    const replaced = opened(endpointReplaced.document)
    expect(replaced.topology).not.toEqual(before.topology)
  })
})
