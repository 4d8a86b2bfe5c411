import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { answer, answerVector, type Vector, vectorsOf } from './answer.ts'
import { textFlows } from './iptables-text-flows.ts'

// kube-proxy's own decisions as data (kubernetes/kubernetes, Apache-2.0), where they are at hand.
const SHARED = new URL('../../../../shared/conformance/kube-proxy/', import.meta.url)
const here = existsSync(SHARED)
const read = (name: string): readonly Vector[] =>
  // Their schema says what they are.
  here ? ((vectorsOf(JSON.parse(readFileSync(new URL(name, SHARED), 'utf8'))) ?? []) as readonly Vector[]) : []

type Loose = Readonly<Record<string, unknown>>
const loose = (v: unknown): Loose => v as Loose
const EXPECTATIONS = [
  'expectedChains',
  'expectedLines',
  'expectedCounts',
  'expectedNoLocalEndpoints',
  'expectedDestinationRules',
  'expectedElements',
  'expectedOperations',
]
const trimmed = (text: unknown) => (typeof text === 'string' ? text.trim() : text)

describe.runIf(here)("kube-proxy's own expectations", () => {
  it.each([...read('iptables.json'), ...read('nftables.json')].map((v) => [v.id, v] as const))('%s', (_, vector) => {
    const v = loose(vector)
    const read = answer(vector)
    if (!read.ok) throw new Error(read.error)
    const given = loose(read.value)
    const text = v.expectedIptables ?? v.expectedNftables
    if (text) expect(trimmed(given.ruleset)).toBe(trimmed(text))
    if (text && v.staleChains) expect(given.staleChains).toEqual((v.staleChains as string[]).toSorted())
    const flows = (v.flows as readonly Loose[]).map(({ name, expect: end, masq }) => ({ name, expect: end, masq }))
    expect(given.flows).toEqual(flows)
    expect(given.unknownFields).toBeUndefined()
    for (const key of EXPECTATIONS) if (key in v) expect([key, given[key]]).toEqual([key, v[key]])
  })

  it.each([...read('names.json'), ...read('service-map.json')].map((v) => [v.id, v] as const))('%s', (_, vector) => {
    expect(loose(answerVector(vector)).expect).toEqual(loose(vector).expect)
  })

  it.each(read('topology.json').map((v) => [v.id, v] as const))('%s', (_, vector) => {
    const sets = (e: unknown) => Object.entries(loose(e)).map(([k, v]) => [k, Array.isArray(v) ? v.toSorted() : v])
    expect(sets(loose(answerVector(vector)).expect)).toEqual(sets(loose(vector).expect))
  })

  it('answers IPv4 flows through the engine as a walk of the text does', () => {
    for (const vector of read('iptables.json')) {
      if (!('nodeConfig' in vector) || vector.nodeConfig.ipFamily !== 'IPv4' || vector.flows.length === 0) continue
      const full = { ...vector, sync: { kind: 'full', previous: null } } as const
      const given = loose(answerVector(full))
      expect([vector.id, given.flows]).toEqual([
        vector.id,
        textFlows(vector.flows, String(given.ruleset), vector.nodeConfig.tracerLocalIPs),
      ])
    }
  })
})
