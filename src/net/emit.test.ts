import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { equalBytes, get16, toHex, utf8 } from '../base/bytes.ts'
import { ipv4, MAC_BROADCAST, type Mac, parseIpv4 } from './address.ts'
import { checksum } from './checksum.ts'
import { emitDatagram, emitPacket } from './emit.ts'
import { ARP_OP, ETH_P, IP_DF, IP_MF, IPPROTO, Packet, TCP } from './packet.ts'
import { parsePacket } from './parse.ts'
import { encodeTcpOptions } from './tcp-options.ts'

const ip = (text: string) => {
  const r = parseIpv4(text)
  if (!r.ok) throw new Error(text)
  return r.value
}
const packet = (fields: Partial<Packet>): Packet => Object.assign(new Packet(), fields)

const u8 = fc.integer({ min: 0, max: 0xff })
const u16 = fc.integer({ min: 0, max: 0xffff })
const u32 = fc.integer({ min: 0, max: 0xffffffff })
const mac = fc.integer({ min: 0, max: 0xffffffffffff })
const bytes = (max: number) => fc.uint8Array({ minLength: 0, maxLength: max })

const link = fc.record({ ethSrc: mac, ethDst: mac })
const ipFields = fc.record({ tos: u8, ident: u16, ttl: u8, src: u32, dst: u32, payload: bytes(200) })
const layer4 = fc.oneof(
  fc.record({
    protocol: fc.constant<number>(IPPROTO.TCP),
    ipFlags: fc.constantFrom(0, IP_DF),
    sport: u16,
    dport: u16,
    seq: u32,
    ack: u32,
    tcpFlags: u8,
    window: u16,
    options: fc.constantFrom(
      new Uint8Array(0),
      encodeTcpOptions([
        { kind: 'mss', value: 1460 },
        { kind: 'window-scale', shift: 7 },
      ]),
    ),
  }),
  fc.record({ protocol: fc.constant<number>(IPPROTO.UDP), ipFlags: fc.constantFrom(0, IP_DF), sport: u16, dport: u16 }),
  fc.record({ protocol: fc.constant<number>(IPPROTO.ICMP), icmpType: u8, icmpCode: u8, icmpRest: u32 }),
  fc.record({ protocol: u8.filter((n) => n !== 1 && n !== 6 && n !== 17), ipFlags: fc.integer({ min: 0, max: 3 }) }),
  fc.record({
    protocol: u8,
    ipFlags: fc.constantFrom(0, IP_MF),
    fragmentOffset: fc.integer({ min: 1, max: 0x1fff }).map((n) => n * 8),
  }),
  fc.record({
    protocol: fc.constant<number>(IPPROTO.UDP),
    ipFlags: fc.constant(IP_MF),
    sport: u16,
    dport: u16,
    l4Checksum: u16,
    udpLength: u16.filter((n) => n >= 8),
  }),
)
const datagram = fc.tuple(ipFields, layer4).map(([i, l]) => packet({ ...i, ...l }))
const frame = fc.oneof(
  fc.tuple(link, datagram).map(([l, d]) => Object.assign(d, { ...l, etherType: ETH_P.IP })),
  fc
    .record({ ethSrc: mac, ethDst: mac, arpOp: u16.filter((n) => n > 0), arpSha: mac, arpSpa: u32, arpTha: mac, arpTpa: u32 })
    .map((f) => packet({ ...f, etherType: ETH_P.ARP })),
  fc
    .record({
      ethSrc: mac,
      ethDst: mac,
      payload: bytes(100),
      etherType: u16.filter((n) => n !== 0x0800 && n !== 0x0806 && n > 0),
    })
    .map(packet),
)

