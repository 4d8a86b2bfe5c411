import { describe, expect, it } from 'vitest'
import { sessionOf } from '../store/session.ts'
import { documentNamed } from '../store/testing.ts'
import { STEP } from '../trace/columns.ts'
import { recordServiceTrace } from '../trace/testing.ts'
import { changesBetween, netnsAt } from './inspect.ts'
import { panelOf, placeOf } from './place.ts'
import { formatTime } from './time.ts'

const session = sessionOf({
  trace: recordServiceTrace(),
  document: documentNamed('Service'),
  provenance: { kind: 'own' },
  times: { parse: 0, world: 0, run: 0 },
})

describe('the tables', () => {
  it('show the namespace where the packet of the step is, unless one is pinned', () => {
    const { reader } = session
    for (let s = 0; s < session.length; s++) {
      if (reader.packetOf(s) >= 0) expect(netnsAt(session, s, undefined, undefined)).toBe(reader.netnsAt(s))
    }
    expect(netnsAt(session, 5, undefined, 'netns:node1')).toBe('netns:node1')
  })

  it('stay where the followed packet rests while others move', () => {
    const last = session.packets.last[0] ?? -1
    expect(netnsAt(session, session.length - 1, 0, undefined)).toBe(session.reader.netnsAt(last))
  })

  it('before anything is sent show where the command will run', () => {
    expect(netnsAt(session, -1, undefined, undefined)).toBe(`netns:${session.reader.trace.journeys[0]?.from}`)
  })

  it('mark what changed since the last halt, and nothing after a long leap', () => {
    const made = session.reader.trace.events.kind.indexOf(STEP.ctChange)
    const changed = changesBetween(session, made - 1, made)
    expect([...changed.keys()].some((id) => panelOf(id) === 'conntrack')).toBe(true)
    expect(changesBetween(session, -1, -1).size).toBe(0)
    expect(changesBetween(session, -10_000, made).size).toBe(0)
  })
})

describe('names on the page', () => {
  it('cut ids where users would', () => {
    expect(placeOf('netns:node1', 'dev:node1/cbr0', 'stack')).toBe('node1 cbr0')
    expect(placeOf('netns:pod/client', undefined, 'stack')).toBe('pod/client stack')
    expect(panelOf('rule:node1/nat/KUBE-SERVICES/4')).toBe('iptables')
    expect(panelOf('netns:node1')).toBeUndefined()
  })

  it('give times the unit that fits', () => {
    expect([0, 850, 6_000, 412_000, 3_000_000_000].map(formatTime)).toEqual(['0 ns', '850 ns', '6.00 µs', '412 µs', '3.00 s'])
  })
})
