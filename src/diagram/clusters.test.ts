import { describe, expect, it } from 'vitest'
import { buildWorld } from '../cluster/build.ts'
import { LIBRARY } from '../library/index.ts'
import { viewOf } from '../world/world.ts'
import type { Rect } from './geometry.ts'
import { layout } from './layout.ts'
import { faults } from './testing.ts'
import { topologyOf } from './topology.ts'

// Networks of several parts: clusters side by side, balancers that hang on a gateway.

function drawn(id: string, width = 1400) {
  const document = LIBRARY.find((e) => e.id === id)?.document
  const world = document === undefined ? undefined : buildWorld(document)
  if (world?.ok !== true) throw new Error(`${id} cannot be built`)
  const l = layout(topologyOf(viewOf(world.value)), { width, height: 700 })
  const rect = (netns: string): Rect => {
    const box = l.box.get(`netns:${netns}`)
    if (box === undefined) throw new Error(`no box for ${netns}`)
    return box.rect
  }
  const middle = (netns: string) => rect(netns).x + rect(netns).w / 2
  return { l, rect, middle }
}

describe('two clusters', () => {
  const { l, rect, middle } = drawn('other-cluster')

  it('have a switch each, below the nodes that are plugged into it', () => {
    const [home, east] = [rect('fabric'), rect('east/fabric')]
    expect(home.x + home.w).toBeLessThan(east.x)
    for (const n of ['node3', 'node4']) {
      expect(middle(n)).toBeGreaterThan(east.x)
      expect(middle(n)).toBeLessThan(east.x + east.w)
    }
    expect(faults(l)).toEqual([])
  })

  it('are joined by the Internet, which stands between their gateways', () => {
    const order = ['gateway', 'internet', 'east/gateway', 'lb/shop'].map(middle)
    expect(order).toEqual(order.toSorted((a, b) => a - b))
  })
})

describe('a load balancer', () => {
  it('hangs on the gateway’s other side than the Internet, so that their cables do not run below each other', () => {
    const { l, middle } = drawn('load-balancer')
    const order = ['internet', 'gateway', 'lb/web'].map(middle)
    expect(order).toEqual(order.toSorted((a, b) => a - b))
    expect(faults(l)).toEqual([])
  })
})

describe('a machine beside the nodes', () => {
  it.each([700, 1000, 1400])('has a place of its own in a room %i wide, and no label crosses another', (width) => {
    const { l, rect } = drawn('node-port', width)
    expect(rect('client/laptop').w).toBeGreaterThan(0)
    expect(faults(l)).toEqual([])
  })
})
