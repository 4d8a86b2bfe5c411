import { describe, expect, it } from 'vitest'
import { parseIpv4 } from '../net/address.ts'
import { emitPacket } from '../net/emit.ts'
import { ARP_OP, ETH_P, IPPROTO, Packet, TCP } from '../net/packet.ts'
import { CAPSULE, capsuleOf, capsuleShape } from './capsule.ts'

const address = (text: string) => {
  const a = parseIpv4(text)
  if (!a.ok) throw new Error(text)
  return a.value
}
const packet = (fields: Partial<Packet>) =>
  Object.assign(new Packet(), { etherType: ETH_P.IP, ttl: 64, src: address('10.244.1.5'), dst: address('10.244.2.7'), ...fields })

describe('a capsule', () => {
  it('shows the headers of a SYN from the outside in, and that it has no link-layer header before the neighbour is known', () => {
    const syn = { protocol: IPPROTO.TCP, tcpFlags: TCP.SYN }
    expect(capsuleOf(packet(syn)).segments.map((s) => s.label)).toEqual(['IPv4', 'TCP'])
    const framed = capsuleOf(packet({ ...syn, ethSrc: 0x0a580af40105, ethDst: 0x0a580af40101 }))
    expect(framed.segments.map((s) => s.role)).toEqual(['eth', 'ip', 'tcp'])
    expect(framed.label).toBe('SYN')
  })

  it('has a piece for the payload when there is one, and takes its colour', () => {
    const get = capsuleOf(
      packet({ protocol: IPPROTO.TCP, tcpFlags: TCP.ACK | TCP.PSH, payload: new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n') }),
    )
    expect(get.segments.at(-1)?.role).toBe('pay')
    expect(get.role).toBe('pay')
  })

  it('nests the packet that a tunnel carries', () => {
    const inner = emitPacket(packet({ etherType: 0, protocol: IPPROTO.TCP, tcpFlags: TCP.SYN }))
    const outer = capsuleOf(
      packet({ protocol: IPPROTO.IPIP, src: address('192.168.1.11'), dst: address('192.168.1.12'), payload: inner }),
    )
    expect(outer.inner?.segments.map((s) => s.label)).toEqual(['IPv4', 'TCP'])
    expect(outer.label).toBe('SYN')
  })

  it('knows ARP by its own piece', () => {
    expect(
      capsuleOf(packet({ etherType: ETH_P.ARP, arpOp: ARP_OP.REQUEST, ethSrc: 1, ethDst: 2 })).segments.map((s) => s.role),
    ).toEqual(['eth', 'arp'])
  })

  it('is as wide as its pieces and its label, none on another', () => {
    const shape = capsuleShape(capsuleOf(packet({ protocol: IPPROTO.TCP, tcpFlags: TCP.SYN, ethSrc: 1 })), 22)
    for (const [i, p] of shape.pieces.slice(1).entries())
      expect(p.x).toBeGreaterThanOrEqual((shape.pieces[i]?.x ?? 0) + CAPSULE.segment)
    expect(shape.label.x).toBeGreaterThan(shape.pieces.at(-1)?.x ?? 0)
    expect(shape.label.x + shape.label.w).toBeLessThan(shape.w)
  })
})
