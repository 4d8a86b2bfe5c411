import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { overlaps, type Rect } from './geometry.ts'
import { SpatialIndex } from './spatial.ts'

const rects: fc.Arbitrary<Rect> = fc.record({
  x: fc.integer({ min: -2000, max: 4000 }),
  y: fc.integer({ min: -2000, max: 4000 }),
  w: fc.integer({ min: 1, max: 900 }),
  h: fc.integer({ min: 1, max: 900 }),
})

describe('the index that decides what is drawn', () => {
  it('finds what a search through everything finds, in the same order', () => {
    fc.assert(
      fc.property(fc.array(rects, { maxLength: 60 }), rects, (all, view) => {
        const index = new SpatialIndex(all, (r) => r)
        expect(index.query(view)).toEqual(all.filter((r) => overlaps(r, view)))
      }),
    )
  })

  it('answers a click with what lies on top', () => {
    const index = new SpatialIndex(['machine', 'pod'], (n) =>
      n === 'pod' ? { x: 10, y: 10, w: 20, h: 20 } : { x: 0, y: 0, w: 500, h: 500 },
    )
    expect(index.at(15, 15)).toBe('pod')
    expect(index.at(300, 300)).toBe('machine')
    expect(index.at(600, 600)).toBeUndefined()
  })
})
