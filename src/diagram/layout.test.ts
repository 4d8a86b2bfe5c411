import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { layout } from './layout.ts'
import { type ClusterShape, clusterSketch, faults, WorldSketch } from './testing.ts'
import { topologyOf } from './topology.ts'

const room = { width: 780, height: 560 }
const drawn = (w: WorldSketch, compact?: ReadonlySet<string>) =>
  layout(topologyOf(w.view()), { ...room, ...(compact && { compact }) })

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
