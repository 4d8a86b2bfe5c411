import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { emitPacket } from '../../net/emit.ts'
import { ETH_P, IPPROTO, Packet } from '../../net/packet.ts'
import { VXLAN } from '../../net/vxlan.ts'
import type { FuzzCase } from '../fuzz/case.ts'
import { playCase } from '../fuzz/play.ts'
import { flowPorts, innerFlow, tunnelInTunnel, walksWithoutFlowPorts, withoutFlowPorts } from './tunnel.ts'

const played = (name: string) => {
  const file = new URL(`../../../e2e/kernel/recordings/fuzz/${name}.json`, import.meta.url)
  return playCase(JSON.parse(readFileSync(file, 'utf8')) as FuzzCase).reader
}

describe('tunnels in a comparison', () => {
  it('are not watched packet by packet where one carries what another has wrapped', () => {
    expect(tunnelInTunnel(played('tunnel-inside-itself'))).toBe(true)
    expect(tunnelInTunnel(played('asked-for-by-the-last-to-wait'))).toBe(false)
  })

  it('are told from each other by what is inside', () => {
    const inside = (edit: (p: Packet) => void) => {
      const p = new Packet()
      edit(p)
      return innerFlow(new Uint8Array([...new Uint8Array(VXLAN.LENGTH), ...emitPacket(p)]))
    }
    const ip = (p: Packet) => Object.assign(p, { etherType: ETH_P.IP, protocol: IPPROTO.ICMP, src: 0x0af4010a, dst: 0x0af40200 })
    const arp = (p: Packet) => Object.assign(p, { etherType: ETH_P.ARP, arpOp: 1, arpSpa: 0x0a620001, arpTpa: 0x0a620002 })
    expect(inside(ip)).toBe('0af4010a0af40200')
    expect(inside(arp)).toBe('0000000000000a6200010000000000000a620002')
    expect(innerFlow(new Uint8Array(4))).toBe('')
  })

  it('have no ports of their own in the rules’ order, not even where NAT has sent them to another port, or in an answer to that', () => {
    const entry =
      'udp 17 29 src=192.0.2.2 dst=192.0.2.1 sport=41311 dport=8472 [UNREPLIED] src=10.244.1.10 dst=192.0.2.2 sport=7 dport=41311 mark=0 use=1'
    const lines = [
      { text: '192.0.2.2 > 10.244.1.10 41311 > 7 length 110' },
      { text: '10.244.1.10 > 192.0.2.2 7 > 41311 length 110' },
      { text: '192.0.2.2 > 10.244.1.10 41312 > 7 length 34' },
    ]
    expect(walksWithoutFlowPorts(lines, flowPorts(['', entry])).map((l) => l.text)).toEqual([
      '192.0.2.2 > 10.244.1.10 flow > 7 length 110',
      '10.244.1.10 > 192.0.2.2 7 > flow length 110',
      '192.0.2.2 > 10.244.1.10 41312 > 7 length 34',
    ])
  })

  it('have none in the connection table of a namespace that they come to behind NAT', () => {
    const known = flowPorts([
      'udp 17 29 src=192.0.2.2 dst=192.0.2.1 sport=41311 dport=4789 src=10.0.0.9 dst=192.0.2.2 sport=80 dport=41311',
    ])
    const entry = (port: number) =>
      `udp 17 src=192.0.2.2 dst=10.0.0.9 sport=${port} dport=80 src=10.0.0.9 dst=192.0.2.2 sport=80 dport=${port}`
    const levelled = 'udp 17 src=192.0.2.2 dst=10.0.0.9 sport=flow dport=80 src=10.0.0.9 dst=192.0.2.2 sport=80 dport=flow'
    expect(withoutFlowPorts([entry(41311), entry(41312)], known)).toEqual([levelled, entry(41312)])
  })
})
