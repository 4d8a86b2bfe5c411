import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sha512 } from './sha512.ts'

describe('SHA-512', () => {
  it('gives the digest of FIPS 180-4’s example', () => {
    expect(sha512('abc')).toBe(
      'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    )
  })

  it('is what Node’s own is, for any text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300, unit: 'grapheme' }), (text) => {
        expect(sha512(text)).toBe(createHash('sha512').update(text).digest('hex'))
      }),
      { numRuns: 60 },
    )
  })
})
