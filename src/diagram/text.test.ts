import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fitText, fitWords, measureRoughly } from './text.ts'

describe('text that must fit', () => {
  it('is left alone when it does', () => {
    expect(fitText('client', 'name', 200, measureRoughly)).toBe('client')
  })

  it('is shortened in the middle, so that the end of a Kubernetes name stays', () => {
    const cut = fitText('checkout-service-7f8d9c6b5-x2x9z', 'name', 110, measureRoughly)
    expect(cut).toMatch(/^checkout.*….*x9z$/)
  })

  it('never is wider than its room', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), fc.integer({ min: 16, max: 200 }), (text, width) => {
        const cut = fitText(text, 'device', width, measureRoughly)
        expect(cut === '…' || measureRoughly(cut, 'device') <= width).toBe(true)
      }),
    )
  })
})

describe('a name and its ports', () => {
  const coredns = ['coredns', ':53', ':9153', ':8181']
  const shown = (width: number, least = 2) => fitWords(coredns, { style: 'device', width, least }, measureRoughly)

  it('loses whole ports from the end, and says that there are more', () => {
    expect(shown(400)).toBe('coredns :53 :9153 :8181')
    expect(shown(140)).toBe('coredns :53 :9153 …')
    expect(shown(100)).toBe('coredns :53 …')
    expect(shown(80, 1)).toBe('coredns …')
  })

  it('is cut in the middle only where not even the least has room', () => {
    expect(shown(60)).toMatch(/^cor.*….*53$/)
  })
})
