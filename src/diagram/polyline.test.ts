import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pathData, pointAt, roundCorners, simplify, track } from './polyline.ts'

const bend = [
  { x: 0, y: 0 },
  { x: 100, y: 0 },
  { x: 100, y: 50 },
]

describe('a road', () => {
  it('loses points that say nothing and keeps a turn on the spot', () => {
    expect(
      simplify([
        { x: 0, y: 0 },
        { x: 5, y: 0 },
        { x: 5, y: 0 },
        { x: 9, y: 0 },
      ]),
    ).toEqual([
      { x: 0, y: 0 },
      { x: 9, y: 0 },
    ])
    expect(
      simplify([
        { x: 0, y: 0 },
        { x: 9, y: 0 },
        { x: 4, y: 0 },
      ]),
    ).toHaveLength(3)
  })

  it('rounds a corner without leaving the way by more than its radius', () => {
    for (const p of roundCorners(bend, 8)) {
      const off = Math.min(
        Math.hypot(Math.max(0, p.x - 100), p.y),
        Math.hypot(p.x - 100, Math.max(0, -p.y)),
        Math.hypot(p.x - 100, p.y),
      )
      expect(off <= 8 || p.y === 0 || p.x === 100).toBe(true)
    }
    expect(roundCorners(bend)[0]).toEqual(bend[0])
    expect(roundCorners(bend).at(-1)).toEqual(bend[2])
  })

  it('is walked at even pace: the point at distance s is s away along the line', () => {
    const t = track(bend)
    expect(t.length).toBe(150)
    expect(pointAt(t, 100)).toEqual({ x: 100, y: 0 })
    expect(pointAt(t, 125)).toEqual({ x: 100, y: 25 })
    fc.assert(
      fc.property(fc.double({ min: 0, max: 150, noNaN: true }), (s) => {
        const p = pointAt(t, s)
        expect(p.x + p.y).toBeCloseTo(s, 6)
      }),
    )
  })

  it('stops at its ends and is nothing without points', () => {
    const t = track(bend)
    expect(pointAt(t, -5)).toEqual(bend[0])
    expect(pointAt(t, 1e9)).toEqual(bend[2])
    expect(pointAt(track([]), 3)).toEqual({ x: 0, y: 0 })
    expect(pathData([{ x: 1, y: 2 }])).toBe('')
    expect(pathData(bend)).toBe('M0 0L100 0L100 50')
  })
})
