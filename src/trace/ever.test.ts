import { describe, expect, it } from 'vitest'
import { playOf } from '../cluster/play.ts'
import { endpointReplaced } from '../library/endpoint-replaced.ts'
import { podToPodSameNode } from '../library/pod-to-pod-same-node.ts'
import type { ScenarioDocument } from '../scenario/document.ts'
import { run } from '../sim/run.ts'
import { everView, passingNamespaces } from './ever.ts'
import { TraceReader } from './reader.ts'
import { Timeline } from './timeline.ts'

function read(document: ScenarioDocument) {
  const play = playOf(document)
  if (!play.ok) throw new Error('cannot be built')
  return new TraceReader(run(play.value.world, play.value.journeys, { seed: 1, changes: play.value.changes }))
}

describe('what is there at some time of a trace', () => {
  it('has a pod that comes in the middle, with its cable and the port that it is plugged into', () => {
    const reader = read(endpointReplaced.document)
    const view = everView(reader, new Timeline(reader))
    expect([...passingNamespaces(reader)].sort()).toEqual(['netns:pod/web-a', 'netns:pod/web-b'])
    expect(view.list('netns').map((n) => n.name)).toContain('pod/web-b')
    expect(view.list('device', 'netns:node2').filter((d) => d.master !== undefined)).toHaveLength(2)
    expect(view.list('address', 'netns:pod/web-b')).toHaveLength(2)
  })

  it('is the world at rest where nothing comes or goes', () => {
    const reader = read(podToPodSameNode.document)
    const timeline = new Timeline(reader)
    expect(everView(reader, timeline)).toBe(timeline.at(-1))
    expect(passingNamespaces(reader).size).toBe(0)
  })
})
