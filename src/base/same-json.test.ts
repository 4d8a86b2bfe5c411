import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sameJson } from './same-json.ts'

describe('sameJson', () => {
  it('says what comparing the texts says', () => {
    const value = fc.jsonValue({ maxDepth: 4 })
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(sameJson(a, structuredClone(a))).toBe(true)
        // JSON has one zero.
        expect(sameJson(a, b)).toBe(JSON.stringify(a) === JSON.stringify(b))
        expect(sameJson([a, { b }], [structuredClone(a), { b }])).toBe(true)
      }),
    )
  })

  it('tells the order of keys apart, which records keep, and passes over what is undefined', () => {
    expect(sameJson({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(false)
    expect(sameJson({ a: 1, b: undefined }, { a: 1 })).toBe(true)
    expect(sameJson({ a: 1, b: undefined }, { a: 1, c: 1 })).toBe(false)
    expect(sameJson([], {})).toBe(false)
    expect(sameJson(null, {})).toBe(false)
  })
})
