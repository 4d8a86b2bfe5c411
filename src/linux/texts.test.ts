import { describe, expect, it } from 'vitest'
import { type Ipv4, parseIpv4, parseMac } from '../net/address.ts'
import { conntrackId, deviceId, fdbId, ipsetId, netnsId, type RecordId } from '../world/ids.ts'
import type { ConntrackRecord, DeviceRecord, WorldRecord } from '../world/records.ts'
import { viewOf, type WorldView } from '../world/world.ts'
import { parseBrctlShow, printBrctlShow, printBrctlShowmacs } from './brctl.ts'
import { parseConntrack, printConntrack } from './conntrack.ts'
import { parseIpAddr } from './ip-addr-parse.ts'
import { parseIpNeigh } from './ip-neigh.ts'
import { parseIpRoute } from './ip-route-parse.ts'
import { parseIpRule } from './ip-rule.ts'
import { parseIpset, printIpsetList, printIpsetSave } from './ipset.ts'
import { nftTables } from './nft.ts'
import { parseSs } from './ss.ts'
import { parseSysctl } from './sysctl.ts'

const netns = netnsId('node1')
const origin = { component: 'user' } as const
const ip = (s: string): Ipv4 => {
  const r = parseIpv4(s)
  if (!r.ok) throw new Error(s)
  return r.value
}
const mac = (s: string) => {
  const r = parseMac(s)
  if (!r.ok) throw new Error(s)
  return r.value
}
const view = (records: readonly WorldRecord[], now = 0, cells: Readonly<Record<string, number>> = {}): WorldView => ({
  ...viewOf(new Map<RecordId, WorldRecord>(records.map((r) => [r.id, r])), now),
  cell: (id, field) => cells[`${id} ${field}`] ?? 0,
})
const device = (name: string, ifindex: number, more: Partial<DeviceRecord>): DeviceRecord => ({
  kind: 'device',
  id: deviceId('node1', name),
  netns,
  ifindex,
  name,
  mac: mac(`0a:58:0a:f4:01:0${ifindex}`),
  mtu: 1500,
  up: true,
  link: { kind: 'dummy' },
  origin,
  ...more,
})

describe('conntrack -L', () => {
  const entry = (n: number, more: Partial<ConntrackRecord>): ConntrackRecord => ({
    kind: 'conntrack',
    id: conntrackId('node1', n),
    netns,
    protocol: 6,
    original: { src: ip('10.244.1.5'), dst: ip('10.96.0.1'), sport: 45412, dport: 80 },
    reply: { src: ip('10.244.1.6'), dst: ip('10.244.1.5'), sport: 8080, dport: 45412 },
    seenReply: true,
    assured: true,
    confirmed: true,
    dying: false,
    srcNat: false,
    dstNat: true,
    mark: 0,
    zone: 0,
    origin,
    ...more,
  })
  const records = [
    entry(1, { tcpState: 'ESTABLISHED' }),
    entry(2, {
      protocol: 1,
      original: { src: ip('10.244.1.5'), dst: ip('192.0.2.8'), sport: 77, dport: 8 << 8 },
      reply: { src: ip('192.0.2.8'), dst: ip('192.168.1.11'), sport: 77, dport: 0 },
      seenReply: false,
      assured: false,
      mark: 0x4000,
    }),
    entry(3, { confirmed: false }),
  ]
  it('shows an established NATed connection and an unanswered echo; what is not confirmed is not in the table', () => {
    const at = view(records, 2e9, { [`${records[0]?.id} expires`]: 431_999e9 + 2.5e9, [`${records[1]?.id} expires`]: 30e9 })
    expect(printConntrack(at, netns)).toEqual({
      text: `tcp      6 431999 ESTABLISHED src=10.244.1.5 dst=10.96.0.1 sport=45412 dport=80 src=10.244.1.6 dst=10.244.1.5 sport=8080 dport=45412 [ASSURED] mark=0 use=1
icmp     1 28 src=10.244.1.5 dst=192.0.2.8 type=8 code=0 id=77 [UNREPLIED] src=192.0.2.8 dst=192.168.1.11 type=0 code=0 id=77 mark=16384 use=1
`,
      count: 2,
    })
  })
  it('reads back what it prints', () => {
    const { text } = printConntrack(view(records), netns)
    const parsed = parseConntrack(text)
    expect(parsed.ok && parsed.value.flows.map((f) => [f.original, f.reply, f.seenReply, f.assured, f.mark])).toEqual(
      records.slice(0, 2).map((e) => [e.original, e.reply, e.seenReply, e.assured, e.mark]),
    )
  })
  it('reads -o extended with accounting, and passes over IPv6', () => {
    const parsed = parseConntrack(
      `ipv4     2 udp      17 29 src=10.0.0.1 dst=10.0.0.2 sport=5 dport=53 packets=1 bytes=60 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=53 dport=5 packets=0 bytes=0 mark=0 zone=3 use=2
ipv6     10 udp      17 29 src=2001:db8::1 dst=2001:db8::2 sport=5 dport=53 src=2001:db8::2 dst=2001:db8::1 sport=53 dport=5 mark=0 use=2
conntrack v1.4.7 (conntrack-tools): 2 flow entries have been shown.
`,
    )
    expect(parsed.ok && parsed.value).toMatchObject({
      ipv6: 1,
      flows: [
        {
          protocol: 17,
          timeout: 29,
          seenReply: false,
          zone: 3,
          counted: [
            { packets: 1, bytes: 60 },
            { packets: 0, bytes: 0 },
          ],
        },
      ],
    })
  })
})

