import { describe, expect, it } from 'vitest'
import { execCommand } from '../../console/exec.ts'
import { parseBridgeFdb } from '../../linux/bridge.ts'
import { parseIpRoute } from '../../linux/ip-route-parse.ts'
import { tunnelEntry } from '../../linux/vxlan.ts'
import { formatMac, macOf } from '../../net/address.ts'
import { ETH_P, IP_DF, IP_MF, IPPROTO, Packet, skbLength } from '../../net/packet.ts'
import { summarize } from '../../net/summary.ts'
import { ip, type TestHost, TestNetwork } from '../../sim/testing/network.ts'
import { type Played, play } from '../../sim/testing/play.ts'
import { deviceId, neighbourId, netnsId, type RecordId, routeId } from '../../world/ids.ts'
import type { DeviceLink, WorldRecord } from '../../world/records.ts'
import type { World } from '../../world/world.ts'
import { flowHash, hashesPorts } from './flow-hash.ts'

type VxlanLink = Extract<DeviceLink, { kind: 'vxlan' }>
const S = 1_000_000_000

interface Given {
  readonly a?: Partial<VxlanLink>
  readonly b?: Partial<VxlanLink>
  /** `bridge fdb` text. */
  readonly fdbA?: string
  readonly fdbB?: string
  readonly rulesA?: string
  /** An address that `a` has an unreachable route to. */
  readonly refusedA?: string
  /** Whether `a` knows who 10.99.0.2 is for good. */
  readonly neighbourA?: boolean
  readonly mtu?: number
}

const macOfTunnel = (n: 1 | 2) => macOf(0x0e00, n)
const MAC_A = formatMac(macOfTunnel(1))
const MAC_B = formatMac(macOfTunnel(2))
const FLOOD = (to: string) => `00:00:00:00:00:00 dev vx0 dst ${to} self permanent`

/** Two machines on one cable, 192.168.1.1 and .2, with a tunnel between them: 10.99.0.1 and .2. */
function tunnel(given: Given = {}): World {
  const net = new TestNetwork()
  const host = (name: string, n: 1 | 2, link: Partial<VxlanLink> = {}): TestHost => {
    const h = net.host(name)
    h.builder.device('vx0', {
      mac: macOfTunnel(n),
      mtu: given.mtu ?? 1450,
      link: { kind: 'vxlan', vni: 42, port: 4789, learning: true, ageing: 300 * S, local: ip(`192.168.1.${n}`), ...link },
      origin: { component: 'user' },
    })
    return h.address('vx0', `10.99.0.${n}/24`)
  }
  const a = host('a', 1, given.a)
  const b = host('b', 2, given.b)
  net.veth(a, 'eth0', b, 'eth0')
  a.address('eth0', '192.168.1.1/24')
  b.address('eth0', '192.168.1.2/24')
  if (given.rulesA !== undefined) a.iptables(given.rulesA)
  const world = new Map<RecordId, WorldRecord>(net.world())
  const refused = parseIpRoute(given.refusedA === undefined ? '' : `unreachable ${given.refusedA}`)
  if (!refused.ok) throw new Error(given.refusedA)
  for (const { line: _, nexthops: __, ...route } of refused.value.routes) {
    const id = routeId('a', 'main', 99)
    world.set(id, { kind: 'route', id, netns: netnsId('a'), ...route, nexthops: [], origin: { component: 'user' } })
  }
  if (given.neighbourA === true) {
    const id = neighbourId('a', 'vx0', '10.99.0.2')
    const known = { address: ip('10.99.0.2'), mac: macOfTunnel(2), state: 'PERMANENT', probes: 0, queued: 0 } as const
    const netns = netnsId('a')
    world.set(id, { kind: 'neighbour', id, netns, device: deviceId('a', 'vx0'), ...known, origin: { component: 'user' } })
  }
  for (const [name, text] of [
    ['a', given.fdbA ?? FLOOD('192.168.1.2')],
    ['b', given.fdbB ?? FLOOD('192.168.1.1')],
  ] as const) {
    const entries = parseBridgeFdb(text)
    if (!entries.ok) throw new Error(text)
    for (const e of entries.value) {
      if (e.dst === undefined) continue
      const record = tunnelEntry(name, e, e.dst, { component: 'user' })
      world.set(record.id, record)
    }
  }
  return world
}

const origins = (p: Played) =>
  p.events('born').map((e) => [e.packet, e.step.how, e.step.parent, summarize(p.reader.packetAt(e.packet, e.seq))] as const)
const printed = (p: Played, netns: string, command: string) => execCommand(p.end, `netns:${netns}`, command).stdout

