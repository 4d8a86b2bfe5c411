import { describe, expect, it } from 'vitest'
import { TraceReader } from '../trace/reader.ts'
import { recordServiceTrace } from '../trace/testing.ts'
import { Timeline } from '../trace/timeline.ts'
import { overlaps, within } from './geometry.ts'
import { kernelChart } from './kernel-map.ts'
import { mapState } from './map-state.ts'

const reader = new TraceReader(recordServiceTrace())
const timeline = new Timeline(reader)
const at = (seq: number, packet = 0) => mapState(reader, timeline.at(seq), { packet, seq })

describe('the packet-flow chart', () => {
  it('has no cell on another, and every cell inside its column and the chart', () => {
    const chart = kernelChart()
    for (const [i, a] of chart.cells.entries()) {
      expect(within(a.rect, chart.bounds)).toBe(true)
      const column = chart.columns.find((c) => c.hook === a.hook)
      if (column) expect(within(a.rect, column.rect)).toBe(true)
      for (const b of chart.cells.slice(i + 1)) expect(overlaps(a.rect, b.rect), `${a.id} ${b.id}`).toBe(false)
    }
  })

  it('lists what is registered at a hook by priority, upwards in INPUT', () => {
    const order = (hook: string) =>
      kernelChart()
        .cells.filter((c) => c.hook === hook)
        .sort((a, b) => (hook === 'INPUT' ? b.rect.y - a.rect.y : a.rect.y - b.rect.y))
        .map((c) => c.label)
    expect(order('PREROUTING')).toEqual(['defrag', 'raw', 'conntrack', 'mangle', 'nat'])
    expect(order('INPUT')).toEqual(['mangle', 'filter', 'security', 'nat', 'confirm'])
    expect(order('POSTROUTING')).toEqual(['mangle', 'nat', 'confirm'])
  })
})

describe('the chart of the namespace that a packet is in', () => {
  const dnat = reader.rewritesOf(0).find((s) => reader.packetAt(0, s).dport === 8080) ?? -1

  it('stands at nat PREROUTING when the destination is rewritten, with the chains that led there', () => {
    const state = at(dnat)
    expect(state.netns).toBe('netns:node1')
    expect(state.here).toBe('PREROUTING/nat')
    expect(state.cells.get('PREROUTING/nat')?.verdict).toBe('nat')
    expect(state.chains.map((c) => [c.depth, c.chain, c.tried])).toEqual([
      [0, 'PREROUTING', 1],
      [1, 'KUBE-SERVICES', 2],
      [2, 'KUBE-SVC-LOLE4ISW44XBNF3G', 1],
      [3, 'KUBE-SEP-2QBYXQ6CVXKYL3WD', 1],
    ])
    expect(state.chains.at(-1)?.outcome).toBe('DNAT')
  })

  it('knows which tables exist: this node has no filter table', () => {
    const { registered } = at(dnat)
    expect(registered.has('PREROUTING/nat')).toBe(true)
    expect(registered.has('PREROUTING/conntrack')).toBe(true)
    expect(registered.has('FORWARD/filter')).toBe(false)
  })

  it('forgets nothing on the way through a namespace, and begins anew in the next', () => {
    const waiting = at(reader.packets.info(0).last - 1)
    expect(waiting.here).toBe('neighbour')
    for (const id of ['PREROUTING/nat', 'routing', 'forward', 'POSTROUTING/nat']) expect(waiting.cells.has(id), id).toBe(true)
    const inPod = at(3)
    expect(inPod.netns).toBe('netns:pod/client')
    expect(inPod.here).toBe('routing-out')
    expect(inPod.cells.has('PREROUTING/nat')).toBe(false)
  })

  it('says nothing before the first packet', () => {
    expect(mapState(reader, timeline.at(-1), { packet: -1, seq: -1 }).netns).toBeUndefined()
  })
})
