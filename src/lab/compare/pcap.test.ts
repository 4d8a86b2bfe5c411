import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePcap } from './pcap.ts'

/** A classic pcap file, as tcpdump writes one on a machine of either byte order. */
function pcapFile(frames: readonly Uint8Array[], o: { little: boolean; nano: boolean; linkType?: number }): Uint8Array {
  const out = new Uint8Array(24 + frames.reduce((n, f) => n + 16 + f.length, 0))
  const view = new DataView(out.buffer)
  view.setUint32(0, o.nano ? 0xa1b23c4d : 0xa1b2c3d4, o.little)
  view.setUint32(20, o.linkType ?? 1, o.little)
  let at = 24
  frames.forEach((f, i) => {
    view.setUint32(at, 1_700_000_000, o.little)
    view.setUint32(at + 4, i, o.little)
    view.setUint32(at + 8, f.length, o.little)
    view.setUint32(at + 12, f.length + 4, o.little)
    out.set(f, at + 16)
    at += 16 + f.length
  })
  return out
}

describe('reading captures', () => {
  const frames = fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 6 })

  it('gives back the frames of a file, whatever its byte order and unit of time', () => {
    fc.assert(
      fc.property(frames, fc.boolean(), fc.boolean(), (list, little, nano) => {
        const parsed = parsePcap(pcapFile(list, { little, nano }))
        expect(parsed.ok && parsed.value.map((f) => [...f.bytes])).toEqual(list.map((f) => [...f]))
        expect(parsed.ok && parsed.value.every((f) => f.length === f.bytes.length + 4)).toBe(true)
      }),
    )
  })

  it('leaves out what the end of the file cuts, and never throws', () => {
    fc.assert(
      fc.property(frames, fc.nat(), (list, cut) => {
        const file = pcapFile(list, { little: true, nano: true })
        const parsed = parsePcap(file.subarray(0, cut % (file.length + 1)))
        if (parsed.ok) expect(parsed.value.length).toBeLessThanOrEqual(list.length)
      }),
    )
  })

  it('says what is wrong with anything else', () => {
    expect(parsePcap(new Uint8Array(3))).toMatchObject({ ok: false, error: { message: '3 bytes are no pcap file' } })
    const cooked = pcapFile([], { little: true, nano: false, linkType: 276 })
    expect(parsePcap(cooked)).toMatchObject({ ok: false, error: { message: 'link type 276; expected 1, Ethernet' } })
  })
})
