import { describe, expect, it } from 'vitest'
import { macOf } from '../../net/address.ts'
import type { Packet } from '../../net/packet.ts'
import { encodeTcpOptions } from '../../net/tcp-options.ts'
import type { Match } from '../../world/netfilter.ts'
import type { IpsetRecord } from '../../world/records.ts'
import type { Skb } from '../types.ts'
import {
  ACCEPT,
  type Condition,
  DROP,
  ip,
  ipset,
  type NodeOptions,
  net,
  ping,
  port,
  proto,
  rule,
  TestNode,
  tcp,
  udp,
} from './testing.ts'

/** A node whose FORWARD chain drops what the condition matches; answers whether it does. */
function matcher(condition: Condition, options: NodeOptions = {}) {
  const node = new TestNode({ filter: { FORWARD: [rule(condition, DROP)] } }, options)
  const matches = (pkt: Packet, skb: Partial<Skb> = {}) => node.forward(pkt, 'cbr0', 'eth0', skb) === undefined
  return { node, matches }
}
const fits = (match: Match, pkt: Packet, more: { readonly skb?: Partial<Skb>; readonly options?: NodeOptions } = {}) =>
  matcher({ matches: [match] }, more.options).matches(pkt, more.skb)

const web = () => tcp('10.244.1.5:40000', '10.244.2.7:80', 'S')
const dns = () => udp('10.244.1.5:5353', '10.244.2.7:53')

describe('the header of a rule', () => {
  it('compares addresses under any mask, and inverted', () => {
    expect(matcher({ src: '10.244.1.0/24' }).matches(web())).toBe(true)
    expect(matcher({ src: '!10.244.1.0/24' }).matches(web())).toBe(false)
    expect(matcher({ dst: '192.168.0.0/16' }).matches(tcp('10.0.0.1:1', '192.168.9.9:2', 'S'))).toBe(true)
    expect(matcher({ dst: '!255.255.255.255' }).matches(web())).toBe(true)
    const odd = new TestNode({
      filter: {
        FORWARD: [{ src: { address: ip('10.0.1.0'), mask: ip('255.0.255.0'), invert: false }, matches: [], target: DROP }],
      },
    })
    expect(odd.forward(web())).toBeUndefined()
    expect(odd.forward(tcp('10.244.2.5:1', '10.0.0.1:2', 'S'))).toBeDefined()
  })

  it('compares device names whole or by prefix; no device has the empty name', () => {
    const cases: readonly (readonly [Condition, boolean])[] = [
      [{ in: 'cbr0' }, true],
      [{ in: 'cbr+' }, true],
      [{ in: '+' }, true],
      [{ in: 'cbr' }, false],
      [{ in: '!cbr0' }, false],
      [{ out: 'eth+' }, true],
      [{ out: '!eth+' }, false],
    ]
    for (const [condition, expected] of cases)
      expect([condition, matcher(condition).matches(web())]).toEqual([condition, expected])
    const output = (c: Condition) => new TestNode({ filter: { OUTPUT: [rule(c, DROP)] } }).output(web()) === undefined
    expect([output({ in: 'eth0' }), output({ in: '!eth0' }), output({ in: '+' })]).toEqual([false, true, true])
  })

  it('compares the protocol, by number too', () => {
    expect(matcher({ proto: 'udp' }).matches(dns())).toBe(true)
    expect(matcher({ proto: '!tcp' }).matches(dns())).toBe(true)
    expect(matcher({ proto: '17' }).matches(dns())).toBe(true)
    expect(matcher({ proto: '0' }).matches(dns())).toBe(true)
  })

  it('tells later fragments from first ones', () => {
    const node = (invert: boolean) => new TestNode({ filter: { FORWARD: [{ fragment: { invert }, matches: [], target: DROP }] } })
    const later = () => udp('10.244.1.5:0', '10.244.2.7:0', { fragmentOffset: 1480 })
    expect([node(false).forward(later()) === undefined, node(false).forward(dns()) === undefined]).toEqual([true, false])
    expect([node(true).forward(later()) === undefined, node(true).forward(dns()) === undefined]).toEqual([false, true])
  })
})

