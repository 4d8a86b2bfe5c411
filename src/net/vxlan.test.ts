import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseIpv4 } from './address.ts'
import { dissect } from './dissect.ts'
import { emitPacket } from './emit.ts'
import { ETH_P, ICMP, IPPROTO, Packet } from './packet.ts'
import { parsePacket } from './parse.ts'
import { chipLabel, summarize } from './summary.ts'
import { emitVxlan, parseVxlan, VXLAN } from './vxlan.ts'

const ip = (text: string) => {
  const r = parseIpv4(text)
  if (!r.ok) throw new Error(text)
  return r.value
}
const packet = (fields: Partial<Packet>): Packet => Object.assign(new Packet(), { etherType: ETH_P.IP, ttl: 64, ...fields })
const echo = packet({
  protocol: IPPROTO.ICMP,
  src: ip('10.244.1.2'),
  dst: ip('10.244.2.2'),
  icmpType: ICMP.ECHO,
  icmpRest: 0x10001,
  payload: new Uint8Array(8),
})
function inVxlan(vni: number, inner: Uint8Array): Packet {
  const payload = new Uint8Array(VXLAN.LENGTH + inner.length)
  emitVxlan({ vni }, payload)
  payload.set(inner, VXLAN.LENGTH)
  return packet({ protocol: IPPROTO.UDP, src: ip('192.168.1.11'), dst: ip('192.168.1.12'), sport: 50375, dport: 8472, payload })
}

describe('a VXLAN header', () => {
  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffff }), (vni) => {
        const bytes = new Uint8Array(VXLAN.LENGTH).fill(0xff)
        emitVxlan({ vni }, bytes)
        expect(parseVxlan(bytes)).toEqual({ ok: true, value: { vni } })
      }),
    )
  })

  it('is refused, as Linux refuses it, when cut, without the I flag, or with a reserved bit', () => {
    expect(parseVxlan(new Uint8Array(7)).ok).toBe(false)
    for (const bytes of [
      [0, 0, 0, 0, 0, 0, 1, 0],
      [8, 1, 0, 0, 0, 0, 1, 0],
      [8, 0, 0, 0, 0, 0, 1, 1],
    ])
      expect(parseVxlan(Uint8Array.from(bytes)).ok).toBe(false)
  })
})

describe('a packet in a tunnel', () => {
  const outer = inVxlan(1, emitPacket(echo))

  it('is named by what it carries', () => {
    expect(summarize(outer)).toBe('UDP 192.168.1.11:50375 > 192.168.1.12:8472 VXLAN vni 1: ICMP echo request id 1 seq 1')
    expect(chipLabel(outer)).toBe('VXLAN')
  })

  it('is taken apart down to the frame inside, each byte once', () => {
    const bytes = emitPacket(outer)
    const layers = dissect(bytes, 'ethernet')
    expect(layers.map((l) => l.name)).toEqual(['Ethernet', 'IPv4', 'UDP', 'VXLAN', 'Ethernet', 'IPv4', 'ICMP', 'Data'])
    layers.forEach((l, i) => void expect(l.start).toBe(layers[i - 1]?.end ?? 0))
    expect(layers.at(-1)?.end).toBe(bytes.length)
    expect(layers.flatMap((l) => l.fields).flatMap((f) => (f.name.endsWith('.checksum') ? [f.value.split(' ')[1]] : []))).toEqual(
      Array.from({ length: 4 }, () => 'correct'),
    )
  })

  it('carries every byte of the frame', () => {
    const again = parsePacket(emitPacket(outer), 'ethernet')
    expect(again.ok && parsePacket(again.value.payload.subarray(VXLAN.LENGTH), 'ethernet')).toEqual({ ok: true, value: echo })
  })

  it('is a plain datagram to whoever sees another port, or a header that is none', () => {
    const other = Object.assign(inVxlan(1, emitPacket(echo)), { dport: 9999 })
    expect(summarize(other)).toContain('len 58')
    expect(dissect(emitPacket(other), 'ethernet').map((l) => l.name)).toEqual(['Ethernet', 'IPv4', 'UDP', 'Data'])
  })
})
