import { describe, expect, it } from 'vitest'
import { TraceReader } from '../trace/reader.ts'
import { recordServiceTrace } from '../trace/testing.ts'
import { Timeline } from '../trace/timeline.ts'
import { layout } from './layout.ts'
import { Paths, pathOfPacket, positionAt } from './path.ts'
import { sceneAt } from './scene.ts'
import { topologyOf } from './topology.ts'
import { VisitIndex } from './visits.ts'
import { walkedBy } from './walked.ts'

const reader = new TraceReader(recordServiceTrace())
const drawing = layout(topologyOf(new Timeline(reader).at(-1)), { width: 780, height: 560 })
const paths = new Paths(drawing, new VisitIndex(reader))
const SYN = 0
const ARP = 1
const lastStep = (packet: number) => reader.packets.info(packet).last

describe('the way of a packet over the drawing', () => {
  it('takes the SYN from the client through veth and gates until it waits for the next node', () => {
    expect(paths.of(SYN).map((l) => l.box)).toEqual([
      'container:pod/client/',
      'gate:pod/client/stack',
      'dev:pod/client/eth0',
      'dev:node1/veth1a2b',
      'gate:node1/PREROUTING',
      'gate:node1/routing',
      'gate:node1/FORWARD',
      'gate:node1/POSTROUTING',
    ])
    expect(paths.of(SYN).some((l) => l.jumped)).toBe(false)
  })

  it('keeps ARP at the devices: the neighbour layer is no hook', () => {
    expect(paths.of(ARP).map((l) => l.box)).toEqual(['dev:pod/client/eth0', 'dev:node1/veth1a2b'])
  })

  it('walks without a leap: no two points of a way are further apart than its straights', () => {
    const points = pathOfPacket(paths, SYN)
    for (const [i, p] of points.slice(1).entries()) {
      const q = points[i]
      if (q) expect(Math.min(Math.abs(p.x - q.x), Math.abs(p.y - q.y))).toBeLessThan(8)
    }
  })

  it('is at rest on whole steps and on the road between them', () => {
    const legs = paths.of(SYN)
    const eth0 = legs[2]
    const veth = legs[3]
    if (!eth0 || !veth) throw new Error('legs')
    expect(positionAt(paths, SYN, veth.first)).toEqual(veth.at)
    const between = positionAt(paths, SYN, veth.first - 0.5)
    expect(between?.y).toBeGreaterThan(eth0.at.y)
    expect(between?.y).toBeLessThan(veth.at.y)
  })

  it('lights what was walked and leaves the rest ahead', () => {
    const legs = paths.of(SYN)
    const half = walkedBy(paths, SYN, legs[4]?.first ?? 0)
    expect(half.here).toBe('gate:node1/PREROUTING')
    expect(half.boxes.has('gate:node1/FORWARD')).toBe(false)
    expect(half.done).toHaveLength(1)
    expect(half.ahead).toHaveLength(1)
    expect(walkedBy(paths, SYN, lastStep(SYN)).ahead).toHaveLength(0)
  })

  it('says what each gate did: DNAT in PREROUTING, the route, and at last the neighbour that never answered', () => {
    const end = sceneAt(paths, SYN, lastStep(SYN))
    expect(end.did.get('gate:node1/PREROUTING')).toEqual({ text: 'nat: DNAT', brief: 'DNAT', tone: 'nat' })
    expect(end.did.get('gate:node1/routing')?.tone).toBe('pass')
    expect(end.ending).toEqual({ kind: 'drop', reason: 'NEIGH_FAILED' })
    const dnat = reader.rewritesOf(SYN).find((s) => reader.packetAt(SYN, s).dport === 8080) ?? -1
    expect(sceneAt(paths, SYN, dnat).translated).toBeUndefined()
    expect(end.translated).toMatchObject({ box: 'gate:node1/PREROUTING', change: { field: 'dst', to: '10.244.2.7:8080' } })
    expect(sceneAt(paths, SYN, dnat).changes.map((c) => `${c.from} → ${c.to}`)).toEqual(['10.96.0.10:80 → 10.244.2.7:8080'])
  })

  it('waits in the pod while ARP is under way, and goes on when the answer is there', () => {
    const asked = reader.packets.info(ARP).first
    expect(sceneAt(paths, SYN, asked).ending).toEqual({ kind: 'wait', for: '10.244.1.1' })
    expect(sceneAt(paths, ARP, asked).others.map((o) => o.packet)).toEqual([SYN])
    expect(sceneAt(paths, SYN, paths.of(SYN)[3]?.first ?? 0).ending).toBeUndefined()
  })
})
