import { describe, expect, it } from 'vitest'
import type { Manifest, PeerCluster, ScenarioDocument } from '../scenario/document.ts'
import { validateDocument } from '../scenario/schema.ts'
import { play } from '../sim/testing/play.ts'
import { viewOf } from '../world/world.ts'
import { kubeProxyText } from './kube-proxy/feed.ts'
import { built, documentOf, errorsOf, node, pod, routesText, service } from './testing.ts'

// Two clusters that have nothing in common but the Internet.

const HOME = [node('node1', '10.244.1.0/24', '192.168.1.11'), pod('client', 'node1', { podIP: '10.244.1.2' })]
const SHOP: readonly Manifest[] = [
  node('node3', '10.245.3.0/24', '192.168.2.13'),
  pod('shop', 'node3', { podIP: '10.245.3.2', app: 'shop', ports: [{ containerPort: 8080 }] }),
  {
    ...service('shop', {
      type: 'LoadBalancer',
      clusterIP: '10.97.0.10',
      selector: { app: 'shop' },
      ports: [{ port: 80, targetPort: 8080, nodePort: 31080 }],
    }),
    status: { loadBalancer: { ingress: [{ ip: '198.18.1.100' }] } },
  },
]
const peer = (more: Partial<PeerCluster> = {}): PeerCluster => ({
  name: 'east',
  cluster: { ...documentOf([]).cluster, podCIDR: '10.245.0.0/16', serviceCIDR: '10.97.0.0/16' },
  objects: SHOP,
  ...more,
})
const two = (more: Partial<ScenarioDocument> = {}) => documentOf(HOME, { peers: [peer()], ...more })

describe('another cluster', () => {
  it('is a network of its own: its switch and its gateway carry its name, its nodes and pods their own', () => {
    const names = viewOf(built(two()))
      .list('netns')
      .map((n) => n.name)
    expect(names).toEqual([
      ...['node1', 'pod/client', 'node3', 'pod/shop', 'fabric', 'gateway'],
      ...['east/fabric', 'east/gateway', 'lb/shop', 'internet'],
    ])
  })

  it('answers at its load balancer’s address and at its nodes’ external ones, and at nothing else', () => {
    const world = built(two())
    const outcome = (from: string, url: string) => play(world, [from, `curl -m 3 ${url}`]).exitCodes[0]
    expect(outcome('pod/client', 'http://198.18.1.100/')).toBe(0)
    expect(outcome('pod/client', 'http://198.18.1.11:31080/')).toBe(0)
    expect(outcome('internet', 'http://198.18.1.100/')).toBe(0)
    expect(outcome('pod/shop', 'http://198.51.100.10/')).toBe(0)
    expect(outcome('pod/client', 'http://10.97.0.10/')).not.toBe(0)
    expect(outcome('pod/client', 'http://10.245.3.2:8080/')).not.toBe(0)
  })

  it('is reached through the Internet host, which knows only what is public', () => {
    const view = viewOf(built(two()))
    expect(routesText(view, 'internet').split('\n')).toEqual(
      expect.arrayContaining(['default via 198.51.100.1 dev eth0', '198.18.1.0/24 via 198.19.1.1 dev eth1']),
    )
    expect(routesText(view, 'east/gateway')).not.toContain('10.')
  })

  it('can have a network of another kind, or stand beside a third', () => {
    const cloud = peer({ cluster: { ...peer().cluster, network: { plugin: 'bridge', fabric: 'cloud', mtu: 1500 } } })
    const north = peer({ name: 'north', objects: [node('node5'), pod('lone', 'node5')] })
    const world = built(documentOf(HOME, { peers: [cloud, north] }))
    expect(play(world, ['pod/client', 'curl -m 3 http://198.18.1.100/']).exitCodes[0]).toBe(0)
    expect(play(world, ['pod/lone', 'curl -m 3 http://198.18.1.100/']).exitCodes[0]).toBe(0)
  })

  it('has kube-proxies of its own, which know its Services and no others', () => {
    const text = (node: string) => {
      const fed = kubeProxyText(two(), { node, mode: 'iptables', family: 'IPv4' })
      return fed.ok ? fed.value : fed.error.map((e) => e.message).join()
    }
    expect(text('node3')).toContain('default/shop loadbalancer IP')
    expect(text('node1')).not.toContain('shop')
    expect(text('node9')).toBe('there is no node "node9"; expected node1 or node3')
  })

  it('may not share names of nodes, pods and Services with others, nor be called like a part of the network', () => {
    expect(errorsOf(documentOf(HOME, { peers: [peer({ objects: HOME })] }))).toEqual([
      'peers[0].objects: Node node1 is also in the document’s own cluster; expected names that no other cluster has',
      'peers[0].objects: Pod client is also in the document’s own cluster; expected names that no other cluster has',
    ])
    expect(errorsOf(documentOf(HOME, { peers: [peer({ name: 'gateway' })] }))).toEqual([
      'peers[0].name: gateway is taken already; expected a name of its own',
    ])
  })

  it('is checked as the document’s own is, with paths of its own', () => {
    const broken = peer({ objects: [node('node3'), pod('shop', 'nowhere')] })
    expect(errorsOf(documentOf(HOME, { peers: [broken] }))).toEqual([
      'peers[0].objects[1].spec.nodeName: pod shop is on node "nowhere", which does not exist; expected node3',
    ])
  })

  it('is taken from a document with its ranges inferred', () => {
    const given = { hopscope: 1, objects: HOME, peers: [{ name: 'east', objects: SHOP }] }
    const checked = validateDocument(given)
    expect(checked.ok && checked.value.peers?.[0]?.cluster).toMatchObject({
      podCIDR: '10.245.0.0/16',
      serviceCIDR: '10.97.0.0/16',
    })
  })
})
