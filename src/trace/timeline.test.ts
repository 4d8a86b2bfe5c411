import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ipv4, type Mac } from '../net/address.ts'
import { deviceId, neighbourId, netnsId, type RecordId } from '../world/ids.ts'
import type { WorldRecord } from '../world/records.ts'
import { applyDelta, CELL_FIELDS, reverseDelta, viewOf, type World } from '../world/world.ts'
import { STEP } from './columns.ts'
import { TraceReader } from './reader.ts'
import { TraceRecorder } from './recorder.ts'
import { recordServiceTrace } from './testing.ts'
import { Timeline } from './timeline.ts'
import type { Trace } from './trace.ts'
import { chunksOf, TraceAssembler } from './wire.ts'

const NETNS = ['node1', 'node2', 'pod/client'] as const
function neighbour(i: number, version: number): WorldRecord {
  const name = NETNS[i % NETNS.length] ?? 'node1'
  return {
    kind: 'neighbour',
    id: neighbourId(name, 'eth0', `192.168.1.${i}`),
    netns: netnsId(name),
    device: deviceId(name, 'eth0'),
    address: ipv4(i),
    mac: version as Mac,
    state: 'REACHABLE',
    probes: 0,
    queued: 0,
    origin: { component: 'kernel' },
  }
}

/** A run of random additions, changes, removals and cell stores. */
const randomTrace: fc.Arbitrary<Trace> = fc
  .record({
    initial: fc.uniqueArray(fc.nat(30), { maxLength: 12 }),
    ops: fc.array(fc.tuple(fc.constantFrom('set', 'remove', 'cell', 'step'), fc.nat(30), fc.nat(11)), { maxLength: 120 }),
  })
  .map(({ initial, ops }) => {
    const world = new Map<RecordId, WorldRecord>()
    for (const i of initial) {
      const r = neighbour(i, 0)
      world.set(r.id, r)
    }
    const rec = new TraceRecorder(world)
    const at = { packet: -1, cause: -1, netns: rec.ref('netns:node1'), device: -1 }
    ops.forEach(([op, i, field], n) => {
      rec.now += 10
      if (n % 2 === 0) rec.step(STEP.timer, at, rec.text('tick'), -1)
      if (rec.last < 0) return
      const { id } = neighbour(i, 0)
      const from = rec.world.get(id)
      if (op === 'set') rec.change({ id, from, to: neighbour(i, n + 1) })
      else if (op === 'remove' && from !== undefined) rec.change({ id, from, to: undefined })
      else if (op === 'cell') rec.cell(rec.ref(id), field, n)
    })
    return rec.seal([])
  })

/** The slow way: replays everything from the start. */
function replay(trace: Trace, k: number): { world: World; cells: Map<string, number> } {
  const world = new Map(trace.initial)
  const cells = new Map<string, number>()
  trace.deltas.deltas.forEach((d, i) => {
    if ((trace.deltas.seq[i] ?? 0) <= k) applyDelta(world, d)
  })
  for (let i = 0; i < trace.cells.length; i++) {
    if ((trace.cells.seq[i] ?? 0) > k) break
    cells.set(`${trace.refs[trace.cells.ref[i] ?? 0]} ${trace.cells.field[i]}`, trace.cells.value[i] ?? 0)
  }
  return { world, cells }
}

