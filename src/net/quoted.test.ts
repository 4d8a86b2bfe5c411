import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IP_DF, IPPROTO, Packet } from './packet.ts'
import { quoteDatagram } from './quote.ts'
import { parseQuoted, rewriteQuoted } from './quoted.ts'

const u16 = fc.integer({ min: 0, max: 0xffff })
const u32 = fc.integer({ min: 0, max: 0xffffffff })
const flow = fc.record({ src: u32, dst: u32, sport: u16, dport: u16 })

describe('the datagram inside an ICMP error', () => {
  it('is translated into exactly what the other side sent', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<number>(IPPROTO.TCP, IPPROTO.UDP),
        flow,
        flow,
        fc.uint8Array({ maxLength: 900 }),
        (protocol, a, b, payload) => {
          const base = { protocol, ipFlags: IP_DF, ttl: 3, payload }
          const sent = Object.assign(new Packet(), base, a)
          const seen = Object.assign(new Packet(), base, b)
          expect(rewriteQuoted(quoteDatagram(seen), a)).toEqual(quoteDatagram(sent))
        },
      ),
    )
  })

  it('translates the echo identifier of a ping', () => {
    const ping = (id: number) =>
      Object.assign(new Packet(), { protocol: IPPROTO.ICMP, icmpType: 8, icmpRest: (id << 16) | 1, src: 1, dst: 2 })
    expect(rewriteQuoted(quoteDatagram(ping(7)), { icmpId: 9 })).toEqual(quoteDatagram(ping(9)))
  })

  it('keeps the whole error within 576 bytes', () => {
    const big = Object.assign(new Packet(), { protocol: IPPROTO.UDP, payload: new Uint8Array(1400) })
    expect(quoteDatagram(big).length).toBe(548)
  })

  it('reads ports from the eight bytes RFC 792 asks for, and refuses fewer', () => {
    const p = Object.assign(new Packet(), { protocol: IPPROTO.TCP, src: 1, dst: 2, sport: 41522, dport: 80, seq: 5 })
    const quote = quoteDatagram(p)
    const read = parseQuoted(quote.subarray(0, 28))
    expect(read.ok && [read.value.sport, read.value.dport, read.value.seq]).toEqual([41522, 80, 5])
    expect(parseQuoted(quote.subarray(0, 27)).ok).toBe(false)
  })
})
