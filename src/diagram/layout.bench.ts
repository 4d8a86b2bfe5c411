import { bench, describe } from 'vitest'
import { TraceReader } from '../trace/reader.ts'
import { recordServiceTrace } from '../trace/testing.ts'
import { Timeline } from '../trace/timeline.ts'
import { layout } from './layout.ts'
import { Paths } from './path.ts'
import { sceneAt } from './scene.ts'
import { clusterSketch } from './testing.ts'
import { topologyOf } from './topology.ts'
import { VisitIndex } from './visits.ts'

const room = { width: 780, height: 560 }
const small = topologyOf(clusterSketch({ pods: [2, 2], egress: true }).view())
const large = topologyOf(clusterSketch({ pods: Array(8).fill(30), egress: true }).view())
const reader = new TraceReader(recordServiceTrace())
const paths = new Paths(layout(topologyOf(new Timeline(reader).at(-1)), room), new VisitIndex(reader))

describe('the diagram', () => {
  bench('layout of 2 nodes with 4 pods', () => {
    layout(small, room)
  })
  bench('layout of 8 nodes with 240 pods', () => {
    layout(large, room)
  })
  bench('the scene of one step', () => {
    sceneAt(paths, 0, 40)
  })
})
