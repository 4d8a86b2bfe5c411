import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { noteId, type RecordId } from './ids.ts'
import { OverlayWorld, recordsOf } from './overlay.ts'
import type { WorldRecord } from './records.ts'

const note = (n: number, what: string): WorldRecord => ({
  kind: 'note',
  id: noteId('x', n),
  what,
  origin: { component: 'user' },
})

describe('a world over another one', () => {
  it('is what a copy would be, whatever is done to it, and leaves the other one alone', () => {
    const operation = fc.record({ n: fc.integer({ min: 0, max: 8 }), what: fc.option(fc.string({ maxLength: 3 })) })
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
        const base = new Map<RecordId, WorldRecord>([1, 3, 5, 7].map((n) => [noteId('x', n), note(n, 'base')]))
        const before = [...base]
        const copy = new Map(base)
        const overlay = new OverlayWorld(base)
        for (const { n, what } of operations) {
          const id = noteId('x', n)
          if (what === null) expect(overlay.delete(id)).toBe(copy.delete(id))
          else {
            const record = note(n, what)
            copy.set(id, record)
            overlay.set(id, record)
          }
          expect(overlay.get(id)).toBe(copy.get(id))
          expect(overlay.has(id)).toBe(copy.has(id))
          expect(overlay.size).toBe(copy.size)
        }
        expect([...overlay]).toEqual([...copy])
        expect([...overlay.values()]).toEqual([...copy.values()])
        expect([...overlay.keys()]).toEqual([...copy.keys()])
        expect(recordsOf(overlay, 'note')).toEqual([...copy.values()])
        expect(recordsOf(copy, 'note')).toEqual([...copy.values()])
        expect(recordsOf(overlay, 'route')).toEqual([])
        expect([...base]).toEqual(before)
      }),
    )
  })
})