describe('ports', () => {
  it('compares them in ranges, inverted, and never for a later fragment', () => {
    expect(matcher({ proto: 'tcp', dport: 80 }).matches(web())).toBe(true)
    expect(matcher({ proto: 'tcp', dport: 443 }).matches(web())).toBe(false)
    expect(fits({ kind: 'tcp', sport: port(30000, 50000) }, web())).toBe(true)
    expect(fits({ kind: 'tcp', dport: port(80, 80, true) }, web())).toBe(false)
    expect(fits({ kind: 'udp', dport: port(53) }, dns())).toBe(true)
    expect(fits({ kind: 'udp', dport: port(53) }, web())).toBe(false)
    const later = udp('10.244.1.5:0', '10.244.2.7:0', { fragmentOffset: 1480 })
    for (const invert of [false, true]) {
      expect(matcher({ proto: 'udp', matches: [{ kind: 'udp', dport: port(9, 9, invert) }] }).matches(later)).toBe(false)
    }
  })

  it('evaluates a second port match of one rule as well', () => {
    const both: Condition = {
      proto: 'tcp',
      matches: [
        { kind: 'tcp', dport: port(80) },
        { kind: 'tcp', sport: port(1) },
      ],
    }
    expect(matcher(both).matches(web())).toBe(false)
  })

  it('reads SCTP ports from the header', () => {
    const sctp = udp('10.244.1.5:0', '10.244.2.7:0', {
      protocol: 132,
      payload: Uint8Array.of(0x0b, 0x59, 0x0e, 0x24, 0, 0, 0, 0),
    })
    expect(matcher({ proto: 'sctp', matches: [{ kind: 'sctp', dport: port(3620) }] }).matches(sctp)).toBe(true)
  })

  it('multiport takes either side', () => {
    const ranges = [port(443), port(80, 90)]
    const ask = (which: 'sports' | 'dports' | 'ports', invert = false) =>
      fits({ kind: 'multiport', which, ranges, invert }, web())
    expect([ask('dports'), ask('sports'), ask('ports'), ask('dports', true), ask('sports', true)]).toEqual([
      true,
      false,
      true,
      false,
      true,
    ])
  })

  it('compares TCP flags and options', () => {
    const flags = (mask: number, comp: number, invert = false): Match => ({ kind: 'tcp', flags: { mask, comp, invert } })
    expect(fits(flags(0x17, 0x02), web())).toBe(true)
    expect(fits(flags(0x17, 0x02), tcp('10.244.1.5:1', '10.244.2.7:80', 'S.'))).toBe(false)
    expect(fits(flags(0x17, 0x02, true), tcp('10.244.1.5:1', '10.244.2.7:80', '.'))).toBe(true)
    const options = encodeTcpOptions([{ kind: 'nop' }, { kind: 'mss', value: 1460 }, { kind: 'window-scale', shift: 7 }])
    const option = (number: number, invert = false): Match => ({ kind: 'tcp', option: { number, invert } })
    const ask = (m: Match) => fits(m, tcp('10.244.1.5:1', '10.244.2.7:80', 'S', { options }))
    expect([ask(option(2)), ask(option(3)), ask(option(8)), ask(option(8, true))]).toEqual([true, true, false, true])
  })
})

