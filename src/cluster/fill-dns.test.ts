import { describe, expect, it } from 'vitest'
import { validateDocument } from '../scenario/schema.ts'
import { asksForName } from './fill-dns.ts'
import { fillIn } from './fill-in.ts'

const node = (name: string) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } })
const client = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'client' },
  spec: { nodeName: 'node1', containers: [{ name: 'c' }] },
}

function cluster(run: string, { objects = [], dns }: { objects?: readonly object[]; dns?: string } = {}) {
  const doc = validateDocument({
    hopscope: 1,
    cluster: { serviceCIDR: '10.100.0.0/16', ...(dns === undefined ? {} : { dns }) },
    objects: [node('node1'), node('node2'), client, ...objects],
    journeys: [{ from: 'pod/client', run }],
  })
  if (!doc.ok) throw new Error(JSON.stringify(doc.error))
  const filled = fillIn(doc.value)
  if (!filled.ok) throw new Error(JSON.stringify(filled.error))
  return filled.value
}
const coredns = (c: ReturnType<typeof cluster>) => c.pods.filter((p) => p.namespace === 'kube-system').map((p) => p.name)

describe('DNS that the objects leave out', () => {
  it('is added where a journey asks for a name, at the tenth address of the Service range, and said in a note', () => {
    const c = cluster('curl http://web.shop/')
    expect(coredns(c)).toEqual([expect.stringMatching(/^coredns-/)])
    expect(c.objects.find((o) => o.name === 'kube-dns')?.manifest.spec).toMatchObject({ clusterIP: '10.100.0.10' })
    expect(c.notes).toContainEqual({
      what: 'The objects have no DNS, and a journey asks for a name: CoreDNS was added behind the Service kube-dns',
      where: 'cluster.dns',
      added: true,
    })
  })

  it('leaves every address of the objects where it would be without it', () => {
    const place = (c: ReturnType<typeof cluster>) => c.pods.find((p) => p.name === 'client')?.ip
    expect(place(cluster('curl http://web/'))).toBe(place(cluster('curl http://10.100.0.80/')))
  })

  it('is not added to a cluster of addresses, nor where the document refuses it, nor beside DNS that is there', () => {
    expect(coredns(cluster('curl http://10.100.0.80/'))).toEqual([])
    expect(coredns(cluster('curl http://web/', { dns: 'none' }))).toEqual([])
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'kube-dns', namespace: 'kube-system' },
      spec: { clusterIP: '10.100.0.10', selector: { 'k8s-app': 'kube-dns' }, ports: [{ port: 53, protocol: 'UDP' }] },
    }
    expect(coredns(cluster('curl http://web/', { objects: [service] }))).toEqual([])
  })

  it('is added on request even where nobody asks yet', () => {
    expect(coredns(cluster('ping -c 1 10.244.0.1', { dns: 'coredns' }))).toHaveLength(1)
  })
})

describe('a command that needs DNS', () => {
  it.each([
    'curl http://web/',
    'curl -s web.shop.svc.cluster.local:8080/path',
    'curl -H "Host: shop.example" http://web/',
    'dig +short 10.0.0.1',
    'nslookup web',
    'ping -c 1 -I eth0 web.shop',
    'echo hi | nc -u -w 1 web 53',
  ])('%s', (run) => expect(asksForName(run)).toBe(true))

  it.each([
    'curl http://10.96.0.80/',
    'curl -H "Host: shop.example" http://10.96.0.80/cart',
    "curl -X POST -d 'a=b' -o out 10.96.0.80:80",
    'curl http://localhost:8080/',
    'ping -c 3 -i 0.2 -I eth0 10.244.1.2',
    'echo hello | nc -u -w 1 10.96.0.10 53',
    'curl --resolve web:80:10.96.0.80 http://web/',
    'ping -c 1 -M do 10.244.1.2',
    'nc -l 8080',
  ])('not: %s', (run) => expect(asksForName(run)).toBe(false))
})
