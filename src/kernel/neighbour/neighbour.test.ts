import { describe, expect, it } from 'vitest'
import { TestNetwork } from '../../sim/testing/network.ts'
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