describe('Timeline', () => {
  it('shows at any step what a replay from the start shows', () => {
    fc.assert(
      fc.property(randomTrace, fc.infiniteStream(fc.nat()), (trace, picks) => {
        const timeline = new Timeline(new TraceReader(trace))
        for (const pick of picks.take(12)) {
          const k = (pick % (timeline.length + 1)) - 1
          const slow = replay(trace, k)
          const expected = viewOf(slow.world)
          const view = timeline.at(k)
          expect(view.list('neighbour')).toEqual(expected.list('neighbour'))
          for (const name of NETNS)
            expect(view.list('neighbour', `netns:${name}`)).toEqual(expected.list('neighbour', `netns:${name}`))
          for (let i = 0; i <= 30; i++) {
            const { id } = neighbour(i, 0)
            expect(view.get('neighbour', id)).toBe(expected.get('neighbour', id))
            CELL_FIELDS.forEach((field, f) => {
              expect(view.cell(id, field)).toBe(slow.cells.get(`${id} ${f}`) ?? 0)
            })
          }
        }
      }),
      { numRuns: 25 },
    )
  })

  it('comes back to the initial world when the deltas are undone from the end', () => {
    fc.assert(
      fc.property(randomTrace, (trace) => {
        const world = new Map(replay(trace, Number.POSITIVE_INFINITY).world)
        for (const delta of [...trace.deltas.deltas].reverse()) applyDelta(world, reverseDelta(delta))
        expect(new Map([...world].sort())).toEqual(new Map([...trace.initial].sort()))
      }),
      { numRuns: 60 },
    )
  })

  it('keeps lists and records identical where nothing changed', () => {
    const timeline = new Timeline(new TraceReader(recordServiceTrace()))
    for (let k = 0; k < timeline.length; k++) {
      const before = timeline.at(k - 1)
      const after = timeline.at(k)
      const changed = timeline.changes(k).deltas.length > 0
      for (const kind of ['neighbour', 'conntrack', 'route', 'rule'] as const) {
        if (!changed) expect(after.list(kind)).toBe(before.list(kind))
      }
      expect(after.list('device', 'netns:node1')).toBe(before.list('device', 'netns:node1'))
    }
  })

  it('counts hits of rules and policies and the traffic of devices from the rows themselves', () => {
    const timeline = new Timeline(new TraceReader(recordServiceTrace()))
    const end = timeline.at(timeline.length - 1)
    const rule = 'rule:node1/nat/KUBE-SERVICES/2'
    expect([end.cell(rule, 'packets'), end.cell(rule, 'bytes')]).toEqual([1, 60])
    expect(timeline.at(0).cell(rule, 'packets')).toBe(0)
    expect(end.cell('chain:node1/nat/POSTROUTING', 'packets')).toBe(1)
    expect([end.cell('dev:pod/client/eth0', 'txPackets'), end.cell('dev:pod/client/eth0', 'txBytes')]).toEqual([2, 42 + 54])
    expect(end.cell('dev:pod/client/eth0', 'rxPackets')).toBe(2)
    const hit = timeline.history(rule)[0] ?? -1
    expect(timeline.changes(hit).cells).toEqual([
      { id: rule, field: 'packets', from: 0, to: 1 },
      { id: rule, field: 'bytes', from: 0, to: 60 },
    ])
  })

  it('knows which step made an entry', () => {
    const reader = new TraceReader(recordServiceTrace())
    const timeline = new Timeline(reader)
    const made = timeline.madeBy('ct:node1/1', reader.length - 1) ?? -1
    expect(reader.step(made)).toMatchObject({ kind: 'ct.change', change: 'new' })
    expect(timeline.madeBy('ct:node1/1', made - 1)).toBeUndefined()
    expect(timeline.madeBy('netns:node1', reader.length - 1)).toBeUndefined()
    expect(timeline.history('ct:node1/1').length).toBe(3)
  })
})

describe('the wire', () => {
  it('brings a trace across the worker border as it was, record for record', () => {
    fc.assert(
      fc.property(randomTrace, (trace) => {
        expect(overTheWire(trace)).toEqual(trace)
      }),
      { numRuns: 30 },
    )
    const trace = recordServiceTrace()
    const copy = overTheWire(trace)
    expect(copy).toEqual(trace)
    const world = new Map(copy?.initial)
    for (const delta of copy?.deltas.deltas ?? []) {
      expect(world.get(delta.id)).toBe(delta.from)
      applyDelta(world, delta)
    }
  })
})

/** Clones each message as postMessage does; the buffers are copied so that the original can be compared. */
function overTheWire(trace: Trace): Trace | undefined {
  const assembler = new TraceAssembler()
  let out: Trace | undefined
  for (const chunk of chunksOf(trace)) out = assembler.add(structuredClone(chunk))
  return out
}
