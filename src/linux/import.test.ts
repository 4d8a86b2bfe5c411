import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { DeviceRecord, WorldRecord } from '../world/records.ts'
import { viewOf } from '../world/world.ts'
import { printBridgeFdb } from './bridge.ts'
import { type ImportFile, importNode } from './import.ts'
import { textKind } from './import-kind.ts'
import { printIpLink } from './ip-link.ts'
import { formatTextError } from './text.ts'

const DUMPS = join(import.meta.dirname, '../../../shared/dumps')
const folders = existsSync(DUMPS) ? readdirSync(DUMPS).filter((f) => statSync(join(DUMPS, f)).isDirectory()) : []
const filesOf = (folder: string): ImportFile[] =>
  (readdirSync(join(DUMPS, folder), { recursive: true, encoding: 'utf8' }) as string[])
    .sort()
    .filter((f) => statSync(join(DUMPS, folder, f)).isFile())
    .map((name) => ({ name, text: readFileSync(join(DUMPS, folder, name), 'utf8') }))

const devices = (records: readonly WorldRecord[], netns: string) =>
  records.filter((r): r is DeviceRecord => r.kind === 'device' && r.netns === `netns:${netns}`)

describe('every node that people published', () => {
  for (const folder of folders) {
    it(`imports ${folder} without an error, and no record refers to a device that is not there`, () => {
      const { records, errors, netnses } = importNode(filesOf(folder))
      expect(errors.map((e) => `${e.file}: ${formatTextError(e.error)}`)).toEqual([])
      expect(netnses.length).toBeGreaterThan(0)
      const ids = new Set<string>(records.map((r) => r.id))
      expect(ids.size).toBe(records.length)
      for (const r of records) {
        if (r.kind === 'address' || r.kind === 'neighbour') expect(ids).toContain(r.device)
        if (r.kind === 'route') for (const n of r.nexthops) if (n.device !== undefined) expect(ids).toContain(n.device)
        if (r.kind === 'device' && r.master) expect(ids).toContain(r.master.bridge)
        if (r.kind === 'chain') for (const id of r.rules) expect(ids).toContain(id)
      }
    })
  }
})

const ADDR = `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
       valid_lft forever preferred_lft forever
2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq_codel state UP group default qlen 1000
    link/ether 52:54:00:00:00:0b brd ff:ff:ff:ff:ff:ff
    inet 192.168.1.11/24 brd 192.168.1.255 scope global dynamic noprefixroute eth0
       valid_lft 1222sec preferred_lft 1222sec
3: flannel.1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UNKNOWN group default
    link/ether 9a:e0:6b:c3:ce:e3 brd ff:ff:ff:ff:ff:ff
    inet 10.244.1.0/32 scope global flannel.1
       valid_lft forever preferred_lft forever
4: cni0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UP group default qlen 1000
    link/ether 1a:1e:b0:ef:a6:21 brd ff:ff:ff:ff:ff:ff
    inet 10.244.1.1/24 brd 10.244.1.255 scope global cni0
       valid_lft forever preferred_lft forever
5: veth65f02aea@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue master cni0 state UP group default
    link/ether 5e:1e:1c:89:0e:8d brd ff:ff:ff:ff:ff:ff link-netnsid 0
    inet6 fe80::5c1e:1cff:fe89:e8d/64 scope link
       valid_lft forever preferred_lft forever
`

describe('a flannel node from ip addr alone', () => {
  const node = importNode([{ name: 'ip-addr.txt', text: ADDR }])

  it('knows a bridge by its ports, a veth by its @ifN, and keeps what is not modelled as an unknown kind', () => {
    expect(devices(node.records, 'node1').map((d) => [d.name, d.link.kind, d.master?.bridge ?? ''])).toEqual([
      ['lo', 'loopback', ''],
      ['eth0', 'physical', ''],
      ['flannel.1', 'unknown', ''],
      ['cni0', 'bridge', ''],
      ['veth65f02aea', 'veth', 'dev:node1/cni0'],
    ])
  })
  it('makes the local table and the connected routes that the kernel makes of the addresses', () => {
    const routes = node.records.filter((r) => r.kind === 'route')
    expect(routes.filter((r) => r.table === 254)).toHaveLength(2)
    expect(routes.filter((r) => r.table === 255 && r.type === 'local').length).toBeGreaterThanOrEqual(5)
    expect(node.records.filter((r) => r.kind === 'policy-rule').map((r) => r.priority)).toEqual([0, 32766, 32767])
  })
  it('says plainly what is missing', () => {
    const notes = node.notes.map((n) => n.what).join('\n')
    expect(notes).toContain('flannel.1 is a device of type vxlan')
    expect(notes).toContain('no ip route text')
    expect(notes).toContain('what is behind eth0 is not in these files')
    expect(notes).toContain('IPv6 is not modelled; passed over: 1 addresses')
  })
})