describe('a VXLAN device', () => {
  it('puts the frame into a datagram of its own, which is sent like any other, and takes it out at the other end', () => {
    const p = play(tunnel(), ['a', 'ping -c 1 10.99.0.2'])
    expect(p.exitCodes).toEqual([0])
    const request = origins(p).filter(([, , , text]) => text.includes('echo request'))
    const [inner, outer, taken] = request
    expect(request.map(([, how]) => how)).toEqual(['socket', 'encapsulated', 'decapsulated'])
    expect([outer?.[2], taken?.[2]]).toEqual([inner?.[0], outer?.[0]])
    const header = p.reader.packetAt(outer?.[0] ?? -1, p.reader.length)
    expect([header.src, header.dst, header.dport, header.ttl, header.ipFlags & IP_DF]).toEqual([
      ip('192.168.1.1'),
      ip('192.168.1.2'),
      4789,
      64,
      0,
    ])
    // The tunnel is one hop to the packet inside.
    expect(p.reader.packetAt(taken?.[0] ?? -1, p.reader.length).ttl).toBe(64)
  })

  it('sends what has no entry to every remote end of the entry of zeros, and learns from what comes back', () => {
    const p = play(tunnel(), ['a', 'ping -c 2 10.99.0.2'])
    const used = p.events('encapsulate').filter((e) => e.netns === 'netns:a')
    expect(used.map((e) => e.step.fdb?.split('/').at(-2))).toEqual(['00:00:00:00:00:00', MAC_B, MAC_B])
    expect(printed(p, 'a', 'bridge fdb show dev vx0')).toBe(
      `00:00:00:00:00:00 dst 192.168.1.2 self permanent\n${MAC_B} dst 192.168.1.2 self \n`,
    )
  })

  it('drops what it has no entry for, and counts that', () => {
    const p = play(tunnel({ fdbA: '' }), ['a', 'ping -c 1 -W 1 10.99.0.2'])
    const drops = p.drops.filter((d) => d.includes('vx0'))
    expect(new Set(drops)).toEqual(new Set(['a/vx0: NO_TX_TARGET']))
    const [, , , , , tx = ''] = printed(p, 'a', 'ip -s link show vx0').split('\n')
    expect(tx.trim().split(/\s+/).slice(0, 4)).toEqual(['0', '0', '0', String(drops.length)])
  })

  it('counts what it carried, without the Ethernet header', () => {
    const p = play(tunnel(), ['a', 'ping -c 1 10.99.0.2'])
    const cells = (id: string) => (['txPackets', 'txBytes', 'rxPackets', 'rxBytes'] as const).map((f) => p.end.cell(id, f))
    // One question (28) and one echo (84), each way.
    expect(cells(deviceId('a', 'vx0'))).toEqual([2, 112, 2, 112])
    expect(cells(deviceId('b', 'vx0'))).toEqual([2, 112, 2, 112])
  })

  it('learns nothing when told so', () => {
    const p = play(tunnel({ a: { learning: false } }), ['a', 'ping -c 1 10.99.0.2'])
    expect(p.exitCodes).toEqual([0])
    expect(p.end.list('fdb', 'netns:a').filter((f) => !f.static)).toEqual([])
  })

  it('does not let a fixed entry be claimed from elsewhere', () => {
    const fixed = `${FLOOD('192.168.1.1')}\n${MAC_A} dev vx0 dst 192.168.1.9 self permanent`
    const p = play(tunnel({ fdbB: fixed }), ['a', 'ping -c 1 -W 1 10.99.0.2'])
    expect(new Set(p.drops)).toContain('b: VXLAN_ENTRY_EXISTS')
  })

  it('leaves alone what is for another VNI: the datagram is dropped, and nobody is told', () => {
    const p = play(tunnel({ b: { vni: 43 } }), ['a', 'ping -c 1 -W 1 10.99.0.2'])
    expect(new Set(p.drops.filter((d) => d.startsWith('b')))).toEqual(new Set(['b: VXLAN_VNI_NOT_FOUND']))
    expect(origins(p).filter(([, how]) => how === 'icmp' || how === 'decapsulated')).toEqual([])
  })

  it('keeps the mark: a rule that sees the outer packet sees what another said of the inner one', () => {
    const rulesA = `*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A OUTPUT -d 10.99.0.2/32 -j MARK --set-xmark 0x4000/0x4000
-A POSTROUTING -p udp -m udp --dport 4789 -m mark --mark 0x4000/0x4000
COMMIT
`
    const p = play(tunnel({ rulesA }), ['a', 'ping -c 1 10.99.0.2'])
    const counted = printed(p, 'a', 'iptables-save -c -t mangle')
      .split('\n')
      .filter((l) => l.includes('-A POSTROUTING'))
    expect(counted).toEqual([expect.stringMatching(/^\[1:134\]/)])
  })

  it('listens on a socket of the kernel’s own, and is shown as iproute2 shows it', () => {
    const p = play(tunnel({ a: { learning: false, device: deviceId('a', 'eth0'), port: 8472, vni: 1 } }))
    expect(printed(p, 'a', 'ss -Huna')).toMatch(/^UNCONN +0 +0 +0\.0\.0\.0:8472 +0\.0\.0\.0:\* *\n$/)
    expect(printed(p, 'a', 'ip -d link show vx0')).toContain(
      'vxlan id 1 local 192.168.1.1 dev eth0 srcport 0 0 dstport 8472 nolearning ttl auto ageing 300 udpcsum noudp6zerocsumtx noudp6zerocsumrx',
    )
  })

  it('asks in the name of what came to wait last: here the very packet that carries its first question', () => {
    const rulesA = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A OUTPUT -j DNAT --to-destination 10.99.0.2
COMMIT
`
    const p = play(tunnel({ rulesA }), ['a', 'ping -c 1 -W 4 10.99.0.2'])
    const questions = p.events('born').filter((e) => e.step.how === 'arp')
    const askers = questions.map((e) => p.reader.packetAt(e.packet, e.seq).arpSpa)
    expect(askers).toEqual([ip('10.99.0.1'), ip('192.168.1.1'), ip('192.168.1.1')])
  })

  it('whose own packets come back to it carries them until they are three inside each other', () => {
    const rulesA = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A OUTPUT -p udp -m udp --dport 4789 -j DNAT --to-destination 10.99.0.2
COMMIT
`
    const p = play(tunnel({ rulesA, neighbourA: true }), ['a', 'ping -c 1 -W 1 10.99.0.2'])
    expect(p.drops).toEqual(['a/vx0: RECURSION_LIMIT'])
    const carried = p.events('enter').filter((e) => e.device === deviceId('a', 'vx0'))
    expect(carried.map((e) => skbLength(p.reader.packetAt(e.packet, e.seq)))).toEqual([84, 134, 184, 234])
    expect(p.end.cell(deviceId('a', 'vx0'), 'txPackets')).toBe(3)
  })

  it('is routed as its remote end is, whatever device it was made on', () => {
    const p = play(tunnel({ a: { device: deviceId('a', 'eth0') }, refusedA: '192.168.1.2' }), ['a', 'ping -c 1 -W 1 10.99.0.2'])
    expect(new Set(p.drops)).toEqual(new Set(['a/vx0: IP_OUTNOROUTES']))
    expect(origins(p).filter(([, how]) => how === 'encapsulated')).toEqual([])
  })

  it('is fragmented outside where the way is too narrow, once: then the sender knows', () => {
    const p = play(tunnel({ mtu: 1500 }), ['a', 'ping -c 2 -s 1472 10.99.0.2'])
    expect(p.exitCodes).toEqual([0])
    const cut = p.events('mtu').filter((e) => e.netns === 'netns:a')
    expect(cut.map((e) => [e.step.mtu, e.step.length])).toEqual([
      [1500, 1550],
      [1450, 1500],
    ])
  })
})

