import { describe, expect, it } from 'vitest'
import type { Manifest, ScenarioDocument } from '../scenario/document.ts'
import { play } from '../sim/testing/play.ts'
import { viewOf } from '../world/world.ts'
import { built, documentOf, errorsOf, node, pod, service } from './testing.ts'

// What stands around a cluster: machines beside the nodes, and the load balancers of the cloud.

const NODES = [node('node1', '10.244.1.0/24', '192.168.1.11'), node('node2', '10.244.2.0/24', '192.168.1.12')]
const BACKEND = pod('web', 'node1', { podIP: '10.244.1.5', app: 'web', ports: [{ containerPort: 8080 }] })
const VIP = '203.0.113.100'
const balanced = (spec: object = {}, ingress: object = { ip: VIP }): Manifest => ({
  ...service('web', {
    type: 'LoadBalancer',
    selector: { app: 'web' },
    ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }],
    ...spec,
  }),
  status: { loadBalancer: { ingress: [ingress] } },
})
const documentWith = (object: Manifest, cluster: Partial<ScenarioDocument['cluster']> = {}): ScenarioDocument => {
  const doc = documentOf([...NODES, BACKEND, object])
  return { ...doc, cluster: { ...doc.cluster, clients: [{ name: 'laptop' }], ...cluster } }
}
const cloud = { network: { plugin: 'bridge', fabric: 'cloud', mtu: 1500 } } as const
const answer = (doc: ScenarioDocument, from: string, url = `http://${VIP}/`) => {
  const { exitCodes, output } = play(built(doc), [from, `curl -m 3 ${url}`])
  return exitCodes[0] === 0 ? (/RemoteAddr: ([\d.]+)/.exec(output[0] ?? '')?.[1] ?? 'answered') : 'failed'
}

describe('a machine beside the nodes', () => {
  it('has an address of their subnet, and the cluster’s gateway as its own', () => {
    expect(answer(documentWith(balanced()), 'client/laptop', 'http://192.168.1.12:30080/')).toBe('192.168.1.12')
    expect(answer(documentWith(balanced(), cloud), 'client/laptop', 'http://192.168.1.11:30080/')).toBe('10.244.1.1')
  })

  it('has a name and an address of its own', () => {
    const clients = (...list: { name: string; address?: string }[]) => documentWith(balanced(), { clients: list })
    expect(errorsOf(clients({ name: 'node1' }))).toEqual([
      'cluster.clients[0].name: node1 is taken already; expected a name of its own',
    ])
    expect(errorsOf(clients({ name: 'a', address: '192.168.1.12' }))).toEqual([
      'cluster.clients[0].address: 192.168.1.12 is taken already; expected an address of its own',
    ])
    expect(errorsOf(clients({ name: 'a', address: '10.0.0.1' }))).toEqual([
      `cluster.clients[0].address: found "10.0.0.1"; expected an address of the nodes' subnet 192.168.1.0/24`,
    ])
  })
})