describe('a flannel node from ip -d addr and bridge fdb', () => {
  const detail =
    '    vxlan id 1 local 192.168.1.11 dev eth0 srcport 0 0 dstport 8472 nolearning ttl auto ageing 300 udpcsum noudp6zerocsumtx noudp6zerocsumrx numtxqueues 1 numrxqueues 1 \n'
  const detailed = ADDR.replace(/(link\/ether 9a:e0:.*\n)/, `$1${detail}`)
  const FDB = '3a:11:22:33:44:55 dev flannel.1 dst 192.168.1.12 self permanent\n33:33:00:00:00:01 dev eth0 self permanent\n'
  const read = (addr: string) =>
    importNode([
      { name: 'ip-addr.txt', text: addr },
      { name: 'bridge-fdb.txt', text: FDB },
    ])

  it('is a tunnel with its forwarding entries, and prints as it was', () => {
    const node = read(detailed)
    expect(devices(node.records, 'node1').find((d) => d.name === 'flannel.1')?.link).toEqual({
      kind: 'vxlan',
      vni: 1,
      port: 8472,
      local: 0xc0a8010b,
      device: 'dev:node1/eth0',
      learning: false,
      ageing: 300e9,
    })
    const view = viewOf(new Map(node.records.map((r) => [r.id, r])))
    expect(printBridgeFdb(view, 'netns:node1')).toBe('3a:11:22:33:44:55 dev flannel.1 dst 192.168.1.12 self permanent\n')
    expect(printIpLink(view, 'netns:node1', { details: true })).toContain(detail.slice(0, detail.indexOf(' numtxqueues')))
    expect(node.notes.map((n) => n.what).join('\n')).not.toContain('flannel.1')
  })

  it('stays a device of a type not modelled where it is set up in a way that is not', () => {
    const odd = read(detailed.replace('nolearning', 'proxy nolearning'))
    expect(devices(odd.records, 'node1').find((d) => d.name === 'flannel.1')?.link).toEqual({ kind: 'unknown', type: 'vxlan' })
    expect(odd.notes.map((n) => n.what).join('\n')).toContain('flannel.1 is a device of type vxlan (proxy)')
  })
})

describe('telling texts apart', () => {
  it('goes by content', () => {
    expect(textKind('*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n')).toBe('iptables-save')
    expect(textKind('-P INPUT ACCEPT\n-A INPUT -j DROP\n')).toBe('iptables-S')
    expect(textKind('default via 192.0.2.1 dev eth0 \n')).toBe('ip-route')
    expect(textKind('10.244.1.5 dev cbr0 lladdr 0a:58:0a:f4:01:05 STALE \n')).toBe('ip-neigh')
    expect(textKind('lo               UNKNOWN        127.0.0.1/8 ::1/128 \n')).toBe('ip-addr')
    expect(textKind('0:\tfrom all lookup local\n')).toBe('ip-rule')
    expect(textKind('net.ipv4.ip_forward = 1\n')).toBe('sysctl')
    expect(textKind('apiVersion: v1\nkind: List\n')).toBe('kubernetes')
    expect(textKind('{"apiVersion":"v1","kind":"List"}')).toBe('kubernetes')
    expect(textKind('Dear diary\n')).toBe('other')
  })
  it('reports a text that breaks off, with file and line, and keeps the rest', () => {
    const node = importNode([
      { name: 'ip-addr.txt', text: ADDR },
      { name: 'ip-route.txt', text: 'default via 192.168.1.1 dev eth0 \n10.0.0.0/8 via nowhere dev eth0\n' },
    ])
    expect(node.errors).toHaveLength(1)
    expect(node.errors[0]).toMatchObject({ file: 'ip-route.txt', error: { line: 2, found: 'nowhere' } })
    expect(devices(node.records, 'node1')).toHaveLength(5)
  })
  it('gives every folder its namespace, and joins veth ends of one host by their ifindexes', () => {
    const addr = (index: number, name: string, peer: number) =>
      `${index}: ${name}@if${peer}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP\n    link/ether 0a:58:0a:f4:01:05 brd ff:ff:ff:ff:ff:ff link-netnsid 0\n    veth numtxqueues 1\n`
    const node = importNode([
      { name: 'host/ip-d-addr.txt', text: addr(7, 'veth0', 2) },
      { name: 'container/ip-d-addr.txt', text: addr(2, 'eth0', 7) },
    ])
    expect(node.netnses.map((n) => [n.name, n.role])).toEqual([
      ['node1', 'node'],
      ['container', 'pod'],
    ])
    expect(devices(node.records, 'container').find((d) => d.name === 'eth0')?.link).toEqual({
      kind: 'veth',
      peer: 'dev:node1/veth0',
    })
  })
  it('takes rules of ip6tables for what they are', () => {
    const node = importNode([
      { name: 'rules.txt', text: '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s fe80::/10 -j ACCEPT\nCOMMIT\n' },
    ])
    expect(node.errors).toEqual([])
    expect(node.notes.map((n) => n.what)).toContain('IPv6 is not modelled; passed over: 1 rules of ip6tables')
  })
})
