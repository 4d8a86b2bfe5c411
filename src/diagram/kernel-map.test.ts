import { describe, expect, it } from 'vitest'
import { playOf } from '../cluster/play.ts'
import { LIBRARY } from '../library/index.ts'
import { run } from '../sim/run.ts'
import { STEP } from '../trace/columns.ts'
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
    expect(order('INPUT')).toEqual(['mangle', 'filter', 'security', 'IPVS', 'nat', 'confirm'])
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
    expect(state.chains[0]?.final).toBe('DNAT')
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

const LINK_LAYER = ['device-in', 'device-out', 'bridge-learn', 'bridge-decide', 'bridge-nf', 'neighbour', 'arp']

describe.each(LIBRARY.map((e) => e.id))('every step of %s', (id) => {
  const document = LIBRARY.find((e) => e.id === id)?.document
  const play = document === undefined ? undefined : playOf(document)
  if (document === undefined || play?.ok !== true) throw new Error(`${id} cannot be built`)
  const played = new TraceReader(run(play.value.world, play.value.journeys, { seed: document.seed, changes: play.value.changes }))
  const view = new Timeline(played).at(-1)
  const cells = new Set(kernelChart().cells.map((c) => c.id))

  it('lights a box of the chart where the packet is', () => {
    const wrong: string[] = []
    for (let packet = 0; packet < played.packets.length; packet++) {
      for (const seq of played.packets.seqsOf(packet)) {
        const { here } = mapState(played, view, { packet, seq })
        const kind = played.kindOf(seq)
        const where = `#${packet} step ${seq} in ${here}`
        if (here === undefined || !cells.has(here)) wrong.push(`${where}: no such box`)
        // Address resolution is no work of a process, and passes no hook.
        else if (played.packets.origin(packet) === 'arp' && !LINK_LAYER.includes(here)) wrong.push(`${where}: ARP`)
        else if (kind === STEP.enter && played.trace.events.a[seq] === 0 && !here.startsWith('device-'))
          wrong.push(`${where}: on a device`)
        else if (kind === STEP.forward && here !== 'forward') wrong.push(`${where}: forwarding`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('lists the base chains of every hook that was asked, each with what it said', () => {
    const chains: string[] = []
    for (let packet = 0; packet < played.packets.length; packet++) {
      for (const c of mapState(played, view, { packet, seq: played.packets.info(packet).last }).chains)
        if (c.depth === 0 && c.outcome === '') chains.push(`#${packet} ${c.table} ${c.chain}`)
    }
    expect(chains).toEqual([])
  })
})
