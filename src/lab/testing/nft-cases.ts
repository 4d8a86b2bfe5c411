import { clientPod, cluster, scenario, TWO_NODES, WEB_IP, WEB_SERVICE, webPod } from '../../library/parts.ts'
import type { Manifest } from '../../scenario/document.ts'
import type { TestCase } from './cases.ts'

// nftables on a real kernel: kube-proxy's table with every kind of Service, and rulesets of one's own.

const client = clientPod('client', 'node1', '10.244.1.2')
const near = webPod('near', 'node1', '10.244.1.3')
const far = webPod('far', 'node2', '10.244.2.2')
const objects = [...TWO_NODES, client]
const NFTABLES = { ...cluster('l2'), kubeProxy: { mode: 'nftables' as const } }

const web = (spec: object, status?: object): Manifest => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { clusterIP: WEB_IP, selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }], ...spec },
  ...(status === undefined ? {} : { status }),
})
const VIP = '203.0.113.8'
const balanced = (spec: object): Manifest => web({ type: 'LoadBalancer', ...spec }, { loadBalancer: { ingress: [{ ip: VIP }] } })
const AFFINITY = { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } }

type Runs = readonly (string | readonly [from: string, run: string])[]
const journeys = (runs: Runs) =>
  runs.map((r) => (typeof r === 'string' ? { from: 'pod/client', run: r } : { from: r[0], run: r[1] }))

const service = (id: string, runs: Runs, given: readonly Manifest[]): TestCase => ({
  id,
  document: scenario({ title: id, cluster: NFTABLES, objects: [...objects, ...given], journeys: journeys(runs) }),
})

/** A ruleset of node1's own, between a client there and a pod on node2. */
const ruleset = (id: string, runs: Runs, nft: string): TestCase => ({
  id,
  document: scenario({
    title: id,
    objects: [...objects, near, far, WEB_SERVICE],
    overrides: { node1: { nft } },
    journeys: journeys(runs),
  }),
})

const FORWARD = 'type filter hook forward priority 5; policy accept;'
const PREROUTING = 'type nat hook prerouting priority dstnat - 5; policy accept;'
const POSTROUTING = 'type nat hook postrouting priority srcnat - 5; policy accept;'

