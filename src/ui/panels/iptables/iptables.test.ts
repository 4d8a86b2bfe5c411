import { describe, expect, it } from 'vitest'
import { explainRule } from '../../../kernel/netfilter/near-miss.ts'
import { formatSpec } from '../../../linux/iptables/print-rule.ts'
import { sessionOf } from '../../../store/session.ts'
import { documentNamed } from '../../../store/testing.ts'
import { recordServiceTrace } from '../../../trace/testing.ts'
import { factsAt } from './facts.ts'
import { byTable } from './tables.ts'
import { walkAt } from './walked.ts'

const session = sessionOf({
  trace: recordServiceTrace(),
  document: documentNamed('Service'),
  provenance: { kind: 'own' },
  times: { parse: 0, world: 0, run: 0 },
})
const { reader } = session
/** The first step of a kind whose facts satisfy `test`. */
const find = (test: (step: ReturnType<typeof reader.step>) => boolean): number => {
  for (let s = 0; s < session.length; s++) if (test(reader.step(s))) return s
  throw new Error('no such step')
}
const dnat = find((s) => s.kind === 'rule' && s.verdict === 'nat')

describe('what a hop asked of netfilter', () => {
  it('is the way from KUBE-SERVICES to the endpoint, in the order walked', () => {
    const walk = walkAt(session, dnat)
    expect(walk.chains.map((c) => c.slice(c.lastIndexOf('/') + 1).replace(/-[A-Z0-9]{16}$/, ''))).toEqual([
      'PREROUTING',
      'KUBE-SERVICES',
      'KUBE-SVC',
      'KUBE-SEP',
    ])
    expect([...walk.hits.values()].map((h) => h.verdict)).toEqual(['jump', 'jump', 'jump', 'nat'])
  })

  it('grows with the playhead and never shows what has not happened yet', () => {
    const before = walkAt(session, dnat - 1)
    expect(before.hits.size).toBe(walkAt(session, dnat).hits.size - 1)
    expect(walkAt(session, -1).chains).toEqual([])
  })
})

describe('why a rule did not match', () => {
  it('names the condition that the packet of that moment did not fit', () => {
    const entered = walkAt(session, dnat).entered
    const [chain, at] = [...entered].find(([id]) => id.endsWith('/KUBE-SERVICES')) ?? ['', -1]
    const view = session.timeline.at(at)
    const facts = factsAt(session, at)
    const rules = view.get('chain', chain)?.rules.map((id) => view.get('rule', id)) ?? []
    const missed = rules.find((r) => r !== undefined && !walkAt(session, dnat).hits.has(r.id))
    expect(missed).toBeDefined()
    if (missed === undefined || facts === undefined) return
    const failed = explainRule(missed.spec, facts).find((p) => p.fits === false)
    expect(formatSpec(missed.spec)).toContain('10.96.0.1/32')
    expect(failed?.part.kind).toBe('dst')
  })

  it('judges the packet as it was there, before the DNAT that came later', () => {
    const [, at] = [...walkAt(session, dnat).entered].find(([id]) => id.endsWith('/KUBE-SERVICES')) ?? ['', -1]
    const late = find((s) => s.kind === 'rewrite' && s.field === 'ip.dst')
    expect(factsAt(session, at)?.packet.dst).not.toBe(reader.packetAt(reader.packetOf(late), late).dst)
  })
})

describe('all chains of a namespace', () => {
  const view = session.timeline.at(-1)
  const chains = view.list('chain').filter((c) => c.netns === view.list('chain')[0]?.netns)
  const tables = byTable(chains, (id) => view.get('rule', id))

  it('stand by table in the order that a packet meets them: what leads somewhere before where it leads', () => {
    const nat = tables.find((t) => t.table === 'nat')?.chains.map((c) => c.name) ?? []
    const place = (name: RegExp) => nat.findIndex((n) => name.test(n))
    expect(place(/^PREROUTING$/)).toBe(0)
    expect(place(/^KUBE-SERVICES$/)).toBe(1)
    expect(place(/^KUBE-SVC-/)).toBeGreaterThan(1)
    expect(place(/^KUBE-SEP-/)).toBeGreaterThan(place(/^KUBE-SVC-/))
  })

  it('leave none out, and set those without rules apart', () => {
    expect(tables.reduce((n, t) => n + t.chains.length + t.empty.length, 0)).toBe(chains.length)
    for (const t of tables) expect(t.empty.every((c) => c.rules.length === 0)).toBe(true)
  })
})
