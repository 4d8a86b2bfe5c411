import { describe, expect, it } from 'vitest'
import { documentOf, errorsOf, node, pod, service } from './testing.ts'

const NODES = [node('node1', '10.244.1.0/24', '192.168.1.11'), node('node2', '10.244.2.0/24', '192.168.1.12')]
const errors = (...objects: Parameters<typeof documentOf>[0]) => errorsOf(documentOf([...NODES, ...objects]))

describe('input that no cluster could have', () => {
  it('refuses a pod on a node that does not exist, and lists the nodes', () => {
    expect(errors(pod('client', 'node3'))).toEqual([
      'objects[2].spec.nodeName: pod client is on node "node3", which does not exist; expected node1 or node2',
    ])
  })

  it('refuses two pods with one address', () => {
    expect(errors(pod('a', 'node1', { podIP: '10.244.1.5' }), pod('b', 'node1', { podIP: '10.244.1.5' }))).toEqual([
      'objects[3].status.podIP: 10.244.1.5 is the address of pod default/a (objects[2]) already; expected an address of its own',
    ])
  })

  it("refuses a pod's address outside its node's range", () => {
    expect(errors(pod('a', 'node1', { podIP: '10.244.2.5' }))).toEqual([
      'objects[2].status.podIP: 10.244.2.5 is outside podCIDR 10.244.1.0/24 of node node1; expected an address of that range',
    ])
  })

  it("refuses the bridge's own address and the range's last for a pod", () => {
    expect(errors(pod('a', 'node1', { podIP: '10.244.1.1' }))[0]).toContain(
      '10.244.1.1 is the address of the bridge of node node1',
    )
  })

  it('refuses two nodes with one address or overlapping ranges', () => {
    const found = errors(node('node3', '10.244.2.0/25', '192.168.1.12'))
    expect(found[0]).toContain('objects[2].status.addresses: 192.168.1.12 is the address of node node2 already')
    expect(found[1]).toContain('objects[2].spec.podCIDR: 10.244.2.0/25 overlaps 10.244.2.0/24 of node node2')
  })

  it('refuses what is not an address or a range', () => {
    expect(errors(pod('a', 'node1', { podIP: '10.244.1.500' }))[0]).toContain(
      'objects[2].status.podIP: "10.244.1.500" is not an address',
    )
    expect(errors(node('n', '10.0.0.0/33'))[0]).toContain('objects[2].spec.podCIDR: "10.0.0.0/33" is not a range for pods')
    expect(errors(service('s', { clusterIP: '10.96.0', ports: [{ port: 80 }] }))[0]).toContain(
      'objects[2].spec.clusterIP: "10.96.0" is not an address',
    )
  })

  it('refuses a cluster IP outside the range, and one given twice', () => {
    const found = errors(
      service('a', { clusterIP: '10.97.0.1', ports: [{ port: 80 }] }),
      service('b', { clusterIP: '10.97.0.1', ports: [{ port: 80 }] }),
    )
    expect(found[0]).toContain('objects[2].spec.clusterIP: 10.97.0.1 is outside cluster.serviceCIDR 10.96.0.0/16')
    expect(found[1]).toContain('objects[3].spec.clusterIP: 10.97.0.1 is the cluster IP of Service default/a already')
  })

  it('refuses ports and protocols that do not exist', () => {
    expect(errors(service('a', { ports: [{ port: 70000 }] }))[0]).toContain(
      'objects[2].spec.ports[0].port: found 70000; expected a port from 1 to 65535',
    )
    expect(errors(service('a', { ports: [{ port: 80, protocol: 'TPC' }] }))[0]).toBe(
      'objects[2].spec.ports[0].protocol: found "TPC"; expected one of TCP, UDP, SCTP',
    )
    expect(errors(service('a', { type: 'ClusterIp', ports: [{ port: 80 }] }))[0]).toBe(
      'objects[2].spec.type: found "ClusterIp"; expected one of ClusterIP, NodePort, LoadBalancer, ExternalName',
    )
    expect(errors(pod('a', 'node1', { ports: [{ containerPort: 80, protocol: 'tcp' }] }))[0]).toBe(
      'objects[2].spec.containers[0].ports[0].protocol: found "tcp"; expected one of TCP, UDP, SCTP',
    )
  })

  it('refuses one name given twice', () => {
    expect(errors(pod('a', 'node1'), pod('a', 'node2'))[0]).toBe(
      'objects[3].metadata.name: Pod default/a is given twice, first at objects[2]; expected a name of its own',
    )
  })

  it('refuses names that could not be places', () => {
    expect(errors(pod('Web_A', 'node1'))[0]).toContain('objects[2].metadata.name: "Web_A" is no name for a Pod')
    expect(errors(node('gateway'))[0]).toContain('objects[2].metadata.name: a node may not be named gateway')
  })

  it('refuses ranges of the cluster that overlap', () => {
    const doc = documentOf(NODES)
    expect(errorsOf({ ...doc, cluster: { ...doc.cluster, serviceCIDR: '10.244.0.0/20' } })[0]).toContain(
      'cluster.serviceCIDR: 10.244.0.0/20 overlaps cluster.podCIDR 10.244.0.0/16',
    )
  })

  it('refuses a cluster without objects', () => {
    expect(errorsOf(documentOf([]))).toEqual(['objects: there is no object; expected at least a Node or a Pod'])
  })

  it('refuses a journey from nowhere, and lists the places', () => {
    const journeys = [{ from: 'pod/clint', run: 'ping 10.0.0.1' }]
    expect(errorsOf(documentOf([...NODES, pod('client', 'node1')], { journeys }))).toEqual([
      'journeys[0].from: there is no place "pod/clint"; expected node1, pod/client, node2, gateway or internet',
    ])
  })

  it('refuses a container that the pod does not have', () => {
    const journeys = [{ from: 'pod/client', container: 'x', run: 'ping 10.0.0.1' }]
    expect(errorsOf(documentOf([...NODES, pod('client', 'node1')], { journeys }))).toEqual([
      'journeys[0].container: pod/client has no container "x"; expected c',
    ])
  })

  it('refuses overrides of a place that does not exist, and iptables text with an error, by its line', () => {
    const overrides = {
      nowhere: { sysctl: {} },
      node1: { iptables: '*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p\nCOMMIT\n' },
    }
    const found = errorsOf(documentOf(NODES, { overrides }))
    expect(found[0]).toContain('overrides.nowhere: there is no place "nowhere"')
    expect(found[1]).toMatch(/^overrides\.node1\.iptables: line 3 of this iptables-save text/)
  })
})
