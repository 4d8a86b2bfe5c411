import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Layout } from './figure.ts'
import { overlaps, segmentHits, within } from './geometry.ts'
import { layout } from './layout.ts'
import { type ClusterShape, clusterSketch, WorldSketch } from './testing.ts'
import { topologyOf } from './topology.ts'

const room = { width: 780, height: 560 }
const drawn = (w: WorldSketch, compact?: ReadonlySet<string>) =>
  layout(topologyOf(w.view()), { ...room, ...(compact && { compact }) })

/** Everything that a reader would call ugly, as text. */
function faults(l: Layout): string[] {
  const out: string[] = []
  for (const [i, a] of l.labels.entries()) {
    const box = l.box.get(a.box)
    if (box === undefined) out.push(`label ${a.full} is in no box`)
    else if (!within(a.rect, box.rect, 0.01)) out.push(`label ${a.full} sticks out of ${box.id}`)
    for (const b of l.labels.slice(i + 1)) if (overlaps(a.rect, b.rect, 0.01)) out.push(`labels ${a.full} and ${b.full} overlap`)
    for (const r of l.roads) {
      for (let k = 1; k < r.points.length; k++) {
        const p = r.points[k - 1]
        const q = r.points[k]
        if (p && q && segmentHits(p, q, a.rect)) out.push(`road ${r.from} - ${r.to} crosses label ${a.full} of ${a.box}`)
      }
    }
  }
  for (const b of l.boxes) {
    const parent = b.parent === undefined ? undefined : l.box.get(b.parent)
    if (b.parent !== undefined && parent === undefined) out.push(`${b.id} is in no box`)
    if (parent && !within(b.rect, parent.rect, 0.01)) out.push(`${b.id} sticks out of ${parent.id}`)
    if (!within(b.rect, l.bounds, 0.01)) out.push(`${b.id} sticks out of the drawing`)
  }
  for (const [i, a] of l.boxes.entries()) {
    for (const b of l.boxes.slice(i + 1))
      if (a.parent === b.parent && overlaps(a.rect, b.rect, 0.01)) out.push(`boxes ${a.id} and ${b.id} overlap`)
  }
  for (const r of l.roads) {
    for (let k = 1; k < r.points.length; k++) {
      const p = r.points[k - 1]
      const q = r.points[k]
      if (p && q && Math.abs(p.x - q.x) > 0.01 && Math.abs(p.y - q.y) > 0.01) out.push(`road ${r.from} - ${r.to} runs askew`)
    }
  }
  return out
}

describe('the layout of a cluster', () => {
  it('draws two nodes with their pods, gates and NICs on one switch', () => {
    const l = drawn(clusterSketch({ pods: [2, 2] }))
    expect(faults(l)).toEqual([])
    for (const id of [
      'netns:node1',
      'netns:pod/web-1-1',
      'dev:node1/cbr0',
      'dev:node1/eth0',
      'dev:fabric/br0',
      'gate:node1/POSTROUTING',
      'gate:pod/web-1-1/stack',
    ]) {
      expect(l.box.has(id), id).toBe(true)
    }
    expect(l.bounds.w).toBeLessThan(950)
    expect(l.bounds.h).toBeLessThan(640)
  })

  it('keeps every label apart, inside its box and clear of every road, whatever the cluster', () => {
    const shapes: fc.Arbitrary<ClusterShape> = fc.record({
      pods: fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 8 }),
      egress: fc.boolean(),
      router: fc.boolean(),
      containers: fc.integer({ min: 1, max: 3 }),
      longNames: fc.boolean(),
    })
    fc.assert(
      fc.property(shapes, fc.nat(255), (shape, mask) => {
        const w = clusterSketch(shape)
        const compact = new Set(
          ['netns:node2', 'netns:gateway', 'netns:router', 'netns:internet'].filter((_, i) => (mask >> i) & 1),
        )
        expect(faults(drawn(w, compact))).toEqual([])
      }),
      { numRuns: 25 },
    )
  }, 60_000)

  it('draws the same twice', () => {
    const shape = { pods: [3, 1, 7], egress: true }
    expect(drawn(clusterSketch(shape))).toEqual(drawn(clusterSketch(shape)))
  })

  it('puts the second half of many nodes below the switch, upside down', () => {
    const l = drawn(clusterSketch({ pods: Array(8).fill(4) }))
    const fabric = l.box.get('netns:fabric')?.rect.y ?? 0
    expect(l.box.get('netns:node1')?.rect.y).toBeLessThan(fabric)
    expect(l.box.get('netns:node8')?.rect.y).toBeGreaterThan(fabric)
    expect(faults(l)).toEqual([])
  })

  it('draws a node imported alone: two bridges, ports whose other end is unknown, tunnels and many NICs', () => {
    const w = new WorldSketch()
    w.netns('node1', 'node')
    for (const nic of ['eth0', 'eth1', 'wlan0'])
      w.device('node1', nic, { kind: 'physical', latency: 0 }, { address: '192.168.1.11/24' })
    w.device('node1', 'docker0', { kind: 'bridge', ageing: 300e9 }, { address: '172.17.0.1/16' })
    w.device('node1', 'cni0', { kind: 'bridge', ageing: 300e9 }, { address: '10.42.0.1/24' })
    w.device('node1', 'flannel.1', { kind: 'unknown', type: 'vxlan' }, { address: '10.42.0.0/32' })
    w.device('node1', 'kube-ipvs0', { kind: 'dummy' })
    for (let i = 0; i < 11; i++)
      w.device('node1', `veth12ab34c${i}`, { kind: 'unknown', type: 'veth' }, { master: 'cni0', port: i + 1 })
    for (let i = 0; i < 5; i++) w.device('node1', `cali0123456789${i}`, { kind: 'unknown', type: 'veth' })
    const l = drawn(w)
    expect(faults(l)).toEqual([])
    for (const d of topologyOf(w.view()).machines.flatMap((m) => m.devices))
      expect(l.box.has(d.record.id), d.record.name).toBe(true)
  })
})
