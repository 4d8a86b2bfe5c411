import { describe, expect, it } from 'vitest'
import { playOf } from '../cluster/play.ts'
import { libraryEntry } from '../library/index.ts'
import { formatIpv4 } from '../net/address.ts'
import { run } from '../sim/run.ts'
import { captured } from './capture.ts'
import { TraceReader } from './reader.ts'

/** `IN 10.244.1.2 > 10.96.0.10` for the IPv4 frames that tcpdump on a device would show. */
function seen(scenario: string, device: string): string[] {
  const document = libraryEntry(scenario)?.document
  const play = document === undefined ? undefined : playOf(document)
  if (document === undefined || play?.ok !== true) throw new Error(`no scenario ${scenario}`)
  const reader = new TraceReader(run(play.value.world, play.value.journeys, { seed: document.seed, changes: play.value.changes }))
  return captured(reader)
    .filter((c) => reader.trace.refs[c.device] === `dev:${device}`)
    .map((c) => ({ ...c, p: reader.packetAt(c.packet, c.seq) }))
    .filter(({ p }) => p.src !== 0)
    .map(({ direction, p }) => `${direction} ${formatIpv4(p.src)} > ${formatIpv4(p.dst)}`)
}

describe('what tcpdump on a device would show', () => {
  it('is, on a bridge, what goes up to its host as br_netfilter left it: the Service’s address already gone', () => {
    const frames = seen('pod-to-service-remote', 'node1/cbr0')
    expect(frames).toContain('in 10.244.1.2 > 10.244.2.2')
    expect(frames).not.toContain('in 10.244.1.2 > 10.96.0.10')
    expect(seen('pod-to-service-remote', 'pod/client/eth0')).toContain('out 10.244.1.2 > 10.96.0.10')
  })

  it('is, on a bridge, nothing of what goes from port to port', () => {
    expect(seen('pod-to-pod-same-node', 'node1/cbr0').filter((f) => f.includes(' 10.244.1.3'))).toEqual([])
  })

  it('is, on lo, each frame once', () => {
    const frames = seen('two-containers', 'pod/web-a/lo')
    expect(frames.length).toBeGreaterThan(0)
    expect(frames.filter((f) => f.startsWith('out'))).toEqual([])
  })
})
