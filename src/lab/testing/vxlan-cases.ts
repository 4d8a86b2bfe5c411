import { clientPod, scenario, TWO_NODES, WEB_IP, WEB_SERVICE, webPod } from '../../library/parts.ts'
import type { Manifest, Override } from '../../scenario/document.ts'
import type { TestCase } from './cases.ts'

// VXLAN between two nodes: as flannel sets it up, and as a plain segment that floods and learns.

const client = clientPod('client', 'node1', '10.244.1.2')
const far = webPod('far', 'node2', '10.244.2.2')
const base = [...TWO_NODES, client]

interface Given {
  readonly objects: readonly Manifest[]
  readonly overrides: Readonly<Record<string, Override>>
}

const kase = (id: string, runs: readonly (string | readonly [from: string, run: string])[], given: Given): TestCase => ({
  id,
  document: scenario({
    ...given,
    title: id,
    journeys: runs.map((r) => (typeof r === 'string' ? { from: 'pod/client', run: r } : { from: r[0], run: r[1] })),
  }),
})

/** What flannel's vxlan backend leaves on node `n` of two, as the tools print it; `without` leaves out a part of it. */
const flannel = (n: 1 | 2, without?: 'fdb'): Override => {
  const other = n === 1 ? 2 : 1
  return {
    addr: `9: flannel.1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UNKNOWN group default
    link/ether 0e:00:0a:f4:0${n}:00 brd ff:ff:ff:ff:ff:ff promiscuity 0 minmtu 68 maxmtu 65535
    vxlan id 1 local 192.168.1.1${n} dev eth0 srcport 0 0 dstport 8472 nolearning ttl auto ageing 300 udpcsum noudp6zerocsumtx noudp6zerocsumrx
    inet 10.244.${n}.0/32 scope global flannel.1
       valid_lft forever preferred_lft forever
`,
    routes: `default via 192.168.1.1 dev eth0
10.244.${other}.0/24 via 10.244.${other}.0 dev flannel.1 onlink
10.244.${n}.0/24 dev cbr0 proto kernel scope link src 10.244.${n}.1
192.168.1.0/24 dev eth0 proto kernel scope link src 192.168.1.1${n}
`,
    neigh: `10.244.${other}.0 dev flannel.1 lladdr 0e:00:0a:f4:0${other}:00 PERMANENT\n`,
    ...(without === 'fdb' ? {} : { fdb: `0e:00:0a:f4:0${other}:00 dev flannel.1 dst 192.168.1.1${other} self permanent\n` }),
  }
}
/** Its pods leave room for the outer headers. */
const smallerMtu = (address: string): Override => ({
  addr: `2: eth0@if3: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UP group default
    inet ${address}/24 scope global eth0
       valid_lft forever preferred_lft forever
`,
})
const FLANNEL = {
  node1: flannel(1),
  node2: flannel(2),
  'pod/client': smallerMtu('10.244.1.2'),
  'pod/far': smallerMtu('10.244.2.2'),
}

/** A plain VXLAN between the nodes, without a control plane: it floods to its one peer and learns from what comes back. */
const learningTunnel = (n: 1 | 2, dev = 'dev eth0 ', mtu = 1450): Override => ({
  addr: `9: vx0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu ${mtu} qdisc noqueue state UNKNOWN group default
    link/ether 0e:00:0a:63:00:0${n} brd ff:ff:ff:ff:ff:ff promiscuity 0 minmtu 68 maxmtu 65535
    vxlan id 42 local 192.168.1.1${n} ${dev}srcport 0 0 dstport 4789 ttl auto ageing 300 udpcsum noudp6zerocsumtx noudp6zerocsumrx
    inet 10.99.0.${n}/24 brd 10.99.0.255 scope global vx0
       valid_lft forever preferred_lft forever
`,
  fdb: `00:00:00:00:00:00 dev vx0 dst 192.168.1.1${n === 1 ? 2 : 1} self permanent\n`,
})

export const VXLAN_CASES: readonly TestCase[] = [
  kase(
    'vxlan-flannel',
    ['ping -c 2 10.244.2.2', `curl http://${WEB_IP}/`, 'ping -c 1 -s 2000 10.244.2.2', 'ping -c 1 -M do -s 1423 10.244.2.2'],
    {
      objects: [...base, far, WEB_SERVICE],
      overrides: FLANNEL,
    },
  ),
  kase('vxlan-no-fdb-entry', ['ping -c 2 -W 1 10.244.2.2'], {
    objects: [...base, far],
    overrides: { ...FLANNEL, node1: flannel(1, 'fdb') },
  }),
  kase(
    'vxlan-learning',
    [
      ['node1', 'ping -c 2 10.99.0.2'],
      ['node2', 'curl http://10.99.0.1:81/'],
    ],
    { objects: TWO_NODES, overrides: { node1: learningTunnel(1), node2: learningTunnel(2) } },
  ),
  kase(
    'vxlan-no-room',
    [
      ['node1', 'ping -c 2 -s 1472 10.99.0.2'],
      ['node1', 'ping -c 2 -s 1472 -M do 10.99.0.2'],
      ['node2', 'echo hello | nc -u -w 1 10.99.0.1 99'],
    ],
    { objects: TWO_NODES, overrides: { node1: learningTunnel(1, '', 1500), node2: learningTunnel(2, '', 1500) } },
  ),
]
