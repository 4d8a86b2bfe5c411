import { describe, expect, it } from 'vitest'
import { printBridgeFdb } from '../../linux/bridge.ts'
import { printIpAddr } from '../../linux/ip-addr.ts'
import { printIptablesSave } from '../../linux/iptables-save.ts'
import { formatMac } from '../../net/address.ts'
import type { Override } from '../../scenario/document.ts'
import { documentOf, errorsOf, node, pod, routesText, service, viewOfDocument } from '../testing.ts'

const OBJECTS = [
  node('node1', '10.244.1.0/24', '192.168.1.11'),
  node('node2', '10.244.2.0/24', '192.168.1.12'),
  pod('client', 'node1', { podIP: '10.244.1.2' }),
  pod('web-a', 'node2', { podIP: '10.244.2.2', app: 'web' }),
  service('web', { clusterIP: '10.96.0.10', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] }),
]
const withOverride = (place: string, override: Override) => documentOf(OBJECTS, { overrides: { [place]: override } })

describe('an override', () => {
  it('sets a sysctl, in either spelling, and says where it is from', () => {
    const view = viewOfDocument(
      withOverride('node1', { sysctl: { 'net/ipv4/ip_forward': '0', 'net.ipv4.conf.eth0.rp_filter': '1' } }),
    )
    expect(view.get('sysctl', 'sysctl:node1/net.ipv4.ip_forward')).toMatchObject({
      value: '0',
      origin: { component: 'user', detail: 'overrides.node1.sysctl' },
    })
    expect(view.get('sysctl', 'sysctl:node1/net.ipv4.conf.eth0.rp_filter')?.value).toBe('1')
  })

  it('replaces the tables that iptables-save text names, and no others', () => {
    const before = viewOfDocument(documentOf(OBJECTS))
    const nat = printIptablesSave(before, 'netns:node1', { header: false, table: 'nat' })
    const edited = nat.replace('-A OUTPUT -m comment', '-A OUTPUT -d 10.96.0.10/32 -j ACCEPT\n-A OUTPUT -m comment')
    const view = viewOfDocument(withOverride('node1', { iptables: edited }))
    expect(printIptablesSave(view, 'netns:node1', { header: false, table: 'nat' })).toBe(edited)
    expect(printIptablesSave(view, 'netns:node1', { header: false, table: 'filter' })).toBe(
      printIptablesSave(before, 'netns:node1', { header: false, table: 'filter' }),
    )
  })

  it('leaves rules that are as they were generated with the object that they are from', () => {
    const nat = printIptablesSave(viewOfDocument(documentOf(OBJECTS)), 'netns:node1', { header: false, table: 'nat' })
    const view = viewOfDocument(
      withOverride('node1', { iptables: nat.replace('--to-destination 10.244.2.2:8080', '--to-destination 10.244.2.9:8080') }),
    )
    const rules = view.list('rule', 'netns:node1')
    const mine = rules.filter((r) => r.origin.component === 'user')
    expect(mine.map((r) => [r.spec.target.kind, r.origin.detail])).toEqual([
      ['dnat', expect.stringMatching(/^overrides\.node1\.iptables line \d+$/)],
    ])
    expect(rules.filter((r) => r.origin.object?.name === 'web').length).toBeGreaterThan(2)
  })

  it('replaces the main table by what ip route prints', () => {
    const view = viewOfDocument(
      withOverride('node1', {
        routes:
          'default via 192.168.1.1 dev eth0\n10.244.1.0/24 dev cbr0 proto kernel scope link src 10.244.1.1\nblackhole 10.244.2.0/24\n',
      }),
    )
    expect(routesText(view, 'node1')).toBe(
      'default via 192.168.1.1 dev eth0\n10.244.1.0/24 dev cbr0 scope link src 10.244.1.1\n10.244.2.0/24',
    )
    expect(view.list('route', 'netns:node1').filter((r) => r.type === 'local').length).toBeGreaterThan(2)
    expect(view.list('route', 'netns:node1').find((r) => r.type === 'blackhole')?.nexthops).toEqual([])
  })

  it('replaces policy rules and adds neighbours', () => {
    const view = viewOfDocument(
      withOverride('node1', {
        rules: '0:\tfrom all lookup local\n100:\tfrom 10.244.1.0/24 lookup 100\n32766:\tfrom all lookup main\n',
        neigh: '192.168.1.12 dev eth0 lladdr 52:54:00:00:00:99 PERMANENT\n',
      }),
    )
    expect(view.list('policy-rule', 'netns:node1').map((r) => r.priority)).toEqual([0, 100, 32766])
    expect(view.list('neighbour', 'netns:node1').map((n) => [formatMac(n.mac ?? 0), n.state])).toEqual([
      ['52:54:00:00:00:99', 'PERMANENT'],
    ])
  })

  it('gives a pod another address and mask by ip addr text, and the routes that follow from it', () => {
    const before = printIpAddr(viewOfDocument(documentOf(OBJECTS)), 'netns:pod/client')
    const text = before.replace('10.244.1.2/24 brd 10.244.1.255', '10.244.1.2/16 brd 10.244.255.255')
    const view = viewOfDocument(withOverride('pod/client', { addr: text }))
    expect(printIpAddr(view, 'netns:pod/client')).toBe(text)
    expect(routesText(view, 'pod/client')).toContain('10.244.0.0/16 dev eth0 scope link src 10.244.1.2')
    expect(view.get('device', 'dev:pod/client/eth0')?.link.kind).toBe('veth')
  })

  it('gives a node a tunnel by ip -d addr text, and the remote ends it knows by bridge fdb text', () => {
    const addr = `9: flannel.1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UNKNOWN group default
    link/ether 0e:00:0a:f4:01:00 brd ff:ff:ff:ff:ff:ff promiscuity 0
    vxlan id 1 local 192.168.1.11 dev eth0 srcport 0 0 dstport 8472 nolearning ttl auto ageing 300 udpcsum
    inet 10.244.1.0/32 scope global flannel.1
`
    const fdb = '0e:00:0a:f4:02:00 dev flannel.1 dst 192.168.1.12 self permanent\n'
    const view = viewOfDocument(withOverride('node1', { addr, fdb }))
    expect(view.get('device', 'dev:node1/flannel.1')?.link).toMatchObject({ kind: 'vxlan', vni: 1, device: 'dev:node1/eth0' })
    expect(printBridgeFdb(view, 'netns:node1')).toBe(fdb)
    expect(errorsOf(withOverride('node1', { fdb }))[0]).toMatch(/^overrides\.node1\.fdb: line 1 .*found "flannel\.1"/)
  })

  it('takes a device down, and keeps those that the text does not name', () => {
    const text =
      '3: cbr0: <BROADCAST,MULTICAST> mtu 1500 qdisc noqueue state DOWN group default\n    link/ether 0a:58:0a:f4:01:01 brd ff:ff:ff:ff:ff:ff\n'
    const view = viewOfDocument(withOverride('node1', { addr: text }))
    expect(view.get('device', 'dev:node1/cbr0')?.up).toBe(false)
    expect(view.list('device', 'netns:node1').map((d) => d.name.slice(0, 4))).toEqual(['lo', 'eth0', 'cbr0', 'veth'])
    expect(routesText(view, 'node1')).not.toContain('10.244.1.0/24')
  })

  it('is refused by its path and line when the text is not what the tool prints or names a device that is not there', () => {
    expect(errorsOf(withOverride('node1', { routes: 'default via 192.168.1.1 dev eth7\n' }))[0]).toMatch(
      /^overrides\.node1\.routes: line 1 of this ip route text: found "eth7"; expected a device that node1 has \(lo, eth0, cbr0, veth/,
    )
    expect(errorsOf(withOverride('pod/client', { rules: 'nonsense' }))[0]).toMatch(
      /^overrides\["pod\/client"\]\.rules: line 1 of this ip rule text/,
    )
    expect(errorsOf(withOverride('node1', { neigh: '10.0.0.1 dev eth9 lladdr 52:54:00:00:00:01 STALE' }))[0]).toContain(
      'found "eth9"',
    )
  })
})
