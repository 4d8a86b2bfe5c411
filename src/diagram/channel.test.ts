import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assignTracks } from './channel.ts'
import { placePorts } from './switch-block.ts'

describe('cables in a channel', () => {
  it('share a height only where they are clear of each other', () => {
    const stretch = fc.record({ from: fc.integer({ min: 0, max: 900 }), to: fc.integer({ min: 0, max: 900 }) })
    fc.assert(
      fc.property(fc.array(stretch, { maxLength: 30 }), (all) => {
        const { tracks, count } = assignTracks(all, 8)
        for (const [i, a] of all.entries()) {
          if (a.from === a.to) expect(tracks[i]).toBe(-1)
          else expect(tracks[i]).toBeLessThan(count)
          for (const [j, b] of all.entries()) {
            if (i >= j || tracks[i] !== tracks[j] || tracks[i] === -1) continue
            const apart =
              Math.max(a.from, a.to) + 8 <= Math.min(b.from, b.to) || Math.max(b.from, b.to) + 8 <= Math.min(a.from, a.to)
            expect(apart).toBe(true)
          }
        }
      }),
    )
  })
})

describe('the ports of a switch', () => {
  it('stand where their cables come in, moved aside only as far as the neighbour needs', () => {
    const x = placePorts(
      [
        { wish: 300, w: 100 },
        { wish: 320, w: 100 },
        { wish: 900, w: 100 },
      ],
      0,
    )
    expect((x[0] ?? 0) + 100).toBeLessThanOrEqual(x[1] ?? 0)
    expect((x[1] ?? 0) + 100).toBeLessThanOrEqual(x[2] ?? 0)
    expect(x[2]).toBeGreaterThan(800)
  })
})
