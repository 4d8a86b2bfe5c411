import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8 } from '../base/bytes.ts'
import { parseIpv4 } from './address.ts'
import { dissect } from './dissect.ts'
import { emitPacket } from './emit.ts'
import type { Layer } from './layer.ts'
import { ETH_P, ICMP, IP_DF, IPPROTO, Packet, TCP } from './packet.ts'
import { quoteDatagram } from './quote.ts'
import { encodeTcpOptions } from './tcp-options.ts'

const ip = (text: string) => {
  const r = parseIpv4(text)
  if (!r.ok) throw new Error(text)
  return r.value
}
const packet = (fields: Partial<Packet>): Packet => Object.assign(new Packet(), { etherType: ETH_P.IP, ttl: 64, ...fields })
const request = packet({
  ethSrc: 0x0a580af40105,
  ethDst: 0x0a580af40101,
  protocol: IPPROTO.TCP,
  src: ip('10.244.1.5'),
  sport: 41522,
  dst: ip('10.96.0.10'),
  dport: 80,
  seq: 100,
  ipFlags: IP_DF,
  tcpFlags: TCP.PSH | TCP.ACK,
  options: encodeTcpOptions([{ kind: 'mss', value: 1460 }]),
  payload: utf8('POST /a HTTP/1.1\r\nHost: web\r\n\r\nhello'),
})
const text = (layers: readonly Layer[]) =>
  layers.map(
    (l) => `${l.quoted ? '"' : ''}${l.name} ${l.start}-${l.end}: ${l.fields.map((f) => `${f.label}=${f.value}`).join(', ')}`,
  )

describe('a frame taken apart for the packet panel', () => {
  it('shows every header of an HTTP request, and the message', () => {
    expect(text(dissect(emitPacket(request), 'ethernet'))).toEqual([
      'Ethernet 0-14: Destination=0a:58:0a:f4:01:01, Source=0a:58:0a:f4:01:05, Type=IPv4 (0x0800)',
      'IPv4 14-34: Version=4, Header length=20 bytes, DSCP and ECN=0x00, Total length=80, Identification=0x0000, Flags=DF, Fragment offset=0, ' +
        'Time to live=64, Protocol=TCP (6), Header checksum=0x2446 correct, Source address=10.244.1.5, Destination address=10.96.0.10',
      'TCP 34-58: Source port=41522, Destination port=80, Sequence number=100, Acknowledgment number=0, Header length=24 bytes, ' +
        'Flags=PSH ACK, Window=0, Checksum=0xfcd7 correct, Urgent pointer=0, Option=mss 1460',
      'HTTP 58-94: Request line=POST /a HTTP/1.1, Host=web, Body=hello',
    ])
  })

  it('shows the datagram quoted inside a host unreachable', () => {
    const error = packet({ protocol: IPPROTO.ICMP, icmpType: ICMP.UNREACHABLE, icmpCode: 1, payload: quoteDatagram(request) })
    const layers = dissect(emitPacket(error), 'ethernet')
    expect(layers.map((l) => [l.name, l.quoted])).toEqual([
      ['Ethernet', false],
      ['IPv4', false],
      ['ICMP', false],
      ['IPv4', true],
      ['TCP', true],
      ['HTTP', true],
    ])
  })

  it('reads the eight bytes of TCP that an old router quotes', () => {
    const payload = quoteDatagram(request).slice(0, 28)
    const error = packet({ protocol: IPPROTO.ICMP, icmpType: ICMP.TIME_EXCEEDED, payload })
    expect(text(dissect(emitPacket(error), 'ethernet')).at(-1)).toBe(
      '"TCP 62-70: Source port=41522, Destination port=80, Sequence number=100',
    )
  })

  it('says so when a checksum is wrong', () => {
    const bytes = emitPacket(request)
    bytes[22] = 63
    const ttl = dissect(bytes, 'ethernet')[1]?.fields.find((f) => f.name === 'ip.checksum')
    expect(ttl?.value).toBe('0x2446 incorrect')
  })

  it('covers every byte of a frame once, and never throws on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.constantFrom('ethernet' as const, 'ip' as const), (bytes, link) => {
        for (const layer of dissect(bytes, link)) {
          expect(layer.end).toBeLessThanOrEqual(bytes.length)
          for (const f of layer.fields) expect(f.start >= layer.start && f.end <= layer.end).toBe(true)
        }
      }),
    )
    const layers = dissect(emitPacket(request), 'ethernet')
    layers.forEach((l, i) => {
      expect(l.start).toBe(layers[i - 1]?.end ?? 0)
    })
    expect(layers.at(-1)?.end).toBe(emitPacket(request).length)
  })
})
