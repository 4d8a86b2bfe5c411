import { describe, expect, it } from 'vitest'
import type { Difference } from './difference.ts'
import { steadyDifferences } from './steady.ts'

const probe: Difference = { what: 'frames', where: 'node1/cbr0', engine: undefined, kernel: 'arp request 192.0.2.1' }
const wrong: Difference = { what: 'frames', where: 'node1/eth0', engine: 'ttl 62', kernel: 'ttl 63' }
const late: Difference = { what: 'conntrack timeout', where: 'node1', engine: '119 s: tcp', kernel: '112 s' }

describe('several runs of one scenario', () => {
  it('keep what differs each time, not what only a busy machine did', () => {
    expect(steadyDifferences([[probe, wrong], [wrong]])).toEqual([wrong])
    expect(steadyDifferences([[probe], [late], [probe]])).toEqual([])
  })

  it('know a difference again by the engine’s side, whatever time the kernel shows', () => {
    const later = { ...late, kernel: '111 s' }
    expect(steadyDifferences([[late], [later]])).toEqual([later])
  })

  it('have no difference when the last of them has none', () => {
    expect(steadyDifferences([[wrong], []])).toEqual([])
  })
})