describe('other matches', () => {
  it('ICMP type and code', () => {
    const type = (t: number, code?: number, invert = false): Match => ({
      kind: 'icmp',
      type: t,
      ...(code === undefined ? {} : { code }),
      invert,
    })
    const echo = () => ping('10.244.1.5', '10.244.2.7')
    expect([
      fits(type(8), echo()),
      fits(type(0), echo()),
      fits(type(255), echo()),
      fits(type(8, 1), echo()),
      fits(type(0, undefined, true), echo()),
    ]).toEqual([true, false, true, false, true])
    expect(fits(type(255), web())).toBe(false)
  })

  it('comment and nfacct always match', () => {
    expect(fits({ kind: 'comment', text: 'web' }, web())).toBe(true)
    expect(fits({ kind: 'nfacct', name: 'ct_state_invalid_dropped_pkts' }, web())).toBe(true)
  })

  it('mark under a mask', () => {
    const mark = (value: number, mask: number, invert = false): Match => ({ kind: 'mark', value, mask, invert })
    const skb = { mark: 0x80004001 }
    expect([
      fits(mark(0x4000, 0x4000), web(), { skb }),
      fits(mark(1, 0xffffffff), web(), { skb }),
      fits(mark(0x4000, 0x4000, true), web(), { skb }),
    ]).toEqual([true, false, false])
    expect(fits(mark(0x80000000, 0x80000000), web(), { skb })).toBe(true)
  })

  it('address types, asking the FIB', () => {
    const type = (dstTypes: readonly ('LOCAL' | 'UNICAST' | 'BROADCAST')[], more: object = {}): Match => ({
      kind: 'addrtype',
      dstTypes,
      ...more,
    })
    expect(fits(type(['LOCAL']), web())).toBe(false)
    expect(fits(type(['LOCAL']), udp('10.244.1.5:1', '192.168.1.11:2'))).toBe(true)
    expect(fits(type(['LOCAL'], { dstInvert: true }), web())).toBe(true)
    expect(fits(type(['BROADCAST', 'UNICAST']), web())).toBe(true)
    expect(fits({ kind: 'addrtype', srcTypes: ['LOCAL'] }, udp('10.244.1.1:1', '10.9.9.9:2'))).toBe(true)
    // 192.168.1.11 is eth0's, which is not where the packet came in.
    expect(fits(type(['LOCAL'], { limitIface: 'in' }), udp('10.244.1.5:1', '192.168.1.11:2'))).toBe(false)
    expect(fits(type(['LOCAL'], { limitIface: 'out' }), udp('10.244.1.5:1', '192.168.1.11:2'))).toBe(true)
  })

  it('statistic: chance by the seed, and every nth', () => {
    const random: Match = { kind: 'statistic', mode: 'random', probability: 0x80000000 / 4, invert: false }
    const ask = (seed: number) => {
      const { matches } = matcher({ matches: [random] }, { seed })
      return Array.from({ length: 400 }, () => matches(dns()))
    }
    expect(ask(1)).toEqual(ask(1))
    expect(ask(1)).not.toEqual(ask(2))
    expect(ask(1).filter(Boolean).length).toBeGreaterThan(60)
    expect(ask(1).filter(Boolean).length).toBeLessThan(140)
    const nth = (packet: number) => {
      const { matches } = matcher({ matches: [{ kind: 'statistic', mode: 'nth', every: 3, packet, invert: false }] })
      return Array.from({ length: 7 }, () => (matches(dns()) ? 'x' : '.')).join('')
    }
    expect([nth(0), nth(1), nth(2)]).toEqual(['x..x..x', '.x..x..', '..x..x.'])
  })

  it('does not draw for a packet that the rule does not fit otherwise', () => {
    const nth: Match = { kind: 'statistic', mode: 'nth', every: 2, packet: 0, invert: false }
    const { matches } = matcher({ proto: 'tcp', matches: [nth, { kind: 'tcp', dport: port(80) }] })
    expect([matches(dns()), matches(web()), matches(dns()), matches(web()), matches(web())]).toEqual([
      false,
      true,
      false,
      false,
      true,
    ])
    // Before the port match: the counter moves for every TCP packet.
    expect(matches(tcp('10.244.1.5:1', '10.244.2.7:443', 'S'))).toBe(false)
    expect(matches(web())).toBe(true)
  })

  it('limit refills with time', () => {
    const { node, matches } = matcher({ matches: [{ kind: 'limit', average: 2, unit: 'sec', burst: 3 }] })
    const burst = (n: number) => Array.from({ length: n }, () => (matches(dns()) ? 'x' : '.')).join('')
    expect(burst(5)).toBe('xxx..')
    node.wait(1)
    expect(burst(4)).toBe('xx..')
    node.wait(3600)
    expect(burst(4)).toBe('xxx.')
  })

  it('mac compares the frame, where there is one', () => {
    const source = macOf(0x0a58, 0x0af40105)
    const mac = (invert: boolean): Match => ({ kind: 'mac', source, invert })
    expect(fits(mac(false), udp('10.244.1.5:1', '10.244.2.7:2', { ethSrc: source }))).toBe(true)
    expect(fits(mac(true), udp('10.244.1.5:1', '10.244.2.7:2', { ethSrc: source }))).toBe(false)
    const output = new TestNode({ filter: { OUTPUT: [rule({ matches: [mac(true)] }, DROP)] } })
    expect(output.output(dns())).toBeDefined()
  })

  it('physdev looks at the bridge ports, and without a bridge only inverted ones hold', () => {
    const node = new TestNode({})
    const [veth1, veth2] = [node.devices.get('veth1'), node.devices.get('veth2')]
    const name = (n: string, invert = false) => ({ name: n, prefix: false, invert })
    const bridged = { skb: { physIn: veth1, physOut: veth2 } }
    expect(fits({ kind: 'physdev', isBridged: true }, web(), bridged)).toBe(true)
    expect(fits({ kind: 'physdev', physIn: name('veth1') }, web(), bridged)).toBe(true)
    expect(fits({ kind: 'physdev', physOut: name('veth1') }, web(), bridged)).toBe(false)
    expect(fits({ kind: 'physdev', isIn: true, isBridged: true }, web(), { skb: { physIn: veth1 } })).toBe(false)
    expect(fits({ kind: 'physdev', isBridged: true }, web())).toBe(false)
    expect(fits({ kind: 'physdev', isBridged: false }, web())).toBe(true)
    expect(fits({ kind: 'physdev', physIn: name('veth1') }, web())).toBe(false)
    expect(fits({ kind: 'physdev', physIn: name('veth1', true) }, web())).toBe(true)
  })

  it('conntrack: status, tuples, direction', () => {
    const base = { kind: 'conntrack' } as const
    const replies = (match: Match) => {
      const node = new TestNode({ filter: { FORWARD: [rule({ matches: [match] }, DROP)] } })
      node.forward(dns())
      const first = node.told.length > 0
      const skb = node.skb(udp('10.244.2.7:53', '10.244.1.5:5353'))
      const dropped = node.at('PREROUTING', skb, 'eth0') === 1 && node.at('FORWARD', skb, 'eth0', 'cbr0') === 0
      return [first, dropped]
    }
    expect(replies({ ...base, direction: 'REPLY' })).toEqual([false, true])
    expect(replies({ ...base, states: ['ESTABLISHED'], origSrc: net('10.244.1.5') })).toEqual([false, true])
    expect(replies({ ...base, states: ['ESTABLISHED'], replSrc: net('!10.244.2.7') })).toEqual([false, false])
    expect(replies({ ...base, status: ['SEEN_REPLY'] })).toEqual([false, true])
    expect(replies({ ...base, status: ['CONFIRMED'], statusInvert: true })).toEqual([true, true])
    expect(replies({ ...base, states: ['NEW'], statesInvert: true })).toEqual([false, true])
    expect(replies({ ...base, protocol: proto('udp'), origDstPort: port(53), direction: 'REPLY' })).toEqual([false, true])
    expect(replies({ kind: 'state', states: ['ESTABLISHED'], invert: false })).toEqual([false, true])
  })

  it('connmark needs an entry', () => {
    const node = new TestNode({
      mangle: {
        PREROUTING: [rule({ src: '10.244.1.5' }, { kind: 'connmark', operation: 'set', value: 5, mask: 0xff })],
        FORWARD: [rule({ matches: [{ kind: 'connmark', value: 5, mask: 0xff, invert: false }] }, DROP)],
        POSTROUTING: [rule({ matches: [{ kind: 'connmark', value: 9, mask: 0xff, invert: true }] }, ACCEPT)],
      },
    })
    expect(node.forward(dns())).toBeUndefined()
    expect(node.forward(udp('10.244.1.6:5353', '10.244.2.7:53'))).toBeDefined()
    expect(node.rows().filter((r) => r.includes('POSTROUTING/1'))).toHaveLength(1)
    expect(node.forward(udp('10.244.1.6:0', '10.244.2.7:0', { fragmentOffset: 1480 }))).toBeDefined()
    expect(node.rows().filter((r) => r.includes('POSTROUTING/1'))).toHaveLength(0)
  })
})