describe('brctl', () => {
  const bridge = deviceId('node1', 'cbr0')
  const port = (n: number) => ({ bridge, port: n, hairpin: false, learning: true, flood: true })
  const records: WorldRecord[] = [
    device('cbr0', 1, { link: { kind: 'bridge', ageing: 300e9 } }),
    device('veth1', 2, { master: port(1) }),
    device('veth2', 3, { master: port(2) }),
  ]
  const fdb = (address: string, name: string, local: boolean): WorldRecord => ({
    kind: 'fdb',
    id: fdbId('node1', 'cbr0', address, name),
    netns,
    bridge,
    mac: mac(address),
    port: deviceId('node1', name),
    local,
    static: local,
    origin,
  })
  it('lists a bridge with its ports below each other', () => {
    const text =
      'bridge name\tbridge id\t\tSTP enabled\tinterfaces\ncbr0\t\t8000.0a580af40101\tno\t\tveth1\n\t\t\t\t\t\t\tveth2\n'
    expect(printBrctlShow(view(records), netns)).toBe(text)
    expect(parseBrctlShow(text)).toEqual({
      ok: true,
      value: [{ name: 'cbr0', id: '8000.0a580af40101', stp: false, ports: ['veth1', 'veth2'] }],
    })
  })
  it('sorts MAC addresses, and counts their age in hundredths of a second', () => {
    const learnt = fdb('0a:58:0a:f4:01:06', 'veth2', false)
    const all = [...records, learnt, fdb('02:00:00:00:00:01', 'veth1', true)]
    expect(printBrctlShowmacs(view(all, 3.25e9, { [`${learnt.id} updated`]: 1e9 }), netns, 'cbr0')).toBe(
      'port no\tmac addr\t\tis local?\tageing timer\n  1\t02:00:00:00:00:01\tyes\t\t   0.00\n  2\t0a:58:0a:f4:01:06\tno\t\t   2.25\n',
    )
  })
})

describe('ipset', () => {
  const list = `Name: set1
Type: hash:ip
Revision: 6
Header: family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x89b0b215
Size in memory: 280
References: 0
Number of entries: 2
Members:
192.0.2.2
192.0.2.3
`
  it('reads a listing, prints it back, and saves it as ipset restore takes it', () => {
    const parsed = parseIpset(list)
    if (!parsed.ok) throw new Error(parsed.error.expected)
    const at = view(parsed.value.map((s) => ({ kind: 'ipset', id: ipsetId('node1', s.name), netns, ...s, origin })))
    expect(printIpsetList(at, netns)).toBe(list)
    const saved = printIpsetSave(at, netns)
    expect(saved).toBe(
      'create set1 hash:ip family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x89b0b215\nadd set1 192.0.2.2\nadd set1 192.0.2.3\n',
    )
    expect(parseIpset(saved)).toEqual(parsed)
  })
})

describe('forms of ip addr', () => {
  it('reads -br, with what it does not tell left open', () => {
    const r = parseIpAddr(
      'lo               UNKNOWN        127.0.0.1/8 ::1/128 \neth0@if2         UP             192.168.1.11/24 metric 100 fe80::1/64 \nwlan0            DOWN           \n',
    )
    expect(
      r.ok && r.value.map((l) => [l.name, l.peer, l.flags.includes('UP'), l.addresses.length, l.inet6.length, l.mtu]),
    ).toEqual([
      ['lo', undefined, true, 1, 1, undefined],
      ['eth0', 'if2', true, 1, 1, undefined],
      ['wlan0', undefined, false, 0, 0, undefined],
    ])
  })
  it('reads -o, one line an address', () => {
    const r = parseIpAddr(
      '2: ens3    inet 10.6.3.201/16 brd 10.6.255.255 scope global dynamic ens3\\       valid_lft 84872sec preferred_lft 84872sec\n2: ens3    inet6 fe80::1/64 scope link \\       valid_lft forever preferred_lft forever\n',
    )
    expect(r.ok && r.value).toMatchObject([
      { name: 'ens3', ifindex: 2, addresses: [{ prefixLength: 16 }], inet6: ['fe80::1/64'] },
    ])
  })
  it('reads a bridge port’s options out of -d', () => {
    const r = parseIpAddr(
      '4: vethd@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master cbr0 state UP group default qlen 1000\n    link/ether 26:9e:4d:21:c1:f5 brd ff:ff:ff:ff:ff:ff promiscuity 1 \n    veth \n    bridge_slave state forwarding priority 32 cost 2 hairpin on guard off \n',
    )
    expect(r.ok && r.value[0]).toMatchObject({ kind: 'veth', master: 'cbr0' })
    expect(r.ok && r.value[0]?.slaveWords).toContain('hairpin')
  })
})

