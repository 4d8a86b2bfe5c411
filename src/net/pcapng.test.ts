import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { get16, toHex, utf8 } from '../base/bytes.ts'
import { parseIpv4 } from './address.ts'
import { emitPacket } from './emit.ts'
import { ARP_OP, ETH_P, ICMP, IP_DF, IP_MF, IPPROTO, Packet, TCP } from './packet.ts'
import { type CapturedFrame, writePcapng } from './pcapng.ts'
import { quoteDatagram } from './quote.ts'
import { encodeTcpOptions } from './tcp-options.ts'

const ip = (text: string) => {
  const r = parseIpv4(text)
  if (!r.ok) throw new Error(text)
  return r.value
}
const packet = (fields: Partial<Packet>): Packet => Object.assign(new Packet(), { etherType: ETH_P.IP, ttl: 64, ...fields })
const flow = { src: ip('10.244.1.5'), dst: ip('10.244.2.7'), ethSrc: 0x0a580af40105, ethDst: 0x0a580af40101, ipFlags: IP_DF }
const tcp = { ...flow, protocol: IPPROTO.TCP, sport: 41522, dport: 80 }
const syn = packet({
  ...tcp,
  tcpFlags: TCP.SYN,
  seq: 99,
  window: 64240,
  options: encodeTcpOptions([{ kind: 'mss', value: 1460 }]),
})
const bigUdp = packet({
  ...flow,
  protocol: IPPROTO.UDP,
  sport: 4000,
  dport: 4001,
  ident: 7,
  ipFlags: 0,
  payload: new Uint8Array(2000).fill(65),
})

function fragments(p: Packet, size: number): Packet[] {
  const first = new Packet().copyFrom(p)
  first.ipFlags = IP_MF
  first.l4Checksum = get16(emitPacket(p), 14 + 20 + 6)
  first.udpLength = 8 + p.payload.length
  first.payload = p.payload.subarray(0, size - 8)
  const second = new Packet().copyFrom(p)
  second.fragmentOffset = size
  second.payload = p.payload.subarray(size - 8)
  return [first, second]
}

const packets: readonly Packet[] = [
  packet({
    ethDst: 0xffffffffffff,
    ethSrc: flow.ethSrc,
    etherType: ETH_P.ARP,
    arpOp: ARP_OP.REQUEST,
    arpSha: flow.ethSrc,
    arpSpa: flow.src,
    arpTpa: ip('10.244.1.1'),
  }),
  syn,
  packet({ ...tcp, tcpFlags: TCP.ACK, seq: 100, ack: 1 }),
  packet({ ...tcp, tcpFlags: TCP.PSH | TCP.ACK, seq: 100, ack: 1, payload: utf8('GET / HTTP/1.1\r\nHost: web\r\n\r\n') }),
  packet({ ...flow, protocol: IPPROTO.UDP, sport: 4000, dport: 4001, payload: utf8('odd') }),
  packet({ ...flow, protocol: IPPROTO.ICMP, icmpType: ICMP.ECHO, icmpRest: 0x10001, payload: new Uint8Array(56) }),
  packet({ ...flow, protocol: IPPROTO.ICMP, icmpType: ICMP.UNREACHABLE, icmpCode: 1, payload: quoteDatagram(syn) }),
  ...fragments(bigUdp, 1480),
]
const frames: CapturedFrame[] = packets.map((p, i) => ({
  interface: i % 2,
  time: i * 1e6 + 1,
  bytes: emitPacket(p),
  direction: 'in',
  comment: `step ${i}`,
}))
const interfaces = [
  { name: 'pod/client/eth0', linkType: 'ethernet' },
  { name: 'node1/cbr0', linkType: 'ethernet' },
] as const

const hasTshark = (() => {
  try {
    execFileSync('tshark', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

describe('a pcapng capture', () => {
  it('starts with a section header, then one named interface block a device', () => {
    const hex = toHex(writePcapng(interfaces, []))
    expect(hex.slice(0, 24)).toBe('0a0d0d0a2c0000004d3c2b1a')
    expect(hex).toContain(toHex(utf8('pod/client/eth0')))
    // if_tsresol 9: nanoseconds.
    expect(hex).toContain('0900010009000000')
  })

  it('keeps every block a multiple of four bytes with its length at both ends', () => {
    const bytes = writePcapng(interfaces, frames)
    const view = new DataView(bytes.buffer)
    let at = 0
    let blocks = 0
    while (at < bytes.length) {
      const length = view.getUint32(at + 4, true)
      expect(length % 4).toBe(0)
      expect(view.getUint32(at + length - 4, true)).toBe(length)
      at += length
      blocks++
    }
    expect(blocks).toBe(1 + interfaces.length + frames.length)
  })
})

const folder = hasTshark ? mkdtempSync(join(tmpdir(), 'hopscope-pcapng-')) : ''
afterAll(() => {
  if (folder !== '') rmSync(folder, { recursive: true })
})

describe.skipIf(!hasTshark)('the capture in tshark (skipped where tshark is not installed)', () => {
  const checks = ['ip', 'tcp', 'udp'].flatMap((p) => ['-o', `${p}.check_checksum:TRUE`])
  const tshark = (capture: readonly CapturedFrame[], ...args: string[]): string[] => {
    const file = join(folder, 'capture.pcapng')
    writeFileSync(file, writePcapng(interfaces, capture))
    const text = execFileSync('tshark', ['-n', '-r', file, ...checks, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return text.split('\n').filter((line) => line !== '')
  }
  const status = ['ip', 'tcp', 'udp', 'icmp'].map((p) => `${p}.checksum.status == "Bad"`)
  const faulty = ['-Y', ['_ws.malformed', ...status].join(' || '), '-T', 'fields', '-e', 'frame.number']

  it('opens with the device names, nanoseconds and every frame', () => {
    const rows = tshark(frames, '-T', 'fields', '-e', 'frame.interface_name', '-e', 'frame.time_epoch', '-e', '_ws.col.Protocol')
    expect(rows.length).toBe(frames.length)
    expect(rows[0]?.split('\t')).toEqual(['pod/client/eth0', expect.stringMatching(/0\.000000001/), 'ARP'])
    expect(rows[1]?.split('\t')).toEqual(['node1/cbr0', expect.stringMatching(/0\.001000001/), 'TCP'])
  }, 30_000)

  it('has no malformed packet and no bad checksum, fragments put together', () => {
    expect(tshark(frames, ...faulty)).toEqual([])
    const whole = tshark(frames, '-Y', 'udp.length == 2008', '-T', 'fields', '-e', 'udp.checksum.status')
    expect(whole).toEqual([expect.stringMatching(/^(1|Good)$/)])
  }, 30_000)

  it('would notice a bad checksum: one planted in the second frame is found', () => {
    const bad = frames.map((f, i) => (i === 1 ? { ...f, bytes: f.bytes.map((b, at) => (at === 50 ? b ^ 1 : b)) } : f))
    expect(tshark(bad, ...faulty)).toEqual(['2'])
  }, 30_000)
})
