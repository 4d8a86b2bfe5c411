import { describe, expect, it } from 'vitest'
import { printIptablesSave } from '../linux/iptables-save.ts'
import { formatMac } from '../net/address.ts'
import { viewOf } from '../world/world.ts'
import { buildWorld } from './build.ts'
import { built, documentOf, node, pod, routesText, service, viewOfDocument } from './testing.ts'

const NODES = [node('node1', '10.244.1.0/24', '192.168.1.11'), node('node2', '10.244.2.0/24', '192.168.1.12')]
const FLAGSHIP = documentOf([
  ...NODES,
  pod('client', 'node1', { podIP: '10.244.1.2' }),
  pod('web-a', 'node2', { podIP: '10.244.2.2', app: 'web', ports: [{ containerPort: 8080 }] }),
  pod('web-b', 'node2', { podIP: '10.244.2.3', app: 'web', ports: [{ containerPort: 8080 }] }),
  service('web', { clusterIP: '10.96.0.10', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] }),
])
const CLOUD = documentOf(FLAGSHIP.objects, {
  cluster: { ...FLAGSHIP.cluster, network: { plugin: 'bridge', fabric: 'cloud', mtu: 1500 } },
})

describe('a world of two nodes, a client and a Service', () => {
  const view = viewOfDocument(FLAGSHIP)

  it('writes the nat table of node1 as iptables-save would print it', () => {
    expect(printIptablesSave(view, 'netns:node1', { header: false, table: 'nat' })).toBe(`*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-KUBELET-CANARY - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-PROXY-CANARY - [0:0]
:KUBE-SEP-5Q3P56IRA2PP7VYF - [0:0]
:KUBE-SEP-G2TK3RG32KUOAWKQ - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-LOLE4ISW44XBNF3G - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A POSTROUTING ! -d 10.244.0.0/16 -m comment --comment "kubenet: SNAT for outbound traffic from cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
-A KUBE-SEP-5Q3P56IRA2PP7VYF -s 10.244.2.2/32 -m comment --comment "default/web" -j KUBE-MARK-MASQ
-A KUBE-SEP-5Q3P56IRA2PP7VYF -p tcp -m comment --comment "default/web" -m tcp -j DNAT --to-destination 10.244.2.2:8080
-A KUBE-SEP-G2TK3RG32KUOAWKQ -s 10.244.2.3/32 -m comment --comment "default/web" -j KUBE-MARK-MASQ
-A KUBE-SEP-G2TK3RG32KUOAWKQ -p tcp -m comment --comment "default/web" -m tcp -j DNAT --to-destination 10.244.2.3:8080
-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-SVC-LOLE4ISW44XBNF3G
-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A KUBE-SVC-LOLE4ISW44XBNF3G ! -s 10.244.0.0/16 -d 10.96.0.10/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ
-A KUBE-SVC-LOLE4ISW44XBNF3G -m comment --comment "default/web -> 10.244.2.2:8080" -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-5Q3P56IRA2PP7VYF
-A KUBE-SVC-LOLE4ISW44XBNF3G -m comment --comment "default/web -> 10.244.2.3:8080" -j KUBE-SEP-G2TK3RG32KUOAWKQ
COMMIT
`)
  })

  it('jumps from the base chains of filter in the order that prepending leaves', () => {
    const filter = printIptablesSave(view, 'netns:node1', { header: false, table: 'filter' })
    expect(filter.split('\n').filter((l) => l.startsWith('-A FORWARD'))).toEqual([
      '-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL',
      '-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD',
      '-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
      '-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES',
    ])
  })

  it('routes between nodes by host routes on one switch', () => {
    expect(routesText(view, 'node1')).toBe(`default via 192.168.1.1 dev eth0
10.244.2.0/24 via 192.168.1.12 dev eth0
192.168.1.0/24 dev eth0 scope link src 192.168.1.11
10.244.1.0/24 dev cbr0 scope link src 10.244.1.1`)
    expect(routesText(view, 'pod/client')).toBe(`default via 10.244.1.1 dev eth0
10.244.1.0/24 dev eth0 scope link src 10.244.1.2`)
  })

  it("routes through the provider's table in a cloud, where a node has a /32", () => {
    const cloud = viewOfDocument(CLOUD)
    expect(routesText(cloud, 'node1')).toBe(`192.168.1.1/32 dev eth0 scope link
default via 192.168.1.1 dev eth0
10.244.1.0/24 dev cbr0 scope link src 10.244.1.1`)
    expect(routesText(cloud, 'router')).toBe(`default via 192.0.2.2 dev eth1
10.244.1.0/24 via 192.168.1.11 dev eth0
10.244.2.0/24 via 192.168.1.12 dev eth0
192.168.1.0/24 dev eth0 scope link src 192.168.1.1
192.0.2.0/30 dev eth1 scope link src 192.0.2.1`)
    expect(cloud.get('sysctl', 'sysctl:router/net.ipv4.conf.all.send_redirects')?.value).toBe('0')
  })

  it('gives pods and the bridge the hardware address that CNI derives from theirs', () => {
    expect(formatMac(view.get('device', 'dev:pod/client/eth0')?.mac ?? 0)).toBe('0a:58:0a:f4:01:02')
    expect(formatMac(view.get('device', 'dev:node1/cbr0')?.mac ?? 0)).toBe('0a:58:0a:f4:01:01')
  })

  it('joins each pod to the bridge by a veth pair whose ends name each other', () => {
    const inside = view.get('device', 'dev:pod/client/eth0')
    const outside = view.list('device', 'netns:node1').find((d) => d.link.kind === 'veth')
    expect(inside?.link).toEqual({ kind: 'veth', peer: outside?.id })
    expect(outside?.link).toEqual({ kind: 'veth', peer: inside?.id })
    expect(outside?.name).toMatch(/^veth[0-9a-f]{8}$/)
    expect(outside?.master).toMatchObject({ bridge: 'dev:node1/cbr0', port: 1, hairpin: false })
  })

  it('plugs every cable at both ends', () => {
    for (const v of [view, viewOfDocument(CLOUD)]) {
      for (const d of v.list('device')) {
        if (d.link.kind !== 'physical') continue
        const peer = v.get('device', d.link.peer ?? '')
        expect([d.id, peer?.link.kind === 'physical' && peer.link.peer]).toEqual([d.id, d.id])
      }
    }
  })

  it('starts a server for each container port, in its container', () => {
    expect(view.list('process', 'netns:pod/web-a').map((p) => [p.container, p.argv.join(' ')])).toEqual([['c', 'httpd -p 8080']])
    expect(view.list('process', 'netns:internet').map((p) => p.argv.join(' '))).toEqual(['httpd -p 80'])
    expect(view.list('process', 'netns:pod/client')).toEqual([])
  })

  it('translates each node to an external address at the gateway, and lets nothing else out', () => {
    const text = printIptablesSave(view, 'netns:gateway', { header: false })
    expect(text).toContain('-A PREROUTING -d 203.0.113.11/32 -i eth1')
    expect(text).toContain('-j SNAT --to-source 203.0.113.12')
    expect(text).toContain('-A FORWARD -i eth0 -o eth1 -m comment --comment "sources without an external address" -j DROP')
  })

  it('says of every rule and route which component made it, and of Service rules for which Service', () => {
    const dnat = view.list('rule', 'netns:node1').find((r) => r.spec.target.kind === 'dnat')
    expect(dnat?.origin).toEqual({
      component: 'kube-proxy',
      object: { kind: 'Service', namespace: 'default', name: 'web' },
      detail: 'endpoint 10.244.2.2:8080',
    })
    const route = view.list('route', 'netns:node1').find((r) => r.nexthops[0]?.via === 0xc0a8010c)
    expect(route?.origin).toEqual({
      component: 'cni',
      object: { kind: 'Node', name: 'node2' },
      detail: 'spec.podCIDR via InternalIP',
    })
  })

  it('is the same world, in the same order, each time it is built', () => {
    expect(JSON.stringify([...built(FLAGSHIP)])).toBe(JSON.stringify([...built(structuredClone(FLAGSHIP))]))
  })
})