describe('routes and rules', () => {
  it('reads multipath, onlink, types and tables', () => {
    const r = parseIpRoute(
      'default proto static metric 20 \n\tnexthop via 192.168.1.1 dev eth0 weight 1 \n\tnexthop via 192.168.1.2 dev eth0 weight 3 onlink \nblackhole 10.99.0.0/16 \nlocal 10.0.0.1 dev lo table local proto kernel scope host src 10.0.0.1 \nthrow default table 100 \nunreachable 10/8 metric 4278198272 \n',
    )
    expect(r.ok && r.value.routes.map((x) => [x.type, x.table, x.prefixLength, x.metric, x.nexthops.length, x.scope])).toEqual([
      ['unicast', 254, 0, 20, 2, 'global'],
      ['blackhole', 254, 16, 0, 0, 'global'],
      ['local', 255, 32, 0, 1, 'host'],
      ['throw', 100, 0, 0, 0, 'global'],
      ['unreachable', 254, 8, 4278198272, 0, 'global'],
    ])
    expect(r.ok && r.value.routes[0]?.nexthops[1]).toEqual({ via: ip('192.168.1.2'), device: 'eth0', weight: 3, onlink: true })
  })
  it('passes IPv6 over and counts it; keeps what no record holds as a note', () => {
    const r = parseIpRoute(
      'fe80::/64 dev eth0 proto kernel metric 256 pref medium\ndefault via fe80::1 dev eth0 pref medium\n10.0.0.0/8 via 192.0.2.1 dev eth0 mtu lock 1300 \n',
    )
    expect(r.ok && [r.value.ipv6, r.value.routes.length, r.value.unmodelled]).toEqual([2, 1, [{ line: 3, what: 'mtu 1300' }]])
  })
  it('gives a named table a number of its own, the same in routes and rules', () => {
    const rule = parseIpRule(
      '110:\tnot from all fwmark 0x1bd00 lookup netbird\n105:\tfrom all lookup main suppress_prefixlength 0\n',
    )
    const route = parseIpRoute('default dev wt0 table netbird scope link \n')
    if (!rule.ok || !route.ok) throw new Error('refused')
    const action = rule.value.rules[0]?.action
    expect(action?.kind === 'lookup' && action.table).toBe(route.value.routes[0]?.table)
    expect(rule.value.rules[1]?.suppressPrefixLength).toBe(0)
  })
})

describe('refusals name the line and the word', () => {
  const refused = (r: { ok: boolean; error?: { line: number; found: string } }) =>
    r.ok || !r.error ? undefined : [r.error.line, r.error.found]
  it.each([
    ['ip addr', parseIpAddr('1: lo: <LOOPBACK> mtu 65536\n    inet 127.0.0.300/8 scope host lo\n'), [2, '127.0.0.300/8']],
    ['ip addr', parseIpAddr('hello\n'), [1, 'hello']],
    ['ip route', parseIpRoute('default via 192.0.2.1 dev eth0\nsomewhere dev eth0\n'), [2, 'somewhere']],
    ['ip route', parseIpRoute('default via 192.0.2.1 dev eth0 zork 3\n'), [1, 'zork']],
    ['ip rule', parseIpRule('0:\tfrom all\n'), [1, '0:\tfrom all']],
    ['ip neigh', parseIpNeigh('192.0.2.1 dev eth0 lladdr 0a:58:0a:f4:01:05 HAPPY\n'), [1, 'HAPPY']],
    [
      'conntrack',
      parseConntrack('tcp 6 5 ESTABLISHED src=192.0.2.1 dst=192.0.2.2\n'),
      [1, 'tcp 6 5 ESTABLISHED src=192.0.2.1 dst=192.0.2.2'],
    ],
    ['ss', parseSs('SLEEPING 0 0 0.0.0.0:80 0.0.0.0:*\n', 'tcp'), [1, 'SLEEPING']],
    ['sysctl', parseSysctl('net.ipv4.ip_forward\n'), [1, 'net.ipv4.ip_forward']],
    ['brctl', parseBrctlShow('cbr0 8000.zork no\n'), [1, 'cbr0 8000.zork no']],
  ])('%s', (_, result, expected) => {
    expect(refused(result)).toEqual(expected)
  })
})

describe('nft list ruleset', () => {
  it('is recognised table by table, and told from what iptables-nft keeps there', () => {
    const text = `# Warning: table ip nat is managed by iptables-nft, do not touch!
table ip nat {
	chain PREROUTING {
		type nat hook prerouting priority dstnat; policy accept;
		counter packets 1 bytes 60 jump KUBE-SERVICES
	}
}
table inet mesh {
	chain input {
		type filter hook input priority filter; policy accept;
		tcp dport 80 drop
	}
}
`
    expect(nftTables(text)).toEqual([
      { family: 'ip', name: 'nat', chains: 1, rules: 1, iptables: true },
      { family: 'inet', name: 'mesh', chains: 1, rules: 1, iptables: false },
    ])
  })
})
