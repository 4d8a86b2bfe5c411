import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { emitIpv6, formatIpv6, type Ipv6, parseIpv6Header, summarizeIpv6 } from './ipv6.ts'
import { parseIpv6 } from './ipv6-text.ts'

const address = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map((n) => n as Ipv6)

describe('IPv6', () => {
  it('writes addresses as RFC 5952 recommends', () => {
    for (const [text, canonical] of [
      ['2001:0DB8::0001', '2001:db8::1'],
      ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
      ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
      ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
      ['0:0:0:0:0:0:0:0', '::'],
      ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ] as const) {
      const parsed = parseIpv6(text)
      expect(parsed.ok && formatIpv6(parsed.value)).toBe(canonical)
    }
  })

  it('reads back every address it writes', () => {
    fc.assert(
      fc.property(address, (a) => {
        expect(parseIpv6(formatIpv6(a))).toEqual({ ok: true, value: a })
      }),
    )
  })

  it('refuses what is no address', () => {
    for (const text of ['', '::g', '1::2::3', '12345::', 'fe80::1%eth0', ' ::1', '1:2:3', '2001:db8::/32']) {
      expect(parseIpv6(text).ok, text).toBe(false)
    }
  })

  it('reads back every header it writes', () => {
    const byte = fc.integer({ min: 0, max: 255 })
    const header = fc.record({
      trafficClass: byte,
      flowLabel: fc.integer({ min: 0, max: 0xfffff }),
      payloadLength: fc.integer({ min: 0, max: 0xffff }),
      nextHeader: byte,
      hopLimit: byte,
      src: address,
      dst: address,
    })
    fc.assert(
      fc.property(header, (h) => {
        const bytes = new Uint8Array(40)
        emitIpv6(h, bytes)
        expect(parseIpv6Header(bytes)).toEqual({ ok: true, value: h })
      }),
    )
  })

  it('names its protocol and length in one line', () => {
    const [src, dst] = ['2001:db8::1', '2001:db8::2'].map((t) => parseIpv6(t))
    if (!src?.ok || !dst?.ok) throw new Error('documentation addresses')
    const h = { trafficClass: 0, flowLabel: 0, payloadLength: 20, nextHeader: 6, hopLimit: 64, src: src.value, dst: dst.value }
    expect(summarizeIpv6(h)).toBe('IP6 2001:db8::1 > 2001:db8::2 TCP len 20')
  })
})