export const NFT_CASES: readonly TestCase[] = [
  service('nft-no-endpoints', [`curl http://${WEB_IP}/`, ['node1', `curl http://${WEB_IP}/`]], [WEB_SERVICE]),
  service('nft-unallocated', ['curl -m 2 http://10.96.77.77/', ['node1', 'curl -m 2 http://10.96.77.77/']], [far, WEB_SERVICE]),
  service(
    'nft-affinity',
    [`curl http://${WEB_IP}/`, `curl http://${WEB_IP}/`, `curl http://${WEB_IP}/`],
    [far, near, webPod('other', 'node2', '10.244.2.3'), web(AFFINITY)],
  ),
  service('nft-node', [['node1', `curl http://${WEB_IP}/`]], [far, WEB_SERVICE]),
  service(
    'nft-node-port',
    [['node1', 'curl http://192.168.1.12:30080/'], 'curl http://192.168.1.12:30080/'],
    [far, web({ type: 'NodePort' })],
  ),
  service(
    'nft-node-port-local',
    [
      ['node2', 'curl http://192.168.1.11:30080/'],
      ['node1', 'curl -m 2 http://192.168.1.12:30080/'],
      'curl http://192.168.1.11:30080/',
    ],
    [near, web({ type: 'NodePort', externalTrafficPolicy: 'Local' })],
  ),
  service(
    'nft-source-ranges',
    [`curl http://${VIP}/`],
    [far, balanced({ loadBalancerSourceRanges: ['10.244.0.0/16', '198.51.100.0/24'] })],
  ),
  service(
    'nft-source-ranges-refused',
    [`curl -m 2 http://${VIP}/`],
    [far, balanced({ loadBalancerSourceRanges: ['198.51.100.0/24'] })],
  ),
  service('nft-hairpin', [['pod/near', `curl -m 2 http://${WEB_IP}/`]], [near, WEB_SERVICE]),
  service('nft-same-node', [`curl http://${WEB_IP}/`], [near, WEB_SERVICE]),
  ruleset(
    'nft-counters',
    ['curl http://10.244.2.2:8080/', 'ping -c 2 10.244.2.2'],
    `table ip t {
  set web { type inet_service; elements = { 80, 443, 8080 } }
  set pods { type ipv4_addr; flags interval; elements = { 10.244.2.0/24, 10.244.3.5-10.244.3.9 } }
  map marks { type ipv4_addr : mark; elements = { 10.244.2.2 : 0x5 } }
  chain count { counter tcp dport @web; icmp type { echo-request, echo-reply } counter return; counter; }
  chain forward { ${FORWARD}
    ip daddr @pods counter jump count
    meta mark set ip daddr map @marks
    meta mark 0x5 ct mark set meta mark
    ct mark and 0xf == 5 counter
    ct direction reply counter
    ct state vmap { new : jump count, established : continue, invalid : drop }
    iifname "cbr0" oifname "eth*" meta l4proto { tcp, udp } counter accept
    ip ttl < 10 drop
    tcp flags syn / fin,syn,rst,ack counter
    tcp flags & (fin | ack) == fin | ack counter
    ip length 60-100 counter
    ct status assured counter
    ct original ip daddr 10.244.2.2 ct reply ip daddr 10.244.1.2 counter
    fib daddr type unicast fib saddr . iif oif exists counter
    ip saddr . ip daddr . meta l4proto { 10.244.2.2 . 10.244.1.2 . tcp, 10.244.2.2 . 10.244.1.2 . icmp } counter goto count
  }
}
table inet u {
  chain forward { ${FORWARD}
    meta nfproto ipv4 counter
    ip6 saddr fd00::1 counter drop
    tcp dport != 8080 counter
    tcp dport 8080 ip daddr != 10.0.0.0/8 counter
    ip protocol icmp counter accept
    counter
  }
}
`,
  ),
  ruleset(
    'nft-nat-maps',
    ['curl http://10.9.9.9:90/', 'curl http://10.9.9.9:91/', 'curl http://10.9.9.9:92/'],
    `table ip t {
  map to { type inet_service : ipv4_addr . inet_service; elements = { 90 : 10.244.2.2 . 8080 } }
  map host { type inet_service : ipv4_addr; elements = { 91 : 10.244.2.2 } }
  chain prerouting { ${PREROUTING}
    ip daddr 10.9.9.9 tcp dport < 91 dnat ip to tcp dport map @to
    ip daddr 10.9.9.9 tcp dport 91 dnat to tcp dport map @host:8080
    ip daddr 10.9.9.9 tcp dport 92 meta mark set 0x77 dnat to 10.244.2.2:8080
  }
  chain postrouting { ${POSTROUTING}
    meta mark 0x77 meta l4proto tcp snat to 192.168.1.11:5000-5999
    ip daddr 10.244.2.0/24 oifname "eth0" meta l4proto tcp masquerade to :6000-6999
  }
}
`,
  ),
  ruleset(
    'nft-verdicts',
    [
      'curl -m 2 http://10.244.2.2:81/',
      'curl -m 2 http://10.244.2.2:82/',
      'curl -m 2 http://10.244.2.2:83/',
      'ping -c 1 -W 1 10.244.2.2',
    ],
    `table ip t {
  chain refuse { tcp dport 81 reject with tcp reset; reject with icmp type admin-prohibited; }
  chain early { type filter hook forward priority -5; policy accept;
    tcp dport 83 accept
    tcp dport { 81, 82 } goto refuse
  }
  chain late { ${FORWARD}
    tcp dport 83 counter drop
    ip protocol vmap { icmp : jump quiet }
  }
  chain quiet { limit rate over 1/hour burst 1 packets drop; ip ttl 63 drop; }
}
`,
  ),
  ruleset(
    'nft-dynamic',
    ['curl http://10.244.2.2:8080/', 'curl http://10.244.2.2:8080/'],
    `table ip t {
  set seen { type ipv4_addr . inet_service; flags dynamic,timeout; timeout 5m; }
  set once { type ipv4_addr; flags dynamic; }
  chain forward { ${FORWARD}
    ct state new add @once { ip saddr }
    ip saddr . tcp dport @seen counter
    ct state new update @seen { ip saddr . tcp dport timeout 1m }
    ip saddr @once counter
  }
}
`,
  ),
]
