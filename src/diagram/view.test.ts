import { describe, expect, it } from 'vitest'
import { clampView, fitView } from './view.ts'

describe('the view of everything', () => {
  const bounds = { x: 0, y: 0, w: 800, h: 440 }

  it('stands in the middle of its room', () => {
    const v = fitView(bounds, { width: 1000, height: 600 })
    expect(v.k).toBe(1.15)
    expect(v.x).toBeCloseTo(1000 - (v.x + 800 * v.k))
    expect(v.y).toBeCloseTo(600 - (v.y + 440 * v.k))
  })

  it('takes the whole height where it must', () => {
    const v = fitView(bounds, { width: 1000, height: 363 })
    expect(v.k).toBeCloseTo(363 / 440)
    expect(v.y).toBeCloseTo(0)
  })
})

describe('the view around a packet', () => {
  const bounds = { x: 0, y: 0, w: 800, h: 440 }

  it('does not look past the edge of a drawing that is larger than its room', () => {
    expect(clampView({ x: 150, y: 0, k: 1 }, bounds, { width: 390, height: 600 }).x).toBe(12)
    expect(clampView({ x: -700, y: 0, k: 1 }, bounds, { width: 390, height: 600 }).x).toBe(390 - 12 - 800)
    expect(clampView({ x: -200, y: 0, k: 1 }, bounds, { width: 390, height: 600 }).x).toBe(-200)
  })

  it('centres what is smaller than the room', () => {
    expect(clampView({ x: -200, y: -90, k: 1 }, bounds, { width: 390, height: 600 }).y).toBe(80)
  })
})
