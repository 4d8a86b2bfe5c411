import { describe, expect, it } from 'vitest'
import { fitView } from './view.ts'

describe('the view of everything', () => {
  const bounds = { x: 0, y: 0, w: 800, h: 440 }

  it('leaves the buttons at the lower edge their room where the drawing keeps its full size', () => {
    const v = fitView(bounds, { width: 1000, height: 500 })
    expect(v.k).toBeGreaterThanOrEqual(1)
    expect(v.y + bounds.h * v.k).toBeLessThanOrEqual(456)
  })

  it('takes the whole height where it must', () => {
    const v = fitView(bounds, { width: 1000, height: 363 })
    expect(v.k).toBeCloseTo(363 / 440)
    expect(v.y).toBeCloseTo(0)
  })
})