describe('packets and their bytes', () => {
  it('reads back every frame it writes', () => {
    fc.assert(
      fc.property(frame, (p) => {
        expect(parsePacket(emitPacket(p), 'ethernet')).toEqual({ ok: true, value: p })
      }),
    )
  })

  it('reads back every datagram without a link layer', () => {
    fc.assert(
      fc.property(datagram, (p) => {
        expect(parsePacket(emitPacket(p), 'ip')).toEqual({ ok: true, value: p })
      }),
    )
  })

  it('never throws on arbitrary bytes, and what it accepts it writes back in the same length', () => {
    fc.assert(
      fc.property(bytes(120), fc.constantFrom('ethernet' as const, 'ip' as const), (b, linkType) => {
        const p = parsePacket(b, linkType)
        if (p.ok && p.value.etherType !== 0) expect(emitPacket(p.value).length).toBeLessThanOrEqual(b.length)
      }),
    )
  })

  it('drops the padding of a short Ethernet frame', () => {
    const p = packet({
      etherType: ETH_P.IP,
      protocol: IPPROTO.UDP,
      src: ip('192.0.2.1'),
      dst: ip('192.0.2.2'),
      payload: utf8('hi'),
    })
    const padded = new Uint8Array(60)
    padded.set(emitPacket(p))
    expect(parsePacket(padded, 'ethernet')).toEqual({ ok: true, value: p })
  })

  it('keeps an LLDP frame that it knows nothing about', () => {
    const p = packet({ ethDst: 0x0180c200000e, etherType: 0x88cc, payload: Uint8Array.of(2, 7, 4) })
    expect(toHex(emitPacket(p))).toBe('0180c200000e00000000000088cc020704')
  })

  it('writes an ARP request as RFC 826 has it', () => {
    const p = packet({
      ethDst: MAC_BROADCAST,
      ethSrc: 0x0a580af40105 as Mac,
      etherType: ETH_P.ARP,
      arpOp: ARP_OP.REQUEST,
      arpSha: 0x0a580af40105,
      arpSpa: ip('10.244.1.5'),
      arpTpa: ip('10.244.1.1'),
    })
    expect(toHex(emitPacket(p))).toBe(
      'ffffffffffff0a580af401050806' + '0001080006040001' + '0a580af401050af40105' + '0000000000000af40101',
    )
  })

  it('refuses a truncated datagram and says where it ends', () => {
    const p = packet({ etherType: ETH_P.IP, protocol: IPPROTO.UDP, payload: utf8('hello') })
    const cut = emitPacket(p).subarray(0, 40)
    expect(parsePacket(cut, 'ethernet')).toEqual({
      ok: false,
      error: { kind: 'parse', header: 'ipv4', at: 40, expected: '33 bytes of IPv4 datagram' },
    })
  })

  it('gives fragments that put together are the datagram', () => {
    const whole = packet({
      protocol: IPPROTO.UDP,
      src: ipv4(0xc0000201),
      dst: ipv4(0xc0000202),
      sport: 1,
      dport: 2,
      ttl: 64,
      payload: new Uint8Array(2000).fill(7),
    })
    const first = new Packet().copyFrom(whole)
    first.ipFlags = IP_MF
    first.l4Checksum = get16(emitDatagram(whole), 26)
    first.udpLength = 2008
    first.payload = whole.payload.subarray(0, 1472)
    const second = new Packet().copyFrom(whole)
    second.fragmentOffset = 1480
    second.payload = whole.payload.subarray(1472)
    const data = [...emitDatagram(first).subarray(20), ...emitDatagram(second).subarray(20)]
    expect(equalBytes(Uint8Array.from(data), emitDatagram(whole).subarray(20))).toBe(true)
  })

  it('never sends a UDP checksum of zero, which would mean none', () => {
    fc.assert(
      fc.property(u16, u16, (sport, dport) => {
        const b = emitDatagram(
          packet({
            protocol: IPPROTO.UDP,
            src: 0xffffffff,
            dst: 0xffffffff,
            sport,
            dport,
            payload: Uint8Array.of(~sport >>> 8, ~sport),
          }),
        )
        return ((b[26] ?? 0) | (b[27] ?? 0)) !== 0
      }),
    )
  })

  it('makes an IPv4 header that sums to zero', () => {
    const b = emitDatagram(
      packet({ protocol: IPPROTO.TCP, tcpFlags: TCP.SYN, src: ip('10.244.1.5'), dst: ip('10.96.0.10'), ttl: 64 }),
    )
    expect(checksum(b, 0, 20)).toBe(0)
  })
})