describe('sets', () => {
  const sets: readonly IpsetRecord[] = [
    ipset('ips', 'hash:ip', ['10.244.2.7', '10.244.2.8 timeout 100']),
    ipset('nets', 'hash:net', ['10.244.0.0/16', '10.244.3.0/24 nomatch', '192.168.1.11']),
    ipset('services', 'hash:ip,port', ['10.244.2.7,tcp:80', '10.244.2.9,udp:5000-5001', '10.244.2.7,icmp:8/0']),
    ipset('loops', 'hash:ip,port,ip', ['10.244.2.7,tcp:80,10.244.1.5']),
    ipset('sources', 'hash:ip,port,net', ['10.244.2.7,tcp:80,10.244.0.0/16', '10.244.2.7,tcp:80,10.244.3.0/24 nomatch']),
    ipset('netports', 'hash:net,port', ['10.244.2.0/24,udp:53']),
    ipset('ports', 'bitmap:port', ['80', '8080-8090'], ['range', '0-65535']),
    ipset('all', 'list:set', ['ips', 'nets']),
    ipset('odd', 'hash:mac', ['0a:58:0a:f4:01:05']),
  ]
  const ask = (set: string, directions: readonly ('src' | 'dst')[], pkt: Packet, invert = false) =>
    fits({ kind: 'set', set, directions, invert, options: [] }, pkt, { options: { ipsets: sets } })

  it('looks up addresses and networks, with exceptions', () => {
    expect([ask('ips', ['dst'], web()), ask('ips', ['src'], web()), ask('ips', ['dst'], web(), true)]).toEqual([
      true,
      false,
      false,
    ])
    expect([
      ask('nets', ['src'], web()),
      ask('nets', ['src'], udp('10.244.3.5:1', '10.9.9.9:1')),
      ask('nets', ['dst'], udp('10.0.0.1:1', '192.168.1.11:1')),
    ]).toEqual([true, false, true])
    expect(ask('all', ['src'], udp('192.168.1.11:1', '10.9.9.9:1'))).toBe(true)
  })

  it('looks up pairs and triples as kube-proxy in IPVS mode does', () => {
    expect([
      ask('services', ['dst', 'dst'], web()),
      ask('services', ['dst', 'src'], web()),
      ask('services', ['dst', 'dst'], dns()),
    ]).toEqual([true, false, false])
    expect(ask('services', ['dst', 'dst'], udp('10.244.1.5:1', '10.244.2.9:5001'))).toBe(true)
    expect(ask('services', ['dst', 'dst'], ping('10.244.1.5', '10.244.2.7'))).toBe(true)
    expect([ask('loops', ['dst', 'dst', 'src'], web()), ask('loops', ['dst', 'dst', 'dst'], web())]).toEqual([true, false])
    const sources: readonly ('src' | 'dst')[] = ['dst', 'dst', 'src']
    expect([
      ask('sources', sources, web()),
      ask('sources', sources, tcp('10.244.3.5:40000', '10.244.2.7:80', 'S')),
      ask('sources', sources, tcp('192.168.1.9:40000', '10.244.2.7:80', 'S')),
      ask('sources', sources, tcp('10.244.1.5:40000', '10.244.2.7:81', 'S')),
    ]).toEqual([true, false, false, false])
    expect(ask('netports', ['dst', 'dst'], dns())).toBe(true)
    expect([
      ask('ports', ['dst'], web()),
      ask('ports', ['src'], web()),
      ask('ports', ['dst'], ping('10.244.1.5', '10.244.2.7')),
    ]).toEqual([true, false, false])
  })

  it('does not know what is in a set that is missing or of another type', () => {
    for (const set of ['gone', 'odd']) {
      const { node, matches } = matcher(
        { matches: [{ kind: 'set', set, directions: ['src'], invert: false, options: [] }] },
        { ipsets: sets },
      )
      matches(web())
      expect(node.told).toEqual([`undetermined -m set --match-set ${set} src by filter/FORWARD/1`])
    }
  })
})

