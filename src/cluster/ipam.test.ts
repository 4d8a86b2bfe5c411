import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contains, formatPrefix, ipv4, networkOf, parsePrefix } from '../net/address.ts'
import { addressPool, gatewayOf, nodeRanges, overlap, podPool } from './ipam.ts'

const prefix = fc
  .record({ address: fc.integer({ min: 0, max: 0xffffffff }), length: fc.integer({ min: 8, max: 29 }) })
  .map(({ address, length }) => ({ address: networkOf({ address: ipv4(address), length }), length }))

describe('address management', () => {
  it('hands out every pod address of a /29 once, then none', () => {
    const p = parsePrefix('10.0.0.0/29')
    if (!p.ok) throw new Error('no prefix')
    const pool = podPool(p.value)
    expect([1, 2, 3, 4, 5, 6].map(() => pool.next())).toEqual([
      0x0a000002,
      0x0a000003,
      0x0a000004,
      0x0a000005,
      0x0a000006,
      undefined,
    ])
  })

  it('never hands out the network, the gateway, the broadcast address or one twice', () => {
    fc.assert(
      fc.property(prefix, fc.array(fc.nat(40)), (range, taken) => {
        const pool = podPool(range)
        const seen = new Set<number>(taken.map((t) => networkOf(range) + t))
        for (const t of seen) pool.take(ipv4(t))
        const size = 2 ** (32 - range.length)
        for (let i = 0; i < 50; i++) {
          const a = pool.next()
          if (a === undefined) break
          expect(
            contains(range, a) && a !== networkOf(range) && a !== gatewayOf(range) && a !== networkOf(range) + size - 1,
          ).toBe(true)
          expect(seen.has(a)).toBe(false)
          seen.add(a)
        }
      }),
    )
  })

  it('slices the cluster range without overlap, inside it, clear of what is taken', () => {
    fc.assert(
      fc.property(prefix, fc.array(prefix, { maxLength: 4 }), fc.integer({ min: 0, max: 12 }), (range, taken, count) => {
        const slices = nodeRanges(range, taken, count)
        if (slices === undefined) return
        expect(slices.length).toBe(count)
        slices.forEach((s, i) => {
          expect([formatPrefix(s), overlap(range, s) && s.length >= range.length]).toEqual([formatPrefix(s), true])
          expect([...taken, ...slices.slice(0, i)].some((t) => overlap(t, s))).toBe(false)
        })
      }),
    )
  })

  it('wraps around once, so that freed addresses are not taken again at once', () => {
    const pool = addressPool(10, 12)
    expect(pool.take(ipv4(10))).toBe(true)
    expect(pool.take(ipv4(10))).toBe(false)
    expect([pool.next(), pool.next(), pool.next()]).toEqual([11, 12, undefined])
  })
})
