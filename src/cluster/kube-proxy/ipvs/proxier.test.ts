import { describe, expect, it } from 'vitest'
import { node } from '../../testing.ts'
import { nodePortAddresses } from '../config.ts'
import { endpointsMap } from '../endpoints-map.ts'
import { parseIpSloppy } from '../ip.ts'
import { servicePorts } from '../service-map.ts'
import { fed, ingress, web } from '../testing.ts'
import { type IpvsProxyConfig, syncIpvs } from './proxier.ts'
import { ipvsRecords } from './records.ts'
import { ipvsJumps } from './rules.ts'

const ipvs = (...args: Parameters<typeof web>) => fed(web(...args), { mode: 'ipvs' })
const starting = (lines: readonly string[], prefix: string) =>
  lines.flatMap((l) => (l.startsWith(prefix) ? [l.slice(prefix.length)] : []))

describe('IPVS mode', () => {
  it('puts a cluster IP on kube-ipvs0 and makes it a virtual server', () => {
    const lines = ipvs({})
    expect(starting(lines, 'address add ')).toEqual(['10.96.0.10/32 dev kube-ipvs0'])
    expect(starting(lines, '-A -t ')).toEqual(['10.96.0.10:80 -s rr', '192.168.1.11:30080 -s rr', '10.244.1.1:30080 -s rr'])
    expect(starting(lines, '-a -t 10.96.0.10:80 ')).toEqual(['-r 10.244.1.5:8080 -m -w 1', '-r 10.244.2.5:8080 -m -w 1'])
  })

  it('leaves an external IP off kube-ipvs0 when it is an address of the node already', () => {
    expect(starting(ipvs({ externalIPs: ['192.168.1.11', '203.0.113.7'] }), 'address add ')).toEqual([
      '10.96.0.10/32 dev kube-ipvs0',
      '203.0.113.7/32 dev kube-ipvs0',
    ])
  })

  it('keeps clients for the time of their session affinity', () => {
    expect(starting(ipvs({ sessionAffinity: 'ClientIP' }), '-A -t 10.96.0.10:80 ')).toEqual(['-s rr -p 10800'])
  })

  it('sends node port traffic with Local policy to this node’s endpoints, and to any where there is none', () => {
    const local = web({ type: 'NodePort', externalTrafficPolicy: 'Local' })
    const at = (node: string, ip: string) => starting(fed(local, { mode: 'ipvs', node }), `-a -t ${ip}:30080 `)
    expect(at('node1', '192.168.1.11')).toEqual(['-r 10.244.1.5:8080 -m -w 1'])
    expect(at('node2', '192.168.1.12')).toEqual(['-r 10.244.2.5:8080 -m -w 1'])
    const third = fed(local, { mode: 'ipvs', node: 'node3', objects: [node('node3', '10.244.3.0/24', '192.168.1.13')] })
    expect(starting(third, '-a -t 192.168.1.13:30080 ')).toHaveLength(2)
  })

  it('sorts addresses into sets, and masquerades by set', () => {
    const ranges = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', loadBalancerSourceRanges: ['198.51.100.0/24'] }
    const lines = ipvs(ranges, ingress('203.0.113.8'))
    expect(starting(lines, 'add KUBE-').map((l) => l.replace(' -exist', ''))).toEqual([
      'LOOP-BACK 10.244.1.5,tcp:8080,10.244.1.5',
      'CLUSTER-IP 10.96.0.10,tcp:80',
      'LOAD-BALANCER 203.0.113.8,tcp:80',
      'LOAD-BALANCER-FW 203.0.113.8,tcp:80',
      'LOAD-BALANCER-LOCAL 203.0.113.8,tcp:80',
      'LOAD-BALANCER-SOURCE-CIDR 203.0.113.8,tcp:80,198.51.100.0/24',
      'NODE-PORT-TCP 30080',
      'NODE-PORT-LOCAL-TCP 30080',
      expect.stringMatching(/^HEALTH-CHECK-NODE-PORT \d+$/),
      'IPVS-IPS 10.96.0.10',
      'IPVS-IPS 203.0.113.8',
    ])
    // No range holds the node's own address: it may not pass by way of the balancer's.
    expect(starting(lines, '-A KUBE-IPVS-OUT-FILTER ')).toEqual([
      '-s 203.0.113.8 -m ipvs --vaddr 203.0.113.8 --vproto tcp --vport 80 -j DROP',
    ])
  })

  it('is plain records for the engine', () => {
    const config: IpvsProxyConfig = {
      family: 'IPv4',
      nodeName: 'node1',
      nodeIP: parseIpSloppy('192.168.1.11'),
      interfaceAddresses: [],
      localDetector: { kind: 'none' },
      masqueradeAll: false,
      masqueradeMark: 0x4000,
      nodePortAddresses: nodePortAddresses('IPv4', []),
      scheduler: 'mh',
      randomFully: true,
    }
    const metadata = { name: 'web', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } }
    const slice = {
      apiVersion: 'v1',
      kind: 'EndpointSlice',
      metadata,
      ports: [{ port: 53, protocol: 'UDP' }],
      endpoints: [{ addresses: ['10.244.1.5'] }],
    }
    const spec = { clusterIP: '10.96.0.10', ports: [{ port: 53, protocol: 'UDP' }] }
    const ports = servicePorts([{ apiVersion: 'v1', kind: 'Service', metadata, spec }], 'IPv4')
    const records = ipvsRecords('node1', syncIpvs(ports, endpointsMap([slice], 'IPv4'), config))
    expect(records.filter((r) => r.kind !== 'ipset').map((r) => r.id)).toEqual([
      'ipvs:node1/udp/10.96.0.10:53',
      'ipvsdst:node1/udp/10.96.0.10:53/10.244.1.5:53',
    ])
    expect(records[0]).toMatchObject({ scheduler: 'mh', flags: ['mh-port'] })
    expect(records.filter((r) => r.kind === 'ipset')).toHaveLength(17)
  })

  it('jumps from INPUT to the filter that guards VIPs first', () => {
    expect(ipvsJumps('filter').rules.map((r) => r.text.replace(/ -m comment --comment "[^"]*"/, ''))).toEqual([
      '-A OUTPUT -j KUBE-IPVS-OUT-FILTER',
      '-A INPUT -j KUBE-IPVS-FILTER',
      '-A FORWARD -j KUBE-PROXY-FIREWALL',
      '-A INPUT -j KUBE-PROXY-FIREWALL',
      '-A INPUT -j KUBE-NODE-PORT',
      '-A FORWARD -j KUBE-FORWARD',
    ])
  })
})
