import { describe, expect, it } from 'vitest'
import { formatIpv4, formatPrefix } from '../net/address.ts'
import { fillIn } from './fill-in.ts'
import type { Cluster } from './model.ts'
import { documentOf, node, pod, routesText, service, viewOfDocument } from './testing.ts'

function filled(doc: Parameters<typeof fillIn>[0]): Cluster {
  const c = fillIn(doc)
  if (!c.ok) throw new Error(JSON.stringify(c.error))
  return c.value
}

describe('what a control plane fills in', () => {
  it('gives nodes an address and the next free slice of the cluster range', () => {
    const c = filled(documentOf([node('a'), node('b', '10.244.0.0/24'), node('c')]))
    expect(c.nodes.map((n) => [n.name, formatIpv4(n.ip), formatPrefix(n.podCIDR)])).toEqual([
      ['a', '192.168.1.11', '10.244.1.0/24'],
      ['b', '192.168.1.12', '10.244.0.0/24'],
      ['c', '192.168.1.13', '10.244.2.0/24'],
    ])
  })

  it('gives pods addresses from .2 upwards, around those that are given', () => {
    const c = filled(
      documentOf([node('n', '10.244.1.0/24'), pod('a', 'n'), pod('b', 'n', { podIP: '10.244.1.3' }), pod('c', 'n')]),
    )
    expect(c.pods.map((p) => [p.name, formatIpv4(p.ip)])).toEqual([
      ['a', '10.244.1.2'],
      ['b', '10.244.1.3'],
      ['c', '10.244.1.4'],
    ])
  })

  it('schedules pods that name no node to the one with the fewest', () => {
    const free = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers: [{ name: 'c' }] } })
    const c = filled(documentOf([node('a'), node('b'), pod('x', 'a'), free('y'), free('z')]))
    expect(c.pods.map((p) => [p.name, p.node.name])).toEqual([
      ['x', 'a'],
      ['y', 'b'],
      ['z', 'a'],
    ])
  })

  it('lists every path that it filled in, and leaves the given manifest alone', () => {
    const given = pod('client', 'n')
    const view = viewOfDocument(documentOf([node('n'), given]))
    expect(view.get('object', 'obj:Pod/default/client')?.filled).toEqual([
      'status.podIP',
      'status.podIPs',
      'status.phase',
      'status.conditions[0]',
    ])
    expect(given.status).toBeUndefined()
  })

  it('makes EndpointSlices from selectors, with named target ports looked up in each pod', () => {
    const c = filled(
      documentOf([
        node('n', '10.244.1.0/24'),
        pod('a', 'n', { app: 'web', ports: [{ name: 'http', containerPort: 8080 }] }),
        pod('b', 'n', { app: 'web', ports: [{ name: 'http', containerPort: 9090 }] }),
        pod('c', 'n', { app: 'web' }),
        service('web', { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] }),
      ]),
    )
    expect(c.slices.map((s) => [s.ports.map((p) => p.port), s.endpoints.map((e) => formatIpv4(e.address))])).toEqual([
      [[8080], ['10.244.1.2']],
      [[9090], ['10.244.1.3']],
      [[], ['10.244.1.4']],
    ])
  })

  it('marks the endpoints of pods that are not ready, and of those being deleted', () => {
    const conditions = (name: string, extra: object, metadata: object = {}) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, labels: { app: 'web' }, ...metadata },
      spec: { nodeName: 'n', containers: [{ name: 'c' }] },
      status: { phase: 'Running', ...extra },
    })
    const c = filled(
      documentOf([
        node('n'),
        conditions('up', { conditions: [{ type: 'Ready', status: 'True' }] }),
        conditions('down', { conditions: [{ type: 'Ready', status: 'False' }] }),
        conditions('leaving', { conditions: [{ type: 'Ready', status: 'True' }] }, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
        service('web', { selector: { app: 'web' }, ports: [{ port: 80 }] }),
      ]),
    )
    expect(c.slices[0]?.endpoints.map((e) => [e.ready, e.serving, e.terminating])).toEqual([
      [true, true, false],
      [false, false, false],
      [false, true, true],
    ])
  })

  it('respects a given EndpointSlice, even when its pod is gone', () => {
    const slice = {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: 'IPv4',
      ports: [{ port: 8080 }],
      endpoints: [{ addresses: ['10.244.1.9'] }],
    }
    const c = filled(
      documentOf([node('n', '10.244.1.0/24'), slice, service('web', { selector: { app: 'web' }, ports: [{ port: 80 }] })]),
    )
    expect(c.slices.map((s) => s.endpoints.map((e) => formatIpv4(e.address)))).toEqual([['10.244.1.9']])
  })

  it('mirrors Endpoints of a Service that has no slices', () => {
    const endpoints = {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { name: 'db' },
      subsets: [{ addresses: [{ ip: '192.0.2.7' }], notReadyAddresses: [{ ip: '192.0.2.8' }], ports: [{ port: 5432 }] }],
    }
    const c = filled(documentOf([node('n'), endpoints, service('db', { ports: [{ port: 5432 }] })]))
    expect(c.slices[0]?.endpoints.map((e) => [formatIpv4(e.address), e.ready])).toEqual([
      ['192.0.2.7', true],
      ['192.0.2.8', false],
    ])
  })

  it('allocates cluster IPs above the band that people choose from, by name', () => {
    const c = filled(documentOf([node('n'), service('a', { ports: [{ port: 80 }] }), service('b', { ports: [{ port: 80 }] })]))
    const [a, b] = c.services.map((s) => s.clusterIP ?? 0)
    expect(a).not.toBe(b)
    for (const x of [a ?? 0, b ?? 0]) expect(x - 0x0a600000).toBeGreaterThan(256)
  })

  it("puts a host-network pod into its node's namespace", () => {
    const host = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'proxy', namespace: 'kube-system' },
      spec: { nodeName: 'n', hostNetwork: true, containers: [{ name: 'c', ports: [{ containerPort: 10256 }] }] },
    }
    const view = viewOfDocument(documentOf([node('n', undefined, '192.168.1.20'), host]))
    expect(view.get('netns', 'netns:pod/kube-system/proxy')).toBeUndefined()
    expect(view.list('process', 'netns:n').map((p) => p.argv.join(' '))).toEqual(['httpd -p 10256'])
  })

  it('leaves pods that have ended without a network', () => {
    const job = { ...pod('job', 'n', { podIP: '10.244.0.5' }), status: { phase: 'Succeeded', podIP: '10.244.0.5' } }
    const view = viewOfDocument(documentOf([node('n'), job, pod('next', 'n', { podIP: '10.244.0.5' })]))
    expect(view.get('netns', 'netns:pod/job')).toBeUndefined()
    expect(view.get('netns', 'netns:pod/next')).toBeDefined()
  })

  it('says in plain words what it keeps but does not model', () => {
    const policy = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'deny' }, spec: {} }
    const view = viewOfDocument(
      documentOf([node('n'), policy, service('web', { type: 'LoadBalancer', ports: [{ port: 80, nodePort: 30080 }] })]),
    )
    expect(view.list('note').map((x) => x.what)).toEqual([
      'The load balancer in front of Service default/web has no address (status.loadBalancer.ingress); its node ports and cluster IP work',
      'NetworkPolicy objects are kept, but not enforced yet (1 object)',
    ])
  })
})

