import { describe, expect, it } from 'vitest'
import { indexesOf } from './indexes.ts'
import { TraceReader } from './reader.ts'
import { recordServiceTrace } from './testing.ts'
import { Timeline } from './timeline.ts'
import { chunksOf, indexBuffers, TraceAssembler } from './wire.ts'

describe('indexes made beside the trace', () => {
  it('travel by transfer and say what indexes built on arrival say', () => {
    const trace = recordServiceTrace()
    const indexes = indexesOf(trace)
    const assembler = new TraceAssembler()
    for (const chunk of chunksOf(trace, indexes)) {
      const { transfer, ...message } = chunk
      assembler.add({ ...structuredClone(message, { transfer: chunk.kind === 'indexes' ? [...transfer] : [] }), transfer: [] })
    }
    expect(indexBuffers(indexes).every((b) => b.byteLength === 0)).toBe(true)
    const arrived = assembler.indexes
    expect(arrived).toEqual(indexesOf(trace))
    const here = new TraceReader(trace)
    const there = new TraceReader(trace, arrived)
    for (let h = 0; h < here.hops.length; h++) expect(there.hops.hop(h)).toEqual(here.hops.hop(h))
    for (let p = 0; p < here.packets.length; p++) {
      expect(there.packets.info(p)).toEqual(here.packets.info(p))
      expect(there.packetAt(p, here.length)).toEqual(here.packetAt(p, here.length))
    }
    const rules = new Timeline(here).at(here.length).list('rule')
    const counters = (reader: TraceReader) => rules.map((r) => new Timeline(reader).at(reader.length).cell(r.id, 'packets'))
    expect(counters(there)).toEqual(counters(here))
    expect(counters(there).some((n) => n > 0)).toBe(true)
  })
})
