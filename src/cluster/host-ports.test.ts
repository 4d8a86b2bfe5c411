import { describe, expect, it } from 'vitest'
import { at, textAt } from '../base/fields.ts'
import type { Manifest } from '../scenario/document.ts'
import { play } from '../sim/testing/play.ts'
import { viewOf } from '../world/world.ts'
import { built, documentOf, errorsOf, node, pod } from './testing.ts'

// Ports of a node that lead to one pod: the CNI portmap plugin's rules, and a webhook that hands such ports out.

const NODES = [node('node1', '10.244.1.0/24', '192.168.1.11'), node('node2', '10.244.2.0/24', '192.168.1.12')]
const ports = (hostPort: number, more: object = {}) => [{ containerPort: 8080, hostPort, ...more }]
const web = pod('web', 'node1', { podIP: '10.244.1.5', ports: ports(18080) })

const rulesOf = (objects: readonly Manifest[], netns: string) =>
  viewOf(built(documentOf([...NODES, ...objects])))
    .list('rule', `netns:${netns}`)
    .filter((r) => r.chain.startsWith('CNI-') || (r.spec.target.kind === 'jump' && r.spec.target.chain.startsWith('CNI-')))

describe('a host port', () => {
  it('leaves no rule on nodes whose pods have none', () => {
    expect(rulesOf([web], 'node2')).toEqual([])
    expect(rulesOf([web], 'node1').map((r) => r.chain.replace(/-[0-9a-f]{21}$/, ''))).toEqual([
      'PREROUTING',
      'OUTPUT',
      'POSTROUTING',
      'CNI-DN',
      'CNI-DN',
      'CNI-DN',
      'CNI-HOSTPORT-DNAT',
      'CNI-HOSTPORT-MASQ',
      'CNI-HOSTPORT-SETMARK',
    ])
  })

  it('is masqueraded before kube-proxy and the network plugin have their say, and asked for after the Services', () => {
    const view = viewOf(built(documentOf([...NODES, web])))
    const jumps = (chain: string) =>
      view
        .list('rule', 'netns:node1')
        .flatMap((r) => (r.table === 'nat' && r.chain === chain && r.spec.target.kind === 'jump' ? [r.spec.target.chain] : []))
    expect(jumps('POSTROUTING')).toEqual(['CNI-HOSTPORT-MASQ', 'KUBE-POSTROUTING'])
    expect(jumps('PREROUTING')).toEqual(['KUBE-SERVICES', 'CNI-HOSTPORT-DNAT'])
  })

  it('answers other machines, the node itself and, in hairpin mode, its own pod', () => {
    const doc = documentOf([...NODES, web])
    const hairpin = { ...doc, cluster: { ...doc.cluster, network: { ...doc.cluster.network, hairpinMode: true } } }
    const outcome = (from: string, url: string, of = doc) => play(built(of), [from, `curl -m 3 ${url}`]).exitCodes[0]
    expect(outcome('node2', 'http://192.168.1.11:18080/')).toBe(0)
    expect(outcome('node1', 'http://127.0.0.1:18080/')).toBe(0)
    expect(outcome('pod/web', 'http://192.168.1.11:18080/', hairpin)).toBe(0)
    expect(outcome('pod/web', 'http://192.168.1.11:18080/')).not.toBe(0)
    expect(outcome('node1', 'http://192.168.1.12:18080/')).not.toBe(0)
  })

  it('of one address is only that one’s', () => {
    const bound = pod('web', 'node1', { podIP: '10.244.1.5', ports: ports(18080, { hostIP: '127.0.0.1' }) })
    const world = built(documentOf([...NODES, bound]))
    expect(play(world, ['node2', 'curl -m 3 http://192.168.1.11:18080/']).exitCodes[0]).not.toBe(0)
    expect(play(world, ['node1', 'curl -m 3 http://127.0.0.1:18080/']).exitCodes[0]).toBe(0)
  })

  it('belongs to one pod of a node: a second one goes elsewhere, or is refused', () => {
    const second = pod('second', 'node1', { ports: ports(18080) })
    expect(errorsOf(documentOf([...NODES, web, second]))).toEqual([
      'objects[3].spec.nodeName: pod web on node node1 has hostPort 18080/TCP already; expected another port or another node',
    ])
    expect(errorsOf(documentOf([...NODES, web, pod('udp', 'node1', { ports: ports(18080, { protocol: 'UDP' }) })]))).toEqual([])
    const free: Manifest = { ...second, spec: { containers: [{ name: 'c', ports: ports(18080) }] } }
    const world = built(documentOf([...NODES, web, pod('busy', 'node2'), pod('busier', 'node2'), free]))
    const record = [...world.values()].find((r) => r.kind === 'object' && r.name === 'second')
    expect(record?.kind === 'object' ? textAt(record.manifest, 'spec', 'nodeName') : undefined).toBe('node2')
  })
})

describe('a random host port', () => {
  const KEY = 'randhostport.webhook.bkbcs.tencent.com'
  const asking = (name: string, nodeName: string, wanted = '8080'): Manifest => {
    const plain = pod(name, nodeName, { ports: [{ containerPort: 8080 }, { name: 'metric', containerPort: 8081 }] })
    return { ...plain, metadata: { ...plain.metadata, annotations: { [KEY]: 'true', [`ports.${KEY}`]: wanted } } }
  }
  const manifestsOf = (objects: readonly Manifest[]) =>
    [...built(documentOf([...NODES, ...objects])).values()].flatMap((r) =>
      r.kind === 'object' && r.objectKind === 'Pod' ? [r] : [],
    )

  it('is written into the pod with label, anti-affinity, annotation and environment, as filled in', () => {
    const [game] = manifestsOf([asking('game', 'node1', '8080,metric')])
    const containers = at(game?.manifest, 'spec', 'containers') as { ports: { hostPort: number }[]; env: { name: string }[] }[]
    const given = containers[0]?.ports.map((p) => p.hostPort) ?? []
    expect(given).toHaveLength(2)
    expect(new Set(given).size).toBe(2)
    for (const port of given) {
      expect(port).toBeGreaterThanOrEqual(29000)
      expect(textAt(game?.manifest, 'metadata', 'labels', `${port}.${KEY}`)).toBe(String(port))
    }
    expect(textAt(game?.manifest, 'metadata', 'annotations', `${KEY}.8081`)).toBe(String(given[1]))
    expect(containers[0]?.env.map((e) => e.name)).toContain('BCS_RANDHOSTPORT_FOR_CONTAINER_PORT_8080')
    const path = ['spec', 'affinity', 'podAntiAffinity', 'requiredDuringSchedulingIgnoredDuringExecution']
    expect(at(game?.manifest, ...path)).toHaveLength(2)
    expect(game?.filled).toContain('spec.containers[0].ports[0].hostPort')
  })

  it('is one that few pods have, so that two pods of a node never clash', () => {
    const games = manifestsOf(Array.from({ length: 40 }, (_, i) => asking(`game-${i}`, 'node1')))
    expect(games).toHaveLength(40)
  })

  it('cannot be given to a port that no container has', () => {
    expect(errorsOf(documentOf([...NODES, asking('game', 'node1', '9999')]))).toEqual([
      `objects[2].metadata.annotations["ports.${KEY}"]: found "9999"; expected ports that the containers of pod game have, by number or name`,
    ])
  })
})
