import { describe, expect, it } from 'vitest'
import { corednsPod, KUBE_DNS, NAMED, NAMED_WEB } from '../library/dns-parts.ts'
import { clientPod, scenario, TWO_NODES } from '../library/parts.ts'
import type { Manifest } from '../scenario/document.ts'
import { fileId } from '../world/ids.ts'
import { viewOf } from '../world/world.ts'
import { buildWorld } from './build.ts'
import { fillIn } from './fill-in.ts'
import { nodesOnTheWay } from './realise.ts'

function worldOf(objects: readonly Manifest[]) {
  const world = buildWorld(scenario({ title: 'names', objects, journeys: [] }))
  if (!world.ok) throw new Error(world.error.map((e) => e.message).join('; '))
  return world.value
}

/** resolv.conf of pod/client with these fields in its spec. */
function resolvConf(spec: Record<string, unknown>, objects: readonly Manifest[] = NAMED): string | undefined {
  const world = worldOf(
    objects.map((m) => (m.metadata.name === 'client' ? { ...m, spec: { ...(m.spec as Record<string, unknown>), ...spec } } : m)),
  )
  const file = world.get(fileId('pod/client', '/etc/resolv.conf'))
  return file?.kind === 'file' ? file.content : undefined
}

describe('resolv.conf, as the kubelet writes it', () => {
  it('names kube-dns and the search list of the pod’s namespace', () => {
    expect(resolvConf({})).toBe(
      'search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n',
    )
  })

  it('is the node’s with dnsPolicy Default, and for a cluster whose kube-dns Service is missing', () => {
    expect(resolvConf({ dnsPolicy: 'Default' })).toBe('nameserver 198.51.100.53\n')
    expect(
      resolvConf({}, [...TWO_NODES, clientPod('client', 'node1', '10.244.1.2'), corednsPod('c', 'node2', '10.244.2.2')]),
    ).toBe('nameserver 198.51.100.53\n')
  })

  it('is what dnsConfig says with dnsPolicy None, and takes its additions otherwise', () => {
    const dnsConfig = {
      nameservers: ['192.0.2.53'],
      searches: ['example.com'],
      options: [{ name: 'ndots', value: '1' }, { name: 'edns0' }],
    }
    expect(resolvConf({ dnsPolicy: 'None', dnsConfig })).toBe(
      'search example.com\nnameserver 192.0.2.53\noptions ndots:1 edns0\n',
    )
    expect(resolvConf({ dnsConfig })).toBe(
      'search default.svc.cluster.local svc.cluster.local cluster.local example.com\nnameserver 10.96.0.10\nnameserver 192.0.2.53\noptions ndots:1 edns0\n',
    )
  })

  it('is not there at all where the document has no DNS', () => {
    expect(resolvConf({}, [...TWO_NODES, clientPod('client', 'node1', '10.244.1.2')])).toBeUndefined()
  })
})

describe('CoreDNS in a document', () => {
  it('is known by its image, and has the Corefile of its ConfigMap or the one that kubeadm gives', () => {
    const own: Manifest = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'coredns', namespace: 'kube-system' },
      data: { Corefile: '.:53 {\n  kubernetes example.org\n}\n' },
    }
    const view = viewOf(worldOf([...NAMED, own]))
    expect(view.list('process', 'netns:pod/kube-system/coredns').map((p) => p.argv.join(' '))).toEqual([
      'coredns -conf /etc/coredns/Corefile',
      'httpd -p 9153',
    ])
    const corefile = (w: ReturnType<typeof worldOf>) => {
      const file = w.get(fileId('pod/kube-system/coredns', '/etc/coredns/Corefile'))
      return file?.kind === 'file' ? file.content : ''
    }
    expect(corefile(worldOf([...NAMED, own]))).toContain('kubernetes example.org')
    expect(corefile(worldOf(NAMED))).toContain('kubernetes cluster.local in-addr.arpa ip6.arpa')
  })

  it('gives the nodes of a Service that a command names, and of CoreDNS, their rules on a large cluster', () => {
    const objects = NAMED_WEB.map((m) => (m.metadata.name === 'coredns' ? corednsPod('coredns', 'node1', '10.244.1.3') : m))
    const document = scenario({ title: 'names', objects, journeys: [] })
    const cluster = fillIn(document)
    if (!cluster.ok) throw new Error(cluster.error.map((e) => e.message).join('; '))
    const at = (run: string) => [...nodesOnTheWay(cluster.value, [{ from: 'pod/client', run }])].map((n) => n.name)
    expect(at('curl http://web.default/')).toEqual(['node1', 'node2'])
    expect(at('curl http://nobody.default/')).toEqual(['node1'])
  })

  it('gives pods of a StatefulSet names below their governing Service', () => {
    const set: Manifest = {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'db' },
      spec: {
        replicas: 2,
        serviceName: 'db',
        selector: { matchLabels: { app: 'db' } },
        template: {
          metadata: { labels: { app: 'db' } },
          spec: { containers: [{ name: 'db', ports: [{ containerPort: 5432 }] }] },
        },
      },
    }
    const service: Manifest = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'db' },
      spec: { clusterIP: 'None', selector: { app: 'db' }, ports: [{ port: 5432 }] },
    }
    const slice = viewOf(worldOf([...TWO_NODES, KUBE_DNS, set, service]))
      .list('object')
      .find((o) => o.objectKind === 'EndpointSlice' && o.name.startsWith('db-'))
    const endpoints = slice?.manifest.endpoints as { hostname?: string }[]
    expect(endpoints.map((e) => e.hostname)).toEqual(['db-0', 'db-1'])
  })
})
