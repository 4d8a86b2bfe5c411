import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { set16, set48 } from '../base/bytes.ts'
import type { Result } from '../base/result.ts'
import { type Ipv4, MAC_ZERO, type Mac } from './address.ts'
import { emitArp, parseArp, summarizeArp } from './arp.ts'
import { checksum } from './checksum.ts'
import { emitEthernet, parseEthernet, summarizeEthernet } from './ethernet.ts'
import { emitIcmp, parseIcmp, summarizeIcmp } from './icmp.ts'
import { emitIpv4, type Ipv4Header, parseIpv4Header, summarizeIpv4 } from './ipv4.ts'
import type { ParseError } from './parse-error.ts'
import { emitTcp, parseTcp, summarizeTcp } from './tcp.ts'
import { emitUdp, parseUdp, summarizeUdp } from './udp.ts'

const u8 = fc.integer({ min: 0, max: 0xff })
const u16 = fc.integer({ min: 0, max: 0xffff })
const u32 = fc.integer({ min: 0, max: 0xffffffff })
const mac = fc.integer({ min: 0, max: 0xffffffffffff }).map((n) => n as Mac)
const address = u32.map((n) => n as Ipv4)

/** Round trip at an offset, and no header out of too few bytes. */
function roundTrip<H>(
  header: fc.Arbitrary<H>,
  length: (h: H) => number,
  codec: { emit: (h: H, out: Uint8Array, at: number) => void; parse: (b: Uint8Array, at: number) => Result<H, ParseError> },
): void {
  fc.assert(
    fc.property(header, fc.integer({ min: 0, max: 20 }), (h, at) => {
      const bytes = new Uint8Array(at + length(h))
      codec.emit(h, bytes, at)
      expect(codec.parse(bytes, at)).toEqual({ ok: true, value: h })
      expect(codec.parse(bytes.subarray(0, bytes.length - 1), at).ok).toBe(false)
    }),
  )
}

describe('headers read back as they were written', () => {
  it('Ethernet', () => {
    roundTrip(fc.record({ dst: mac, src: mac, etherType: u16 }), () => 14, { emit: emitEthernet, parse: parseEthernet })
  })
  it('ARP', () => {
    const header = fc.record({ op: u16, sha: mac, spa: address, tha: mac, tpa: address })
    roundTrip(header, () => 28, { emit: emitArp, parse: parseArp })
  })
  it('UDP', () => {
    const header = fc.record({ sport: u16, dport: u16, length: u16.filter((n) => n >= 8), checksum: u16 })
    roundTrip(header, () => 8, { emit: emitUdp, parse: parseUdp })
  })
  it('ICMP', () => {
    const header = fc.record({ type: u8, code: u8, checksum: u16, rest: u32 })
    roundTrip(header, () => 8, { emit: emitIcmp, parse: parseIcmp })
  })
  it('TCP, options room included', () => {
    const headerLength = fc.integer({ min: 5, max: 15 }).map((n) => n * 4)
    const header = fc.record({ sport: u16, dport: u16, seq: u32, ack: u32, headerLength, flags: u8, window: u16, checksum: u16 })
    roundTrip(header, (h) => h.headerLength, { emit: emitTcp, parse: parseTcp })
  })
  it('IPv4, with a checksum that holds', () => {
    const header: fc.Arbitrary<Omit<Ipv4Header, 'checksum'>> = fc.record({
      headerLength: fc.integer({ min: 5, max: 15 }).map((n) => n * 4),
      tos: u8,
      totalLength: u16.filter((n) => n >= 60),
      ident: u16,
      flags: fc.integer({ min: 0, max: 3 }),
      fragmentOffset: fc.integer({ min: 0, max: 0x1fff }).map((n) => n * 8),
      ttl: u8,
      protocol: u8,
      src: address,
      dst: address,
    })
    fc.assert(
      fc.property(header, (h) => {
        const bytes = new Uint8Array(h.headerLength)
        emitIpv4(h, bytes)
        expect(checksum(bytes)).toBe(0)
        const read = parseIpv4Header(bytes)
        expect(read).toEqual({ ok: true, value: { ...h, checksum: expect.any(Number) } })
      }),
    )
  })
})

describe('what a header is called', () => {
  const src = 0x0af40105 as Ipv4
  const dst = 0x0a60000a as Ipv4
  it('is what tcpdump would say', () => {
    expect(summarizeEthernet({ src: 0x0a580af40105 as Mac, dst: MAC_ZERO, etherType: 0x0800 })).toBe(
      '0a:58:0a:f4:01:05 > 00:00:00:00:00:00 ethertype 0x0800',
    )
    expect(summarizeArp({ op: 1, sha: MAC_ZERO, spa: src, tha: MAC_ZERO, tpa: src })).toBe('ARP announcement 10.244.1.5')
    expect(summarizeUdp({ sport: 5000, dport: 53, length: 20, checksum: 0 })).toBe('UDP 5000 > 53 len 12')
    expect(summarizeIcmp({ type: 11, code: 0, rest: 0 })).toBe('ICMP time exceeded in-transit')
    const tcp = { sport: 80, dport: 41522, seq: 0, ack: 0, headerLength: 20, flags: 0x12, window: 0, checksum: 0 }
    expect(summarizeTcp(tcp)).toBe('TCP 80 > 41522 SYN ACK')
    const ip = { headerLength: 20, tos: 0, totalLength: 1020, ident: 0, flags: 1, ttl: 64, protocol: 132, checksum: 0, src, dst }
    expect(summarizeIpv4({ ...ip, fragmentOffset: 0 })).toBe('IP 10.244.1.5 > 10.96.0.10 SCTP fragment offset 0 len 1000')
  })
})

describe('bytes in network order', () => {
  it('keeps to its width', () => {
    const out = new Uint8Array(8)
    set48(out, 0, 0x0a580af40105)
    set16(out, 6, 0x1f90)
    expect([...out]).toEqual([0x0a, 0x58, 0x0a, 0xf4, 0x01, 0x05, 0x1f, 0x90])
  })
})
