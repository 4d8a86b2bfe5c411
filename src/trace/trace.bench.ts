import { bench, describe } from 'vitest'
import { prng } from '../base/prng.ts'
import { ipv4, type Mac } from '../net/address.ts'
import { ETH_P, FIELD, IPPROTO, Packet } from '../net/packet.ts'
import { deviceId, neighbourId, netnsId, type RecordId } from '../world/ids.ts'
import type { NeighbourRecord, WorldRecord } from '../world/records.ts'
import { traceHash } from './hash.ts'
import { HopIndex } from './hops.ts'
import { PacketIndex } from './packet-index.ts'
import { TraceReader } from './reader.ts'
import { Tape } from './testing.ts'
import { Timeline } from './timeline.ts'
import type { Trace } from './trace.ts'
import { chunksOf, TraceAssembler } from './wire.ts'

const neighbour = (i: number, version: number): NeighbourRecord => ({
  kind: 'neighbour',
  id: neighbourId(`node${i % 8}`, 'eth0', `10.0.${i >> 8}.${i & 255}`),
  netns: netnsId(`node${i % 8}`),
  device: deviceId(`node${i % 8}`, 'eth0'),
  address: ipv4(i),
  mac: version as Mac,
  state: 'REACHABLE',
  probes: 0,
  queued: 0,
  origin: { component: 'kernel' },
})

/** Packets crossing eight nodes; every tenth step changes one of the records. */
function synthetic(steps: number, records: number): Trace {
  const world = new Map<RecordId, WorldRecord>()
  for (let i = 0; i < records; i++) world.set(neighbour(i, 0).id, neighbour(i, 0))
  const tape = new Tape(world)
  const random = prng(7)
  let n = 0
  while (tape.rec.last < steps) {
    const p = Object.assign(new Packet(), { etherType: ETH_P.IP, protocol: IPPROTO.UDP, ttl: 64, payload: new Uint8Array(64) })
    tape.born('node0', p, 'socket', -1)
    for (let node = 0; node < 8; node++) {
      tape.rec.now += 1000
      tape.enterStack(`node${node}`, 'in', p)
      tape.rewrite(FIELD.TTL, 64 - node, 63 - node)
      for (let k = 0; k < 3; k++) tape.step(19, k, 0)
      const i = random.below(records)
      const from = tape.rec.world.get(neighbour(i, 0).id)
      tape.rec.change({ id: neighbour(i, 0).id, from, to: neighbour(i, ++n) })
      tape.rec.cell(tape.rec.ref(neighbour(i, 0).id), 3, tape.rec.now)
      tape.depart(netnsId(`node${node + 1}`))
      tape.enterDevice(`node${node}`, 'eth0', 'out', p)
      tape.depart(netnsId(`node${node + 1}`))
    }
    tape.enterStack('node8', 'in', p)
    tape.step(3, 0, -1)
  }
  return tape.rec.seal([])
}

const trace20k = synthetic(20_000, 3000)
const trace100k = synthetic(100_000, 3000)
const timeline = new Timeline(new TraceReader(trace20k))
const random = prng(1)
const names = Array.from({ length: 20 }, (_, i) => neighbour(i * 100, 0).id)

function look(k: number): number {
  const view = timeline.at(k)
  let n = view.list('neighbour', 'netns:node3').length
  for (const id of names) n += (view.get('neighbour', id)?.mac ?? 0) + view.cell(id, 'updated')
  return n
}
look(5)
let at = 0

describe('20,000 steps over 3,000 records', () => {
  bench('random seek, one list and 20 records with a cell read', () => {
    look(random.below(20_000))
  })
  bench('single step: changes, one list and 20 records', () => {
    at = (at + 1) % 20_000
    timeline.changes(at)
    look(at)
  })
})

describe('100,000 steps', () => {
  bench('HopIndex', () => {
    new HopIndex({ trace: trace100k })
  })
  bench('PacketIndex', () => {
    new PacketIndex({ trace: trace100k })
  })
  bench('Timeline with its cells, first look', () => {
    const t = new Timeline(new TraceReader(trace100k))
    t.at(500).list('neighbour')
    t.at(500).cell(names[0] ?? '', 'updated')
  })
  bench('wire: cut and put together (without the clone)', () => {
    const assembler = new TraceAssembler()
    for (const chunk of chunksOf(trace100k)) assembler.add(chunk)
  })
  bench('traceHash', () => {
    traceHash(trace100k)
  })
})
