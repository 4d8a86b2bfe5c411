import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LIBRARY } from '../library/index.ts'
import type { Manifest, ScenarioDocument } from '../scenario/document.ts'
import { run } from '../sim/run.ts'
import { traceHash } from '../trace/hash.ts'
import { KeptWorlds } from './kept-worlds.ts'
import { playOf } from './play.ts'
import { documentOf, node, pod, service } from './testing.ts'
import { clusterIp, largeDocument } from './testing-large.ts'

const hashes = new Map<ScenarioDocument, string>()

/** Of the run of a world that was built for it alone. */
function fresh(document: ScenarioDocument): string {
  const known = hashes.get(document)
  if (known !== undefined) return known
  const hash = played(playOf(document), document.seed)
  hashes.set(document, hash)
  return hash
}

function played(play: ReturnType<typeof playOf>, seed: number): string {
  if (!play.ok) return JSON.stringify(play.error)
  return traceHash(run(play.value.world, play.value.journeys, { seed, changes: play.value.changes }))
}

const kept = (worlds: KeptWorlds, document: ScenarioDocument): string => played(worlds.play(document), document.seed)

/** As it comes out of a message: nothing of it is the same object. */
const copy = (document: ScenarioDocument): ScenarioDocument => structuredClone(document)

/** Other journeys, changes, or seeds in the same cluster; and other clusters that look much alike. */
function variantsOf(d: ScenarioDocument): ScenarioDocument[] {
  const [first] = d.journeys
  const { changes: _, ...still } = d
  return [
    d,
    { ...d, seed: d.seed + 1 },
    { ...d, journeys: [...d.journeys, ...(first === undefined ? [] : [first])] },
    { ...d, title: 'another', journeys: d.journeys.slice(0, 1) },
    { ...d, journeys: [{ from: 'nowhere', run: 'ping 10.0.0.1' }] },
    { ...d, journeys: [{ from: 'node1', run: 'getent hosts web' }] },
    still,
    { ...d, cluster: { ...d.cluster, network: { ...d.cluster.network, mtu: 1400 } } },
    { ...d, objects: d.objects.toReversed() },
  ]
}

describe('worlds that are kept', () => {
  it('give the traces of worlds built anew, for all built-in scenarios in whatever order', { timeout: 300_000 }, () => {
    const documents = LIBRARY.flatMap((e) => variantsOf(e.document))
    const asked = fc.array(fc.constantFrom(...documents), { minLength: 20, maxLength: 40 })
    fc.assert(
      fc.property(asked, (order) => {
        const worlds = new KeptWorlds()
        for (const d of order) expect(kept(worlds, copy(d))).toBe(fresh(d))
        // The one asked for last is there.
        const { built } = worlds
        for (const d of order.slice(-1)) expect(kept(worlds, copy(d))).toBe(fresh(d))
        expect(worlds.built).toBe(built)
      }),
      { numRuns: 6 },
    )
  })

  it('are built once for all commands in one cluster', () => {
    const worlds = new KeptWorlds()
    const objects = [node('node1'), pod('client', 'node1'), service('web', { clusterIP: '10.96.0.10', ports: [{ port: 80 }] })]
    for (const run of ['curl http://10.96.0.10/', 'ping -c1 10.96.0.10', 'nc -z 10.96.0.10 80']) {
      expect(worlds.world(copy(documentOf(objects, { journeys: [{ from: 'pod/client', run }] }))).ok).toBe(true)
    }
    expect(worlds.built).toBe(1)
    expect(worlds.world(documentOf([...objects, pod('other', 'node1')])).ok).toBe(true)
    expect(worlds.built).toBe(2)
  })

  it('of a cluster without DNS are another for a command that asks for a name', () => {
    const worlds = new KeptWorlds()
    const objects = [node('node1'), pod('client', 'node1')]
    const built = ['ping -c1 10.244.1.1', 'ping -c1 web', 'getent hosts web', 'ping -c1 10.244.1.1'].map((run) => {
      const d = documentOf(objects, { journeys: [{ from: 'pod/client', run }] })
      expect(kept(worlds, d)).toBe(fresh(d))
      return worlds.built
    })
    expect(built).toEqual([1, 2, 2, 2])
  })

  it('of a cluster whose rules are on the nodes that a command passes alone are another for a command that passes others', () => {
    const worlds = new KeptWorlds()
    const large = largeDocument(600)
    const asking = (i: number) => ({ ...large, journeys: [{ from: 'pod/client', run: `ping -c1 ${clusterIp(i)}` }] })
    const built = [1, 11, 2, 1].map((i) => {
      const world = worlds.world(asking(i))
      return world.ok ? worlds.built : undefined
    })
    // app-1 and app-11 are on the same nodes, app-2 is on others.
    expect(built).toEqual([1, 1, 2, 2])
    expect(worlds.planned).toBe(1)
  })

  it('have other changes for a command that names other load balancers, where a Service makes them too many to be all there', () => {
    const balanced = (i: number): Manifest => ({
      ...service(`web-${i}`, { type: 'LoadBalancer', clusterIP: `10.96.0.${i + 1}`, ports: [{ port: 80, nodePort: 30000 + i }] }),
      status: { loadBalancer: { ingress: [{ ip: `198.51.100.${i + 1}` }] } },
    })
    const four = [0, 1, 2, 3]
    const asking = (...named: number[]) =>
      documentOf([node('node1'), pod('client', 'node1'), ...four.map(balanced)], {
        journeys: [{ from: 'pod/client', run: `ping -c1 ${named.map((i) => `198.51.100.${i + 1}`).join()}` }],
        changes: [{ journey: 0, at: '0s', apply: [balanced(4)] }],
      })
    const worlds = new KeptWorlds()
    expect([asking(...four), asking(0), asking(...four)].map((d) => worlds.play(d).ok)).toEqual([true, false, true])
    expect(worlds.built).toBe(1)
  })

  it('of a cluster with many load balancers are another for a command that names another of them', () => {
    const balanced = (i: number): Manifest => ({
      ...service(`web-${i}`, { type: 'LoadBalancer', clusterIP: `10.96.0.${i + 1}`, ports: [{ port: 80, nodePort: 30000 + i }] }),
      status: { loadBalancer: { ingress: [{ ip: `198.51.100.${i + 1}`, ...(i % 2 === 0 ? { ipMode: 'Proxy' } : {}) }] } },
    })
    const objects = [node('node1'), pod('client', 'node1'), ...Array.from({ length: 6 }, (_, i) => balanced(i))]
    const asking = (...addresses: string[]) =>
      documentOf(objects, { journeys: addresses.map((a) => ({ from: 'pod/client', run: `ping -c1 ${a}` })) })
    const worlds = new KeptWorlds()
    for (const d of [asking('198.51.100.1'), asking('198.51.100.2'), asking('198.51.100.1', '10.96.0.3'), asking('10.96.0.3')]) {
      expect(kept(worlds, d)).toBe(fresh(d))
    }
    expect(worlds.planned).toBe(3)
  })
})
