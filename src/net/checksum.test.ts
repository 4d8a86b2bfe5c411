import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { set16, set32 } from '../base/bytes.ts'
import { addBytes, checksum, fold, updateChecksum16, updateChecksum32 } from './checksum.ts'

describe('the Internet checksum', () => {
  it('sums the example of RFC 1071 section 3', () => {
    expect(fold(addBytes(0, Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7)))).toBe(0xddf2)
  })

  it('updates as RFC 1624 section 4 shows, where RFC 1141 fails', () => {
    expect(updateChecksum16(0xdd2f, 0x5555, 0x3285)).toBe(0x0000)
  })

  it('updates to what computing anew gives', () => {
    const header = fc.uint8Array({ minLength: 20, maxLength: 20 }).filter((b) => b.some((x) => x !== 0))
    fc.assert(
      fc.property(header, fc.integer({ min: 1, max: 0xffffffff }), fc.integer({ min: 0, max: 0xffff }), (b, address, word) => {
        const before = checksum(b)
        const old = new DataView(b.buffer, b.byteOffset)
        const viaAddress = updateChecksum32(before, old.getUint32(12), address)
        set32(b, 12, address)
        expect(viaAddress).toBe(checksum(b))
        const viaWord = updateChecksum16(viaAddress, old.getUint16(4), word)
        set16(b, 4, word)
        expect(viaWord).toBe(checksum(b))
      }),
    )
  })
})