describe('what a Service becomes on a node', () => {
  const rulesOf = (spec: object, pods = FLAGSHIP.objects.slice(0, 5)) =>
    printIptablesSave(
      viewOfDocument(documentOf([...pods, service('web', { clusterIP: '10.96.0.10', ...spec })])),
      'netns:node1',
      { header: false },
    )

  it('rejects when it has no endpoints', () => {
    expect(rulesOf({ selector: { app: 'nobody' }, ports: [{ port: 80 }] })).toContain(
      '-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m comment --comment "default/web has no endpoints" -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable',
    )
  })

  it('divides by three with the fractions that xt_statistic can hold', () => {
    const three = [...FLAGSHIP.objects.slice(0, 5), pod('web-c', 'node1', { app: 'web' })]
    const text = rulesOf({ selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] }, three)
    expect([...text.matchAll(/--probability (\S+)/g)].map((m) => m[1])).toEqual(['0.33333333349', '0.50000000000'])
  })

  it('drops on a node without a local endpoint when internalTrafficPolicy is Local', () => {
    expect(
      rulesOf({ selector: { app: 'web' }, internalTrafficPolicy: 'Local', ports: [{ port: 80, targetPort: 8080 }] }),
    ).toContain('default/web has no local endpoints" -m tcp --dport 80 -j DROP')
  })

  it('remembers clients when sessionAffinity is ClientIP', () => {
    const text = rulesOf({ selector: { app: 'web' }, sessionAffinity: 'ClientIP', ports: [{ port: 80, targetPort: 8080 }] })
    expect(text).toContain(
      '-m recent --rcheck --seconds 10800 --reap --name KUBE-SEP-5Q3P56IRA2PP7VYF --mask 255.255.255.255 --rsource -j KUBE-SEP-5Q3P56IRA2PP7VYF',
    )
    expect(text).toContain('-m recent --set --name KUBE-SEP-5Q3P56IRA2PP7VYF --mask 255.255.255.255 --rsource -m tcp -j DNAT')
  })

  it('is nothing at all when headless', () => {
    const world = buildWorld(documentOf([...NODES, service('db', { clusterIP: 'None', selector: { app: 'web' } })]))
    expect(world.ok && printIptablesSave(viewOf(world.value), 'netns:node1', { header: false })).not.toContain('default/db')
  })
})
