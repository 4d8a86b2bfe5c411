import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyChanges, changesBetween } from './changes.ts'
import { pack } from './deflate.ts'
import type { ScenarioDocument } from './document.ts'
import { decodeLink, encodeLink, type LinkState, MAX_LINK_BYTES } from './link.ts'

const DOCUMENT: ScenarioDocument = {
  hopscope: 1,
  title: '服务 → Pod',
  seed: 7,
  cluster: {
    podCIDR: '10.244.0.0/16',
    serviceCIDR: '10.96.0.0/16',
    network: { plugin: 'bridge', fabric: 'l2', mtu: 1500 },
    kubeProxy: { mode: 'iptables' },
  },
  objects: [{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'node1' } }],
  overrides: { node1: { sysctl: { 'net.ipv4.ip_forward': '0' } } },
  journeys: [{ from: 'node1', run: 'ping 10.0.0.1' }],
}

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/)
const view = fc.record(
  {
    at: fc.nat(1e6),
    step: fc.integer({ min: -1, max: 1e6 }),
    follow: fc.nat(1e5),
    panels: fc.array(name),
    language: fc.constantFrom('en' as const, 'zh' as const),
  },
  { requiredKeys: [] },
)
const journeys = fc.array(fc.record({ from: name, run: fc.string({ minLength: 1 }) }))
const overrides = fc.dictionary(
  name,
  fc.record({ sysctl: fc.dictionary(name, fc.string()), iptables: fc.string() }, { requiredKeys: [] }),
)
const changes = fc.record({ seed: fc.nat(0xffffffff), journeys, overrides }, { requiredKeys: [] })
const state: fc.Arbitrary<LinkState> = fc.oneof(
  fc.record({ kind: fc.constant('library' as const), id: name, changes, view }, { requiredKeys: ['kind', 'id'] }),
  fc.record(
    { kind: fc.constant('document' as const), document: changes.map((c) => ({ ...DOCUMENT, ...c })), view },
    { requiredKeys: ['kind', 'document'] },
  ),
)

const kindOf = async (fragment: string) => {
  const d = await decodeLink(fragment)
  return d.ok ? 'ok' : d.error.kind
}

describe('a share link', () => {
  it('opens at exactly what was shared', async () => {
    await fc.assert(
      fc.asyncProperty(state, async (s) => {
        const link = await encodeLink(s)
        expect(link).toMatch(/^#[sd]1\.[A-Za-z0-9_-]+$/)
        expect(await decodeLink(link)).toEqual({ ok: true, value: plain(s) })
      }),
      { numRuns: 60 },
    )
  })

  it('of a built-in scenario is short', async () => {
    const link = await encodeLink({ kind: 'library', id: 'pod-to-service-remote', view: { step: 42, follow: 3, language: 'zh' } })
    expect(link.length).toBeLessThan(140)
  })

  it('never throws, whatever stands behind the #', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.stringMatching(/^#?[sd]1\.[A-Za-z0-9_-]{0,200}$/)), async (text) => {
        expect(typeof (await decodeLink(text)).ok).toBe('boolean')
      }),
      { numRuns: 200 },
    )
  })

  it('says that it is truncated when its end is missing or a character is changed', async () => {
    const link = await encodeLink({ kind: 'document', document: DOCUMENT })
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 5, max: link.length - 1 }), async (length) => {
        expect(['truncated', 'malformed']).toContain(await kindOf(link.slice(0, length)))
      }),
      { numRuns: 60 },
    )
    expect(await kindOf(link.slice(0, -8))).toBe('truncated')
    const flipped = link.slice(0, 40) + (link[40] === 'A' ? 'B' : 'A') + link.slice(41)
    expect(await kindOf(flipped)).toBe('truncated')
  })

  it('tells a link of a newer version from one that is none', async () => {
    expect(await kindOf('#s2.abc')).toBe('newer')
    expect(await kindOf('#x1.abc')).toBe('newer')
    expect(await kindOf(`#d1.${await pack(JSON.stringify({ document: { ...DOCUMENT, hopscope: 2 } }))}`)).toBe('newer')
    expect(await kindOf('#hello')).toBe('malformed')
    expect(await kindOf('#s1.not base64')).toBe('malformed')
    expect(await kindOf(`#s1.${await pack('[1,2]')}`)).toBe('malformed')
    expect(await kindOf(`#s1.${await pack('{"id":"x","changes":{"seed":"one"}}')}`)).toBe('malformed')
  })

  it('does not inflate beyond 8 MB', async () => {
    const bomb = await pack(`{"id":"${'a'.repeat(MAX_LINK_BYTES)}"}`)
    expect(bomb.length).toBeLessThan(20_000)
    expect(await kindOf(`#s1.${bomb}`)).toBe('too-large')
  })

  it('cannot reach a prototype', async () => {
    expect(await kindOf(`#s1.${await pack('{"id":"x","changes":{"overrides":{"__proto__":{"sysctl":{"a":"b"}}}}}')}`)).toBe(
      'malformed',
    )
    expect(({} as Record<string, unknown>).sysctl).toBeUndefined()
  })
})

describe('changes to a built-in scenario', () => {
  it('are the sections that differ, and give the document back', () => {
    fc.assert(
      fc.property(changes, (c) => {
        const document = { ...DOCUMENT, ...c }
        expect(applyChanges(DOCUMENT, changesBetween(DOCUMENT, document))).toEqual(document)
      }),
    )
    expect(changesBetween(DOCUMENT, structuredClone(DOCUMENT))).toBeUndefined()
    expect(changesBetween(DOCUMENT, { ...DOCUMENT, seed: 8 })).toEqual({ seed: 8 })
  })
})

/** fast-check's records and dictionaries may have no prototype; JSON's objects have one. */
const plain = (s: LinkState): unknown => JSON.parse(JSON.stringify(s))