describe('a load balancer', () => {
  it.each([
    ['on one segment', {}],
    ['behind the cloud’s router', cloud],
  ])('%s keeps the client’s address and gets the answers back, so that policy Local can show it', (_, more) => {
    expect(answer(documentWith(balanced({ externalTrafficPolicy: 'Local' }), more), 'internet')).toBe('198.51.100.10')
    expect(answer(documentWith(balanced(), more), 'internet')).not.toBe('198.51.100.10')
  })

  it('with policy Local only sends to nodes that have a ready endpoint', () => {
    const targets = (spec: object, objects: readonly Manifest[] = []) =>
      viewOf(built(documentOf([...NODES, BACKEND, ...objects, balanced(spec)])))
        .list('rule', 'netns:lb/web')
        .filter((r) => r.spec.target.kind === 'dnat')
        .map((r) => r.origin.detail)
    expect(targets({})).toEqual(['target 1 of 2: node1', 'target 2 of 2: node2'])
    expect(targets({ externalTrafficPolicy: 'Local' })).toEqual(['target 1 of 1: node1'])
    const other = pod('other', 'node2', { app: 'web', ports: [{ containerPort: 8080 }] })
    expect(targets({ externalTrafficPolicy: 'Local' }, [other])).toHaveLength(2)
  })

  it('leaves out nodes that are labelled so', () => {
    const label = 'node.kubernetes.io/exclude-from-external-load-balancers'
    const excluded = { ...node('node3'), metadata: { name: 'node3', labels: { [label]: '' } } }
    const rules = viewOf(built(documentOf([...NODES, excluded, BACKEND, balanced()]))).list('rule', 'netns:lb/web')
    expect(rules.filter((r) => r.spec.target.kind === 'dnat')).toHaveLength(2)
  })

  it('serves clients on the nodes’ own segment by its own address: they would be answered past it', () => {
    expect(answer(documentWith(balanced({ externalTrafficPolicy: 'Local' })), 'client/laptop')).toBe('100.64.0.2')
    expect(answer(documentWith(balanced({ externalTrafficPolicy: 'Local' }), cloud), 'client/laptop')).toBe('192.168.1.100')
  })

  it('does not disturb node ports that are asked directly', () => {
    expect(answer(documentWith(balanced()), 'internet', 'http://203.0.113.11:30080/')).toBe('10.244.1.1')
    expect(answer(documentWith(balanced(), cloud), 'internet', 'http://203.0.113.12:30080/')).toBe('192.168.1.12')
  })

  it('of several Services are several, each with its own way back', () => {
    const second: Manifest = {
      ...balanced({ ports: [{ port: 8000, targetPort: 8080, nodePort: 30081 }] }, { ip: '203.0.113.101' }),
      metadata: { name: 'api', namespace: 'default' },
    }
    const doc = documentOf([...NODES, BACKEND, balanced(), second])
    expect(answer(doc, 'internet')).not.toBe('failed')
    expect(answer(doc, 'internet', 'http://203.0.113.101:8000/')).not.toBe('failed')
  })

  it('of many Services is made where a command names its address; of the others it is said', () => {
    const many = Array.from({ length: 9 }, (_, i): Manifest => {
      const ports = [{ port: 80, targetPort: 8080, nodePort: 30100 + i }]
      return { ...balanced({ ports }, { ip: `203.0.113.${110 + i}` }), metadata: { name: `s${i}` } }
    })
    const doc = documentOf([...NODES, BACKEND, ...many], { journeys: [{ from: 'internet', run: 'curl http://203.0.113.113/' }] })
    const view = viewOf(built(doc))
    expect(view.list('netns').flatMap((n) => (n.role === 'load-balancer' ? [n.name] : []))).toEqual(['lb/s3'])
    expect(view.list('note').map((n) => n.what)).toEqual([
      'Load balancers whose address no command names are left out: default/s0 (203.0.113.110), default/s1 (203.0.113.111), default/s2 (203.0.113.112), default/s4 (203.0.113.114) … (8 in all)',
    ])
  })

  it.each([
    ['has no address', balanced({}, {}), 'has no address (status.loadBalancer.ingress)'],
    ['has a name only', balanced({}, { hostname: 'lb.example.org' }), 'has a name only'],
    [
      'ends connections of UDP',
      balanced({ ports: [{ port: 53, protocol: 'UDP', nodePort: 30053 }] }, { ip: VIP, ipMode: 'Proxy' }),
      'for TCP only',
    ],
    ['is announced by a node', balanced({}, { ip: '192.168.1.240' }), 'an address of the nodes’ own subnet'],
    ['has no node ports', balanced({ allocateLoadBalancerNodePorts: false, ports: [{ port: 80 }] }), 'has no node ports'],
  ])('that %s is not made, and it is said why', (_, object, why) => {
    const view = viewOf(built(documentOf([...NODES, BACKEND, object])))
    expect(view.list('netns').filter((n) => n.role === 'load-balancer')).toEqual([])
    expect(
      view
        .list('note')
        .map((n) => n.what.replaceAll("'", '’'))
        .join(),
    ).toContain(why)
  })
})
