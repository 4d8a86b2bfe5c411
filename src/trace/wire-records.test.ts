import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { WorldRecord } from '../world/records.ts'
import { changed, changeOf } from './wire-records.ts'

const record = (fields: object) => ({ kind: 'process', id: 'proc:pod/a/7', ...fields }) as unknown as WorldRecord
const there = (from: WorldRecord | undefined, to: WorldRecord | undefined) => changed(from, structuredClone(changeOf(from, to)))

describe('a record on its way from the worker', () => {
  it('sends only what a command printed since, however much it had printed before', () => {
    const printed = '64 bytes from 192.0.2.2: icmp_seq=1 ttl=62 time=0.1 ms\n'.repeat(50)
    const from = record({ output: printed, state: 'running' })
    const to = record({ output: `${printed}one more line\n`, state: 'running' })
    expect(changeOf(from, to)).toEqual({ kind: 'fields', fields: {}, tails: { output: 'one more line\n' } })
    expect(there(from, to)).toEqual(to)
  })

  it('keeps what did not change the very same object', () => {
    const argv = ['ping', '192.0.2.2']
    const from = record({ argv, state: 'running' })
    const to = { ...from, state: 'exited' } as WorldRecord
    expect((there(from, to) as { argv?: unknown } | undefined)?.argv).toBe(argv)
  })

  it('arrives byte for byte, with fields in their order, whatever was added or taken away', () => {
    const fields = fc.dictionary(fc.constantFrom('state', 'output', 'exitCode', 'argv'), fc.oneof(fc.string(), fc.integer()))
    fc.assert(
      fc.property(fields, fields, (a, b) => {
        expect(JSON.stringify(there(record(a), record(b)))).toBe(JSON.stringify(record(b)))
      }),
    )
  })

  it('knows births and ends', () => {
    expect(there(undefined, record({}))).toEqual(record({}))
    expect(there(record({}), undefined)).toBeUndefined()
  })
})