describe('recent', () => {
  const base = {
    kind: 'recent',
    name: 'SVC',
    invert: false,
    reap: false,
    ttl: false,
    mask: ip('255.255.255.255'),
    side: 'source',
  } as const

  it('remembers a client for as long as the affinity of its Service lasts', () => {
    const node = new TestNode({
      filter: {
        FORWARD: [
          rule({ matches: [{ ...base, operation: 'rcheck', seconds: 10800, reap: true }] }, ACCEPT),
          rule({ dst: '10.244.2.7', matches: [{ ...base, operation: 'set' }] }, DROP),
        ],
      },
    })
    const ask = (src: string) => node.forward(udp(`${src}:1`, '10.244.2.7:53')) !== undefined
    expect([ask('10.244.1.5'), ask('10.244.1.5'), ask('10.244.1.6'), ask('10.244.1.6')]).toEqual([false, true, false, true])
    node.wait(10801)
    expect([ask('10.244.1.5'), ask('10.244.1.5')]).toEqual([false, true])
  })

  it('counts hits, updates and removes', () => {
    const node = new TestNode({
      filter: {
        FORWARD: [
          rule({ proto: 'tcp', dport: 22, matches: [{ ...base, operation: 'update', seconds: 60, hitcount: 3 }] }, DROP),
          rule({ proto: 'tcp', dport: 22, matches: [{ ...base, operation: 'set' }] }, ACCEPT),
          rule({ proto: 'udp', matches: [{ ...base, operation: 'remove' }] }, ACCEPT),
        ],
      },
    })
    const ssh = () => node.forward(tcp('10.244.1.5:1000', '10.244.2.7:22', 'S')) !== undefined
    expect([ssh(), ssh(), ssh(), ssh()]).toEqual([true, true, true, false])
    node.wait(61)
    expect(ssh()).toBe(true)
    node.forward(udp('10.244.1.5:1', '10.244.2.7:2'))
    expect([ssh(), ssh(), ssh(), ssh()]).toEqual([true, true, true, false])
  })

  it('forgets the oldest of more than a hundred', () => {
    const node = new TestNode({
      filter: {
        FORWARD: [
          rule({ matches: [{ ...base, operation: 'rcheck' }] }, DROP),
          rule({ proto: 'tcp', matches: [{ ...base, operation: 'set' }] }, ACCEPT),
        ],
      },
    })
    for (let i = 0; i <= 100; i++) node.forward(tcp(`10.244.1.${i}:1`, '10.244.2.7:22', 'S'))
    expect(node.forward(udp('10.244.1.0:1', '10.244.2.7:22'))).toBeDefined()
    expect(node.forward(udp('10.244.1.1:1', '10.244.2.7:22'))).toBeUndefined()
  })
})
