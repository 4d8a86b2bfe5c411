import { describe, expect, it } from 'vitest'
import { ip, TestNetwork } from '../../sim/testing/network.ts'
import { play } from '../../sim/testing/play.ts'

function wire(): TestNetwork {
  const net = new TestNetwork()
  const a = net.host('a').address('eth0', '192.0.2.1/24')
  const b = net.host('b').address('eth0', '192.0.2.2/24')
  net.veth(a, 'eth0', b, 'eth0')
  return net
}

const states = (p: ReturnType<typeof play>, netns: string) =>
  p
    .events('neigh.state')
    .filter((e) => e.netns === netns)
    .map((e) => `${e.step.from} → ${e.step.to} (${e.step.reason})`)

describe('neighbour', () => {
  it('asks, is answered, and the one asked remembers who asked', () => {
    const p = play(wire().world(), ['a', 'ping -c 1 192.0.2.2'])
    expect(states(p, 'netns:a')).toEqual(['NONE → INCOMPLETE (solicit)', 'INCOMPLETE → REACHABLE (reply)'])
    expect(states(p, 'netns:b')).toEqual(['NONE → STALE (request-seen)', 'STALE → DELAY (used-stale)'])
  })

  it('asks three times, a second apart, then fails and the waiting packets get their error', () => {
    const p = play(wire().world(), ['a', 'ping -c 3 -i 1 -W 2 192.0.2.99'])
    const questions = p.events('born').filter((e) => e.step.how === 'arp' && e.netns === 'netns:a')
    expect(questions.slice(0, 3).map((e) => Math.round(e.t / 1e6))).toEqual([0, 1000, 2000])
    expect(states(p, 'netns:a').slice(0, 4)).toEqual([
      'NONE → INCOMPLETE (solicit)',
      'INCOMPLETE → INCOMPLETE (probe)',
      'INCOMPLETE → INCOMPLETE (probe)',
      'INCOMPLETE → FAILED (timeout)',
    ])
    expect(p.drops).toEqual(['a: NEIGH_FAILED', 'a: NEIGH_FAILED', 'a: NEIGH_FAILED'])
    expect(p.output[0]).toContain('From 192.0.2.1 icmp_seq=1 Destination Host Unreachable')
  })

  it('holds so many big probes as their socket has room for: ping hears of them before it sends the next', () => {
    const p = play(wire().world(), ['a', 'ping -c 3 -i 0.2 -s 1400 -W 1 192.0.2.99'])
    expect(p.drops).toEqual(['a: NEIGH_FAILED', 'a: NEIGH_FAILED'])
    expect(p.output[0]).toContain('3 packets transmitted, 0 received, +2 errors')
  })

  it('tells no one else where the first error has to go to the very neighbour that did not answer', () => {
    const net = new TestNetwork()
    const c = net.host('c').address('lo', '10.1.0.1/32')
    const r = net.host('r').router().address('eth1', '198.51.100.1/24')
    net.veth(c, 'eth0', r, 'eth0')
    net.veth(net.host('d').address('eth0', '198.51.100.2/24'), 'eth0', r, 'eth1')
    c.address('eth0', '192.0.2.1/24').route('default via 192.0.2.2 dev eth0')
    r.address('eth0', '192.0.2.2/24').route('10.0.0.0/8 via 198.51.100.99 dev eth1')
    const p = play(net.world(), ['c', 'ping -c 2 -i 0.2 -W 9 -I 10.1.0.1 10.2.0.1'])
    expect(p.drops).toEqual(['r: NEIGH_FAILED', 'r: QUEUE_PURGE', 'r: QUEUE_PURGE'])
    expect(states(p, 'netns:r').filter((s) => /FAILED/.test(s))).toEqual([
      'INCOMPLETE → FAILED (timeout)',
      'FAILED → INCOMPLETE (solicit)',
      'INCOMPLETE → FAILED (timeout)',
    ])
    expect(p.end.list('neighbour').find((n) => n.address === ip('198.51.100.99'))).toMatchObject({ state: 'FAILED', queued: 0 })
  })

  it('checks a stale entry with a unicast question five seconds after using it', () => {
    const p = play(wire().world(), ['a', 'ping -c 8 -i 1 192.0.2.2'])
    expect(states(p, 'netns:b')).toEqual([
      'NONE → STALE (request-seen)',
      'STALE → DELAY (used-stale)',
      'DELAY → PROBE (delay-expired)',
      'PROBE → REACHABLE (reply)',
    ])
    const probe = p
      .events('born')
      .filter((e) => e.step.how === 'arp' && e.netns === 'netns:b')
      .at(-1)
    const asked = probe && p.reader.packetAt(probe.packet, probe.seq)
    expect(asked?.ethDst).not.toBe(0xffffffffffff)
  })
})
