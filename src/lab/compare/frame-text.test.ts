import { describe, expect, it } from 'vitest'
import { utf8 } from '../../base/bytes.ts'
import { ipv4, macOf } from '../../net/address.ts'
import { emitPacket } from '../../net/emit.ts'
import { ETH_P, IP_DF, IPPROTO, Packet, TCP } from '../../net/packet.ts'
import { FrameWriter, flowOf } from './frame-text.ts'

const CLIENT = ipv4(0xc0000202)
const SERVER = ipv4(0xc6336401)

function segment(isn: number, more: Partial<Packet>): Uint8Array {
  const p = new Packet()
  Object.assign(p, {
    ethSrc: macOf(0x0200, 1),
    ethDst: macOf(0x0200, 2),
    etherType: ETH_P.IP,
    src: CLIENT,
    dst: SERVER,
    ttl: 64,
    ipFlags: IP_DF,
    protocol: IPPROTO.TCP,
    sport: 40000,
    dport: 80,
    seq: isn,
    tcpFlags: TCP.SYN,
    ...more,
  })
  return emitPacket(p)
}

/** A SYN and the request after it, in a run with these free choices. */
const run = (isn: number, ident: number, window: number) => [
  segment(isn, { ident, window }),
  segment((isn + 1) >>> 0, { ident: ident + 1, window, tcpFlags: TCP.ACK | TCP.PSH, ack: isn, payload: utf8('GET /') }),
]

function linesOf(frames: readonly Uint8Array[]): string[] {
  const writer = new FrameWriter(new Map([['pod/client/eth0', frames.map((bytes) => ({ bytes }))]]))
  return frames.map((f) => writer.line(f, true))
}

describe('a frame as a line', () => {
  it('leaves out what no two runs have alike', () => {
    expect(linesOf(run(0xfffffff0, 7, 501))).toEqual(linesOf(run(12, 900, 64240)))
    expect(linesOf(run(5, 1, 1))[1]).toBe(
      '02:00:00:00:00:01 > 02:00:00:00:00:02 192.0.2.2 > 198.51.100.1 ttl 64 DF tcp 40000 > 80 P. seq 1 ack 0 "GET /"',
    )
  })

  it('keeps every other header field', () => {
    const [plain] = linesOf([segment(5, {})])
    const others: readonly Partial<Packet>[] = [
      { ttl: 63 },
      { tos: 0xc0 },
      { ipFlags: 0 },
      { dport: 81 },
      { src: ipv4(0xc0000203) },
      { ethDst: macOf(0x0200, 3) },
      { tcpFlags: TCP.SYN | TCP.ACK },
      { options: new Uint8Array([2, 4, 5, 0xb4]) },
      { payload: utf8('x') },
    ]
    for (const change of others) expect(linesOf([segment(5, change)])[0]).not.toBe(plain)
  })

  it('says when a checksum is wrong, except where the kernel leaves it open', () => {
    const frame = segment(5, {})
    frame[50] = (frame[50] ?? 0) ^ 1
    const writer = new FrameWriter(new Map())
    expect(writer.line(frame, true)).toMatch(/BAD CHECKSUM/)
    expect(writer.line(frame, false)).not.toMatch(/BAD CHECKSUM/)
  })

  it('knows the flow of a line: addresses and ports, not what changes along it', () => {
    const [syn = '', request = ''] = linesOf(run(5, 1, 1))
    expect(flowOf(syn)).toBe('02:00:00:00:00:01 > 02:00:00:00:00:02 192.0.2.2 > 198.51.100.1 tcp 40000 > 80')
    expect(flowOf(request)).toBe(flowOf(syn))
  })

  it('leaves out a tunnel’s hash wherever it stands: as its source, and as the destination of an echo to it', () => {
    const inside = segment(5, {})
    const payload = new Uint8Array([8, 0, 0, 0, 0, 0, 42, 0, ...inside])
    const datagram = (sport: number, dport: number) => {
      const p = Object.assign(new Packet(), { etherType: ETH_P.IP, src: CLIENT, dst: SERVER, ttl: 64, protocol: IPPROTO.UDP })
      return emitPacket(Object.assign(p, { sport, dport, payload }))
    }
    const lines = linesOf([datagram(44372, 7), datagram(7, 44372), datagram(44372, 4789)])
    expect(lines.map((l) => / udp (.*?) vxlan 42 /.exec(l)?.[1])).toEqual(['flow > 7', '7 > flow', 'flow > 4789'])
    expect(flowOf(lines[1] ?? '')).toContain('udp 7 > flow')
  })
})