describe('pod addresses that no node range explains', () => {
  const real = (name: string, nodeName: string, podIP: string) => ({
    ...pod(name, nodeName, { podIP }),
    metadata: { name, uid: '00000000-0000-4000-8000-000000000000' },
  })

  it('become the range of a node that has none, when they are all in one /24', () => {
    const c = filled(documentOf([node('a'), node('b'), pod('x', 'b', { podIP: '10.244.7.5' }), pod('y', 'a')]))
    expect(c.nodes.map((n) => formatPrefix(n.podCIDR))).toEqual(['10.244.0.0/24', '10.244.7.0/24'])
  })

  it('are routed one by one when another address management gave them, as in a pasted Calico cluster', () => {
    const view = viewOfDocument(
      documentOf([
        node('a', undefined, '10.0.0.1'),
        node('b', undefined, '10.0.0.2'),
        real('x', 'a', '10.244.9.5'),
        real('y', 'b', '10.244.9.6'),
      ]),
    )
    expect(routesText(view, 'a')).toContain('10.244.9.6/32 via 10.0.0.2 dev eth0')
    expect(routesText(view, 'b')).toContain('10.244.9.6/32 dev cbr0 scope link')
    expect(view.list('note').map((n) => n.where)).toEqual(['objects[2].status.podIP', 'objects[3].status.podIP'])
  })
})

describe('what the workload controllers make', () => {
  const workload = (kind: string, spec: object) => ({
    apiVersion: 'apps/v1',
    kind,
    metadata: { name: 'web' },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', ports: [{ containerPort: 8080 }] }] } },
      ...spec,
    },
  })
  const names = (...objects: Parameters<typeof documentOf>[0]) => filled(documentOf(objects)).pods.map((p) => p.name)

  it('is a pod per replica, a pod per node, or numbered pods', () => {
    expect(names(node('a'), workload('Deployment', { replicas: 2 }))).toEqual([
      expect.stringMatching(/^web-[a-z0-9]{9}-[a-z0-9]{5}$/),
      expect.stringMatching(/^web-[a-z0-9]{9}-[a-z0-9]{5}$/),
    ])
    expect(names(node('a'), workload('StatefulSet', { replicas: 2 }))).toEqual(['web-0', 'web-1'])
    const daemons = filled(documentOf([node('a'), node('b'), workload('DaemonSet', {})])).pods
    expect(daemons.map((p) => p.node.name)).toEqual(['a', 'b'])
  })

  it('is nothing when the pods are given', () => {
    expect(names(node('a'), workload('Deployment', { replicas: 3 }), pod('web-1', 'a', { app: 'web' }))).toEqual(['web-1'])
  })

  it('makes manifests out of a repository playable: a Deployment, a Service, and not even a node', () => {
    const c = filled(
      documentOf([
        workload('Deployment', { replicas: 2 }),
        service('web', { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] }),
      ]),
    )
    expect(c.nodes.map((n) => n.name)).toEqual(['node1', 'node2'])
    expect(c.slices[0]?.endpoints.map((e) => e.nodeName)).toEqual(['node1', 'node2'])
    expect(c.notes[0]?.what).toBe('No Node object was given: node1, node2 were added')
  })

  it('knows the nodes from the pods when only pods are pasted', () => {
    const real = { ...pod('x', 'worker-7'), status: { podIP: '10.244.3.9', hostIP: '10.1.2.3', phase: 'Running' } }
    const c = filled(documentOf([real]))
    expect(c.nodes.map((n) => [n.name, formatIpv4(n.ip), formatPrefix(n.podCIDR)])).toEqual([
      ['worker-7', '10.1.2.3', '10.244.3.0/24'],
    ])
  })
})