describe('the hash of the flow inside', () => {
  const packet = (more: Partial<Packet>) => Object.assign(new Packet(), { etherType: ETH_P.IP, src: 1, dst: 2 }, more)

  it('is one for both directions, and another for other ports', () => {
    const there = packet({ protocol: IPPROTO.UDP, sport: 40000, dport: 53 })
    const back = packet({ protocol: IPPROTO.UDP, src: 2, dst: 1, sport: 53, dport: 40000 })
    expect(flowHash(there)).toBe(flowHash(back))
    expect(flowHash(there)).not.toBe(flowHash(packet({ protocol: IPPROTO.UDP, sport: 40001, dport: 53 })))
  })

  it('knows no ports of fragments', () => {
    const first = packet({ protocol: IPPROTO.UDP, sport: 40000, dport: 53, ipFlags: IP_MF })
    const other = packet({ protocol: IPPROTO.UDP, sport: 40001, dport: 53, ipFlags: IP_MF })
    expect(flowHash(first)).toBe(flowHash(other))
    expect([hashesPorts(first), hashesPorts(packet({ protocol: IPPROTO.UDP }))]).toEqual([false, true])
  })

  it('is one for all of ARP: a question to everyone, a probe and an answer', () => {
    const p = play(tunnel(), ['a', 'ping -c 8 10.99.0.2'])
    const sources = origins(p).flatMap(([packet, how, , text]) =>
      how === 'encapsulated' && text.includes('ARP') ? [p.reader.packetAt(packet, p.reader.length).sport] : [],
    )
    expect(sources.length).toBeGreaterThan(2)
    expect(new Set(sources).size).toBe(1)
  })

  it('with ports in it stays with the packet through a tunnel in the tunnel (l4_hash), another is made anew', () => {
    const rules = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A OUTPUT -p udp -m udp --dport 4789 -j DNAT --to-destination 10.99.0.2
COMMIT
`
    const p = play(tunnel({ rulesA: rules, neighbourA: true }), ['a', 'ping -c 1 -W 1 10.99.0.2'])
    const [echo, first, second] = origins(p)
      .filter(([, how, , text]) => how === 'encapsulated' && text.includes('echo'))
      .map(([packet]) => p.reader.packetAt(packet, p.reader.length).sport)
    // Of the echo the addresses are known alone; of the datagram around it the ports as well.
    expect(echo).not.toBe(first)
    expect(first).toBe(second)
  })
})
