import { describe, expect, it } from 'vitest'
import { clientPod, cluster, scenario, TWO_NODES, WEB_IP, webPod } from '../../library/parts.ts'
import type { ClusterConfig, Manifest, ScenarioDocument } from '../../scenario/document.ts'
import { played } from '../changes/testing.ts'
import { errorsOf, viewOfDocument } from '../testing.ts'
import { elected } from './layer2.ts'

const metallb = (kind: string, name: string, spec: object = {}): Manifest => ({
  apiVersion: 'metallb.io/v1beta1',
  kind,
  metadata: { name, namespace: 'metallb-system' },
  spec,
})
const POOL = metallb('IPAddressPool', 'first', { addresses: ['192.168.1.240-192.168.1.241'] })
const L2 = metallb('L2Advertisement', 'all')
const balanced = (name: string, spec: object = {}, more: object = {}): Manifest => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, ...more },
  spec: { type: 'LoadBalancer', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }], ...spec },
})
const lan: ClusterConfig = { ...cluster(), clients: [{ name: 'laptop', address: '192.168.1.100' }] }
const web = webPod('web-a', 'node2', '10.244.2.2')
const doc = (objects: readonly Manifest[], more: Partial<ScenarioDocument> = {}): ScenarioDocument =>
  scenario({
    title: 'MetalLB',
    cluster: lan,
    objects: [...TWO_NODES, clientPod('client', 'node1', '10.244.1.2'), web, POOL, L2, ...objects],
    journeys: [{ from: 'client/laptop', run: 'curl -m 2 http://192.168.1.240/' }],
    ...more,
  })
const VIP = 0xc0a801f0
const statuses = (d: ScenarioDocument) =>
  viewOfDocument(d)
    .list('object')
    .filter((o) => o.objectKind === 'ServiceL2Status')
    .map((o) => o.manifest.status)

describe('an address of MetalLB', () => {
  it('is the first free one of a pool, or that which the Service asks for', () => {
    const asks = { annotations: { 'metallb.io/loadBalancerIPs': '192.168.1.241' } }
    const view = viewOfDocument(doc([balanced('a'), balanced('b', {}, asks), balanced('c')]))
    const ips = ['a', 'b', 'c'].map(
      (name) =>
        (view.get('object', `obj:Service/default/${name}`)?.manifest.status as Record<string, unknown> | undefined)?.loadBalancer,
    )
    expect(ips).toEqual([
      { ingress: [{ ip: '192.168.1.240', ipMode: 'VIP' }] },
      { ingress: [{ ip: '192.168.1.241', ipMode: 'VIP' }] },
      undefined,
    ])
  })

  it('is announced by the node whose name and address hash first: another one for another address', () => {
    // sha256sum: node1#192.168.1.240 is bee6…, node2#192.168.1.240 f27d…; node1#192.168.1.244 is a591…, node2#192.168.1.244 834c….
    expect(['192.168.1.240', '192.168.1.244'].map((a) => elected(['node1', 'node2'], a))).toEqual(['node1', 'node2'])
    expect(elected(['node2', 'node1'], '192.168.1.240')).toBe(elected(['node1', 'node2'], '192.168.1.240'))
    expect(elected([], '192.168.1.240')).toBeUndefined()
  })

  it('is not announced without an endpoint, and with Local only where one is', () => {
    expect(statuses(doc([balanced('a', { selector: { app: 'nobody' } })]))).toEqual([])
    expect(statuses(doc([balanced('a', { externalTrafficPolicy: 'Local' })]))).toMatchObject([{ node: 'node2' }])
  })

  it('is refused where the pool is no range', () => {
    const bad = metallb('IPAddressPool', 'bad', { addresses: ['192.168.1.240'] })
    expect(errorsOf(doc([bad])).join()).toMatch(/spec\.addresses\[0\]: found "192\.168\.1\.240"; expected a prefix/)
  })
})

describe('a speaker', () => {
  it('answers ARP for the address, which the node itself does not have', () => {
    const p = played(doc([balanced('a', { clusterIP: WEB_IP })]))
    expect(p.outputs[0]).toMatch(/Hostname: web-a/)
    const owner = elected(['node1', 'node2'], '192.168.1.240') ?? ''
    const mac = owner === 'node1' ? '52:54:00:a8:01:0b' : '52:54:00:a8:01:0c'
    expect(p.says('client/laptop', 'ip neigh')).toContain(`192.168.1.240 dev eth0 lladdr ${mac}`)
    expect(p.says(owner, 'ip addr')).not.toContain('192.168.1.240')
    const replies = p.steps.filter((e) => e.step.kind === 'process' && e.step.text.startsWith('ARP reply'))
    expect(replies.map((e) => e.netns)).toEqual([`netns:${owner}`])
  })

  it('is not the only one that answers in IPVS mode without strictARP: there every node has the address', () => {
    const ipvs = (strictARP: boolean) =>
      played(
        doc([balanced('a', { clusterIP: WEB_IP })], { cluster: { ...lan, kubeProxy: { mode: 'ipvs', strictARP } } }),
      ).steps.filter((e) => e.step.kind === 'arp.process' && e.step.target === VIP && e.step.answer === 'reply').length
    expect([ipvs(false), ipvs(true)]).toEqual([2, 0])
  })

  it('of another node takes over when the first is cut off, and tells everybody by gratuitous ARP', () => {
    const run = 'curl -m 2 http://192.168.1.240/'
    const p = played(
      doc([balanced('a', { clusterIP: WEB_IP }), webPod('web-b', 'node1', '10.244.1.3')], {
        journeys: [
          { from: 'client/laptop', run },
          { from: 'client/laptop', run: 'ping -c 3 192.168.1.12' },
          { from: 'client/laptop', run },
        ],
        changes: [{ journey: 1, at: '1s', unplug: ['node1'] }],
      }),
    )
    expect(p.verdicts).toEqual(['answered', 'answered', 'answered'])
    expect(p.says('client/laptop', 'ip neigh', 0)).toContain('192.168.1.240 dev eth0 lladdr 52:54:00:a8:01:0b')
    expect(p.says('client/laptop', 'ip neigh', 1)).toContain('192.168.1.240 dev eth0 lladdr 52:54:00:a8:01:0c')
    const start = p.reader.timeOf(p.reader.trace.journeys[1]?.first ?? 0)
    const spam = p.steps.flatMap((e) =>
      e.step.kind === 'process' && e.step.text.startsWith('gratuitous') ? [Math.round((e.t - start) / 1e6)] : [],
    )
    expect(spam).toEqual([6000, 7100, 8200, 9300, 10400])
    expect(p.says('node2', 'kubectl get nodes')).toMatch(/node1 +NotReady/)
    expect(p.told.filter((l) => l.includes('sync')).map((l) => l.split(' ')[2])).toEqual(['node2'])
    expect(p.says('node2', 'kubectl get pods')).toMatch(/web-b +0\/1/)
  })

  it('is not asked where the pool is announced from chosen nodes and interfaces only', () => {
    const chosen = metallb('L2Advertisement', 'all', {
      ipAddressPools: ['first'],
      nodeSelectors: [{ matchLabels: { 'kubernetes.io/hostname': 'node2' } }],
      interfaces: ['eth0'],
    })
    const objects = doc([balanced('a')]).objects.map((o) => (o.kind === 'L2Advertisement' ? chosen : o))
    expect(statuses(doc([], { objects }))).toMatchObject([{ node: 'node2', interfaces: [{ name: 'eth0' }] }])
  })
})
