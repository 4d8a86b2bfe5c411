import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readableScale } from './detail.ts'
import { layout } from './layout.ts'
import { type ClusterShape, clusterSketch, faults, WorldSketch } from './testing.ts'
import { topologyOf } from './topology.ts'
import { fitView } from './view.ts'

const room = { width: 780, height: 560 }
const drawn = (w: WorldSketch, idle?: ReadonlySet<string>) => layout(topologyOf(w.view()), { ...room, ...(idle && { idle }) })

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
        const idle = new Set(['netns:node2', 'netns:gateway', 'netns:router', 'netns:internet'].filter((_, i) => (mask >> i) & 1))
        expect(faults(drawn(w, idle))).toEqual([])
      }),
      { numRuns: 25 },
    )
  }, 60_000)

  it('keeps all that apart too where what takes no part is drawn small, and has a place for everything', () => {
    const shapes = fc.record({
      pods: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 8 }),
      egress: fc.boolean(),
      router: fc.boolean(),
      containers: fc.integer({ min: 1, max: 2 }),
      longNames: fc.boolean(),
    })
    const rooms = fc.record({ width: fc.integer({ min: 360, max: 1500 }), height: fc.integer({ min: 300, max: 900 }) })
    fc.assert(
      fc.property(shapes, rooms, fc.infiniteStream(fc.integer({ min: 0, max: 2 })), (shape, space, draws) => {
        const topology = topologyOf(clusterSketch(shape).view())
        const idle = new Set<string>()
        const some = (ids: readonly string[]) => {
          for (const id of ids) if (draws.next().value !== 0) idle.add(id)
        }
        for (const m of topology.machines) {
          const pods = m.bridges.flatMap((b) => b.pods.map((p) => p.netns.id))
          some(pods)
          some(m.devices.map((d) => d.record.id))
          if (m.netns.role !== 'switch' && pods.every((id) => idle.has(id))) some([m.netns.id])
        }
        const l = layout(topology, { ...space, idle })
        expect(faults(l)).toEqual([])
        const parts = topology.machines.flatMap((m) => [m, ...m.bridges.flatMap((b) => b.pods)]).map((m) => m.netns.id)
        expect(parts.filter((id) => !l.box.has(id) && !l.box.has(l.inside.get(id) ?? ''))).toEqual([])
      }),
      { numRuns: 60 },
    )
  }, 60_000)

  describe('of many nodes, two of which are on the way', () => {
    const shape = { pods: [4, 4, 4, 4, 4, 4, 4, 4], egress: true }
    const topology = topologyOf(clusterSketch(shape).view())
    const busy = new Set(['netns:node1', 'netns:node5', 'netns:pod/web-1-2', 'netns:pod/web-5-1'])
    const idle = new Set(
      topology.machines
        .flatMap((m) => [m, ...m.bridges.flatMap((b) => b.pods)])
        .map((m) => m.netns.id)
        .filter((id) => !busy.has(id)),
    )
    const l = layout(topology, { width: 790, height: 495, idle })
    const labels = l.labels.map((label) => label.text)

    it('can be read as a whole', () => {
      expect(fitView(l.bounds, { width: 790, height: 495 }).k).toBeGreaterThanOrEqual(readableScale({ width: 790 }))
      expect(faults(l)).toEqual([])
    })

    it('draws those two with their gates, the others as one chip that counts them and their pods', () => {
      expect(l.box.has('gate:node5/PREROUTING')).toBe(true)
      expect(l.box.has('gate:node2/PREROUTING')).toBe(false)
      expect(labels).toContain('6 nodes')
      expect(labels).toContain('24 pods')
      expect(l.inside.get('netns:node2')).toBe('nodes:fabric')
      expect(l.inside.get('netns:pod/web-2-1')).toBe('nodes:fabric')
    })

    it('draws the pods on the way with their stack, the others of the node as chips on its bridge', () => {
      expect(l.box.has('gate:pod/web-1-2/stack')).toBe(true)
      expect(l.box.has('gate:pod/web-1-1/stack')).toBe(false)
      expect(labels.filter((t) => t.startsWith('web-1-'))).toHaveLength(4)
    })

    it('counts more idle pods than can be told apart', () => {
      const many = topologyOf(clusterSketch({ pods: [12, 1] }).view())
      const drawn = layout(many, {
        width: 790,
        height: 495,
        idle: new Set(many.machines.flatMap((m) => m.bridges.flatMap((b) => b.pods.slice(1).map((p) => p.netns.id)))),
      })
      expect(drawn.labels.map((label) => label.text)).toContain('11 pods')
      expect(faults(drawn)).toEqual([])
    })

    it('names an idle machine behind a busy gateway in the gateway’s head', () => {
      const egress = topologyOf(clusterSketch({ pods: [2, 2, 2], egress: true }).view())
      const drawn = layout(egress, { width: 600, height: 400, idle: new Set(['netns:internet', 'netns:node3']) })
      expect(drawn.box.has('netns:internet')).toBe(false)
      expect(drawn.inside.get('netns:internet')).toBe('netns:gateway')
      expect(drawn.inside.get('dev:gateway/eth1')).toBe('netns:gateway')
      expect(drawn.labels.map((label) => label.text)).toContain('192.168.1.254 + internet')
      expect(faults(drawn)).toEqual([])
    })

    it('keeps everything in full where there is room', () => {
      const roomy = layout(topologyOf(clusterSketch({ pods: [2, 2] }).view()), {
        width: 1200,
        height: 800,
        idle: new Set(['netns:pod/web-1-2', 'netns:node2', 'netns:pod/web-2-1', 'netns:pod/web-2-2']),
      })
      expect(roomy.box.has('gate:node2/FORWARD')).toBe(true)
      expect(roomy.box.has('gate:pod/web-1-2/stack')).toBe(true)
    })
  })

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
