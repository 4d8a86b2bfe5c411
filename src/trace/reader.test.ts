import { describe, expect, it } from 'vitest'
import { TCP } from '../net/packet.ts'
import { applyPayloadEdit, payloadEdit } from './payload.ts'
import { TraceReader } from './reader.ts'
import { ip, recordServiceTrace } from './testing.ts'

const reader = new TraceReader(recordServiceTrace())
const steps = Array.from({ length: reader.length }, (_, i) => reader.event(i))

describe('TraceReader', () => {
  it('decodes the walk that picks an endpoint, with the chains that it jumps to', () => {
    const rules = steps.flatMap((e) => (e.step.kind === 'rule' ? [e.step] : []))
    expect(rules.map((r) => `${r.rule} ${r.tried} ${r.verdict} ${r.target ?? ''}`.trim())).toEqual([
      'rule:node1/nat/PREROUTING/1 1 jump chain:node1/nat/KUBE-SERVICES',
      'rule:node1/nat/KUBE-SERVICES/2 2 jump chain:node1/nat/KUBE-SVC-LOLE4ISW44XBNF3G',
      'rule:node1/nat/KUBE-SVC-LOLE4ISW44XBNF3G/1 1 jump chain:node1/nat/KUBE-SEP-2QBYXQ6CVXKYL3WD',
      'rule:node1/nat/KUBE-SEP-2QBYXQ6CVXKYL3WD/1 1 nat',
    ])
  })

  it('takes the next hop of a route from the route itself', () => {
    const routes = steps.flatMap((e) => (e.step.kind === 'route' ? [e.step] : []))
    expect(routes).toEqual([
      {
        kind: 'route',
        purpose: 'output',
        result: 'forward',
        route: 'route:pod/client/main/1',
        address: ip('10.96.0.10'),
        via: ip('10.244.1.1'),
        outDevice: 'dev:pod/client/eth0',
      },
      {
        kind: 'route',
        purpose: 'input',
        result: 'forward',
        route: 'route:node1/main/1',
        address: ip('10.244.2.7'),
        via: ip('192.168.1.12'),
        outDevice: 'dev:node1/eth0',
      },
    ])
  })

  it('gives the fields of a packet as they were at a step', () => {
    const dnat = steps.find((e) => e.step.kind === 'rewrite' && e.step.field === 'ip.dst')
    const seq = dnat?.seq ?? -1
    const before = reader.packetAt(0, seq - 1)
    const after = reader.packetAt(0, seq)
    expect([before.dst, before.dport, after.dst, after.dport]).toEqual([ip('10.96.0.10'), 80, ip('10.244.2.7'), 80])
    expect(reader.packetAt(0, seq + 1).dport).toBe(8080)
    expect(reader.packetAt(0, reader.length)).toMatchObject({ ethDst: 0x0a580af40101, ttl: 63, tcpFlags: TCP.SYN })
  })

  it('gives the same object for the same state, so that a view of a packet does not redraw', () => {
    expect(reader.packetAt(1, 3)).toBe(reader.packetAt(1, reader.length))
  })

  it('knows families, origins and journeys of packets', () => {
    expect(reader.packets.info(2)).toMatchObject({ origin: 'arp', parent: 1, journey: 0 })
    expect(reader.packets.info(3)).toMatchObject({ origin: 'icmp', parent: 0, journey: 0 })
    expect(reader.packets.children(0)).toEqual([3])
  })

  it('does a payload rewrite again from its detail', () => {
    const before = Uint8Array.of(1, 2, 3, 4, 5)
    const after = Uint8Array.of(1, 9, 8, 4, 7)
    expect(payloadEdit(before, after)).toBe('1:0203>0908 4:05>07')
    expect(applyPayloadEdit(before, payloadEdit(before, after))).toEqual(after)
  })
})

describe('HopIndex', () => {
  const hops = Array.from({ length: reader.hops.length }, (_, i) => reader.hops.hop(i))
  const place = (i: number) => {
    const h = hops[i]
    return `#${h?.packet} ${h?.netns.slice(6)} ${h?.device?.split('/').at(-1) ?? 'stack'} ${h?.end}`
  }

  it('finds every place of every packet and how each hop ended', () => {
    expect(hops.map((_, i) => place(i))).toEqual([
      '#0 pod/client stack wait',
      '#1 pod/client eth0 depart',
      '#1 node1 veth1a2b deliver',
      '#2 node1 veth1a2b depart',
      '#2 pod/client eth0 deliver',
      '#0 pod/client stack depart',
      '#0 pod/client eth0 depart',
      '#0 node1 veth1a2b depart',
      '#0 node1 stack wait',
      '#0 node1 stack drop',
      '#3 node1 stack depart',
      '#3 node1 veth1a2b depart',
      '#3 pod/client eth0 depart',
      '#3 pod/client stack deliver',
    ])
  })

  it('marks the hop in which a packet goes on after its neighbour answered', () => {
    expect(hops.filter((h) => h.resumed).map((h) => h.index)).toEqual([5, 9])
  })

  it('gives every step of a packet exactly one hop', () => {
    for (const e of steps) {
      const hop = reader.hops.hopOf(e.seq)
      if (e.packet < 0) expect(hop).toBe(-1)
      else expect(hops[hop]?.packet).toBe(e.packet)
      if (hop >= 0) expect(reader.hops.stepsOf(hop)).toContain(e.seq)
    }
  })

  it('steps to the next and the previous hop from anywhere', () => {
    expect(reader.hops.next(-1)).toBe(0)
    expect(reader.hops.next(hops[3]?.first ?? 0)).toBe(4)
    expect(reader.hops.previous(hops[3]?.first ?? 0)).toBe(2)
    expect(reader.hops.next(reader.length)).toBe(-1)
    expect([...reader.hops.hopsOf(2)]).toEqual([3, 4])
  })
})
