import { describe, expect, it } from 'vitest'
import type { Packet } from '../../net/packet.ts'
import { encodeTcpOptions } from '../../net/tcp-options.ts'
import { CELL_FIELDS } from '../../world/world.ts'
import { ACCEPT, DROP, dnat, masquerade, ping, type Ruleset, rule, state, TestNode, tcp, udp } from '../netfilter/testing.ts'
import { NF_ACCEPT, NF_DROP } from '../types.ts'

// One rule that asks for the state is enough for Linux to track.
const tracking: Ruleset = { filter: { FORWARD: [rule({ matches: [state('RELATED', 'ESTABLISHED')] }, ACCEPT)] } }
const CLIENT = '10.244.1.5:40000'
const SERVER = '10.244.2.7:80'

/** The two ends of one connection through a node; each answers what the entry has become. */
function connection(node: TestNode, client = CLIENT, server = SERVER) {
  const send =
    (from: string, to: string, dir: readonly [string, string]) =>
    (flags: string, more: Partial<Packet> = {}) => {
      node.rows()
      node.forward(tcp(from, to, flags, more), ...dir)
      const lookup = node.rows().find((r) => r.startsWith('ct.lookup'))
      return `${lookup?.split(' ').at(-1)} ${node.conntracks()[0]?.tcpState ?? 'gone'}`
    }
  return { client: send(client, server, ['cbr0', 'eth0']), server: send(server, client, ['eth0', 'cbr0']) }
}

/** Seconds until the entry expires, from its last cell. */
function expiry(node: TestNode): number {
  const cells = node.rec.seal([]).cells
  for (let i = cells.length - 1; i >= 0; i--) {
    if (CELL_FIELDS[cells.field[i] ?? -1] === 'expires') return ((cells.value[i] ?? 0) - node.now) / 1e9
  }
  return Number.NaN
}

describe('where connections are tracked', () => {
  it('does not track where nothing asks for it', () => {
    const node = new TestNode({ filter: { FORWARD: [rule({ proto: 'tcp' }, ACCEPT)] } })
    expect(node.netfilter.tracking).toBe(false)
    node.forward(tcp(CLIENT, SERVER, 'S'))
    expect(node.rows().some((r) => r.startsWith('ct.'))).toBe(false)
  })

  it('tracks as soon as one rule needs it, a nat table alone does not, and loopback too', () => {
    expect(new TestNode({ nat: {} }).netfilter.tracking).toBe(false)
    const node = new TestNode(tracking)
    expect(node.netfilter.tracking).toBe(true)
    const skb = node.skb(udp('127.0.0.1:1000', '127.0.0.1:53'))
    node.at('OUTPUT', skb, '-', 'lo')
    node.at('POSTROUTING', skb, '-', 'lo')
    node.at('PREROUTING', skb, 'lo')
    expect(node.rows()).toEqual([
      'hook OUTPUT',
      'ct.lookup - NEW',
      'ct.change 1 new',
      'chain filter/OUTPUT',
      'policy filter/OUTPUT accept (0 tried)',
      'hook POSTROUTING',
      'ct.change 1 confirm',
      'hook PREROUTING',
    ])
  })

  it('leaves alone what NOTRACK asks to', () => {
    const node = new TestNode({
      raw: { PREROUTING: [rule({ dst: '10.244.2.7' }, { kind: 'notrack' })] },
      filter: { FORWARD: [rule({ matches: [state('UNTRACKED')] }, DROP)] },
    })
    expect(node.forward(udp(CLIENT, '10.244.2.7:53'))).toBeUndefined()
    expect(node.forward(udp(CLIENT, '10.244.2.8:53'))).toBeDefined()
  })

  it('tracks what answers an untracked packet, whatever NOTRACK asks: nf_ct_attach() has left it something', () => {
    const node = new TestNode({
      raw: { OUTPUT: [rule({}, { kind: 'notrack' })] },
      filter: { OUTPUT: [rule({ matches: [state('UNTRACKED')] }, DROP)] },
    })
    const offending = node.skb(udp('10.244.2.1:1000', '10.244.2.7:53'))
    expect(node.at('OUTPUT', offending, '-', 'eth0')).toBe(NF_DROP)
    const answer = node.skb(tcp('10.244.2.1:1000', '10.244.2.7:53', 'R'))
    node.netfilter.attach(answer, offending)
    expect(node.at('OUTPUT', answer, '-', 'eth0')).toBe(NF_ACCEPT)
    expect(answer.ct).toBeUndefined()
  })

  it('forgets an unconfirmed entry with the packet that was to make it', () => {
    const node = new TestNode({ filter: { FORWARD: [rule({ matches: [state('NEW')] }, DROP)] } })
    expect(node.forward(udp(CLIENT, '10.244.2.7:53'))).toBeUndefined()
    expect(node.rows().slice(-3)).toEqual(['rule filter/FORWARD/1 drop (1 tried)', 'ct.change 1 destroy', 'drop'])
    expect(node.entries()).toEqual([])
  })

  it('shows the entry from its first packet on, confirmed once that gets through', () => {
    const node = new TestNode(tracking)
    const skb = node.skb(udp(CLIENT, '10.244.2.7:53'))
    node.at('PREROUTING', skb, 'cbr0')
    expect(node.entries()).toEqual(['10.244.1.5:40000>10.244.2.7:53 10.244.2.7:53>10.244.1.5:40000 UNCONFIRMED UNREPLIED'])
    node.at('POSTROUTING', skb, '-', 'eth0')
    expect(node.entries()).toEqual(['10.244.1.5:40000>10.244.2.7:53 10.244.2.7:53>10.244.1.5:40000 UNREPLIED'])
  })
})

describe('TCP', () => {
  it('follows a connection from SYN to TIME_WAIT', () => {
    const node = new TestNode(tracking)
    const { client, server } = connection(node)
    expect(client('S', { seq: 100 })).toBe('NEW SYN_SENT')
    expect(client('S', { seq: 100 })).toBe('NEW SYN_SENT')
    expect(server('S.', { seq: 900, ack: 101 })).toBe('ESTABLISHED_REPLY SYN_RECV')
    expect(client('.', { seq: 101, ack: 901 })).toBe('ESTABLISHED ESTABLISHED')
    expect(node.conntracks()[0]?.assured).toBe(true)
    expect(client('P.', { seq: 101, ack: 901, payload: new Uint8Array(75) })).toBe('ESTABLISHED ESTABLISHED')
    expect(server('.', { seq: 901, ack: 176 })).toBe('ESTABLISHED_REPLY ESTABLISHED')
    expect(server('F.', { seq: 901, ack: 176 })).toBe('ESTABLISHED_REPLY FIN_WAIT')
    expect(client('.', { seq: 176, ack: 902 })).toBe('ESTABLISHED CLOSE_WAIT')
    expect(client('F.', { seq: 176, ack: 902 })).toBe('ESTABLISHED LAST_ACK')
    expect(server('.', { seq: 902, ack: 177 })).toBe('ESTABLISHED_REPLY TIME_WAIT')
    expect(expiry(node)).toBe(120)
  })

  it('gives each state its timeout, and data that nobody acknowledged five minutes', () => {
    const node = new TestNode(tracking)
    const { client, server } = connection(node)
    client('S', { seq: 100 })
    server('S.', { seq: 900, ack: 101 })
    client('.', { seq: 101, ack: 901 })
    client('P.', { seq: 101, ack: 901, payload: new Uint8Array(10) })
    expect(expiry(node)).toBe(300)
  })

  it('keeps an established connection for five days, or as its sysctl says', () => {
    for (const [sysctls, seconds] of [
      [{}, 432000],
      [{ 'net.netfilter.nf_conntrack_tcp_timeout_established': 86400 }, 86400],
    ] as const) {
      const node = new TestNode(tracking, { sysctls })
      const { client, server } = connection(node)
      client('S', { seq: 100 })
      server('S.', { seq: 900, ack: 101 })
      client('.', { seq: 101, ack: 901 })
      expect(expiry(node)).toBe(seconds)
    }
  })

  it('does not let a retransmitted SYN keep an unanswered entry alive', () => {
    const node = new TestNode(tracking)
    const { client } = connection(node)
    client('S', { seq: 100 })
    node.wait(100)
    client('S', { seq: 100 })
    expect(expiry(node)).toBe(20)
  })

  it('forgets a connection that was refused', () => {
    const node = new TestNode(tracking)
    const { client, server } = connection(node)
    client('S', { seq: 100 })
    expect(server('R.', { seq: 0, ack: 101 })).toBe('ESTABLISHED_REPLY gone')
    expect(node.entries()).toEqual([])
  })

  it('closes on an RST at exactly the expected number, and stays established for a near one', () => {
    for (const [seq, expected] of [
      [901, 'ESTABLISHED_REPLY CLOSE'],
      [950, 'ESTABLISHED_REPLY ESTABLISHED'],
      [800, 'INVALID ESTABLISHED'],
    ] as const) {
      const node = new TestNode(tracking)
      const { client, server } = connection(node)
      client('S', { seq: 100 })
      server('S.', { seq: 900, ack: 101 })
      client('.', { seq: 101, ack: 901 })
      expect(server('R', { seq })).toBe(expected)
    }
  })

  it('calls what lies outside the windows INVALID, and lets old data pass without believing it', () => {
    const node = new TestNode(tracking)
    const { client, server } = connection(node)
    client('S', { seq: 100 })
    server('S.', { seq: 900, ack: 101, window: 1000 })
    client('.', { seq: 101, ack: 901 })
    expect(client('P.', { seq: 500_000, ack: 901, payload: new Uint8Array(5) })).toBe('INVALID ESTABLISHED')
    expect(client('.', { seq: 101, ack: 700_000 })).toBe('INVALID ESTABLISHED')
    expect(client('P.', { seq: (101 - 5000) >>> 0, ack: 901, payload: new Uint8Array(5) })).toBe('ESTABLISHED ESTABLISHED')
    expect(client('P.', { seq: 101, ack: 901, payload: new Uint8Array(5) })).toBe('ESTABLISHED ESTABLISHED')
  })

  it('scales windows only when both ends offered it', () => {
    const options = encodeTcpOptions([{ kind: 'window-scale', shift: 7 }])
    const big = { seq: 101 + 60_000, ack: 901, payload: new Uint8Array(1000) }
    for (const [serverOptions, expected] of [
      [options, 'ESTABLISHED ESTABLISHED'],
      [new Uint8Array(0), 'INVALID ESTABLISHED'],
    ] as const) {
      const node = new TestNode(tracking)
      const { client, server } = connection(node)
      client('S', { seq: 100, options })
      server('S.', { seq: 900, ack: 101, window: 1000, options: serverOptions })
      client('.', { seq: 101, ack: 901 })
      server('.', { seq: 901, ack: 101, window: 1000 })
      expect(client('.', big)).toBe(expected)
    }
  })

  it('accepts everything in the window when told to be liberal', () => {
    const node = new TestNode(tracking, { sysctls: { 'net.netfilter.nf_conntrack_tcp_be_liberal': 1 } })
    const { client, server } = connection(node)
    client('S', { seq: 100 })
    server('S.', { seq: 900, ack: 101, window: 1000 })
    client('.', { seq: 101, ack: 901 })
    expect(client('P.', { seq: 500_000, ack: 901, payload: new Uint8Array(5) })).toBe('ESTABLISHED ESTABLISHED')
  })

  it('picks up a connection in the middle, unless told not to', () => {
    expect(connection(new TestNode(tracking)).client('.', { seq: 5, ack: 6 })).toBe('NEW ESTABLISHED')
    const strict = new TestNode(tracking, { sysctls: { 'net.netfilter.nf_conntrack_tcp_loose': 0 } })
    expect(connection(strict).client('.', { seq: 5, ack: 6 })).toBe('INVALID gone')
  })

  it('keeps a connection that it picked up and never saw answered for five minutes only', () => {
    const node = new TestNode(tracking)
    connection(node).client('.', { seq: 5, ack: 6 })
    expect(expiry(node)).toBe(300)
  })

  it('starts no connection with a SYN/ACK, a FIN or a reset', () => {
    for (const flags of ['S.', 'F.', 'R', 'FS', 'FPU', '']) {
      const node = new TestNode(tracking)
      expect(connection(node).client(flags)).toBe('INVALID gone')
      expect(node.entries()).toEqual([])
    }
  })

  it('makes a new entry when a closed connection is opened again', () => {
    const node = new TestNode(tracking)
    const { client, server } = connection(node)
    client('S', { seq: 100 })
    server('S.', { seq: 900, ack: 101 })
    client('.', { seq: 101, ack: 901 })
    client('F.', { seq: 101, ack: 901 })
    server('F.', { seq: 901, ack: 102 })
    client('.', { seq: 102, ack: 902 })
    expect(node.conntracks().map((r) => [r.id, r.tcpState])).toEqual([['ct:node1/1', 'TIME_WAIT']])
    expect(client('S', { seq: 90000 })).toBe('NEW SYN_SENT')
    expect(node.conntracks().map((r) => [r.id, r.tcpState])).toEqual([['ct:node1/2', 'SYN_SENT']])
  })

  it('gets in step again with ends that reopened behind its back', () => {
    const node = new TestNode(tracking)
    const { client, server } = connection(node)
    client('S', { seq: 100 })
    server('S.', { seq: 900, ack: 101 })
    client('.', { seq: 101, ack: 901 })
    expect(client('S', { seq: 70000 })).toBe('ESTABLISHED ESTABLISHED')
    expect(server('S.', { seq: 3000, ack: 70001 })).toBe('ESTABLISHED_REPLY SYN_RECV')
    expect(client('.', { seq: 70001, ack: 3001 })).toBe('ESTABLISHED ESTABLISHED')
  })

  it('follows a simultaneous open', () => {
    const node = new TestNode(tracking)
    const { client, server } = connection(node)
    client('S', { seq: 100 })
    expect(server('S', { seq: 900 })).toBe('ESTABLISHED_REPLY SYN_SENT2')
    expect(client('S.', { seq: 100, ack: 901 })).toBe('ESTABLISHED SYN_RECV')
    expect(server('.', { seq: 901, ack: 101 })).toBe('ESTABLISHED_REPLY ESTABLISHED')
  })
})

describe('UDP, ICMP and others', () => {
  it('keeps an unanswered UDP flow for 30 s, and a stream for 120 s', () => {
    const node = new TestNode(tracking)
    const ask = () => node.forward(udp(CLIENT, '10.244.2.7:53'))
    const answer = () => node.forward(udp('10.244.2.7:53', CLIENT), 'eth0', 'cbr0')
    ask()
    answer()
    expect(node.conntracks()[0]?.assured).toBe(false)
    node.wait(3)
    ask()
    expect(node.conntracks()[0]?.assured).toBe(true)
    node.wait(119)
    answer()
    expect(node.conntracks().map((r) => r.id)).toEqual(['ct:node1/1'])
    node.wait(121)
    ask()
    expect(node.conntracks().map((r) => r.id)).toEqual(['ct:node1/2'])
  })

  it('removes an entry whose time is over when somebody looks for it', () => {
    const node = new TestNode(tracking)
    node.forward(udp(CLIENT, '10.244.2.7:53'))
    node.rows()
    node.wait(30)
    node.at('PREROUTING', node.skb(udp(CLIENT, '10.244.2.7:53')), 'cbr0')
    expect(node.rows()).toEqual(['hook PREROUTING', 'ct.change 1 destroy', 'ct.lookup - NEW', 'ct.change 2 new'])
  })

  it('pairs an echo with its reply by id, and starts nothing with a reply', () => {
    const node = new TestNode(tracking)
    node.forward(ping('10.244.1.5', '10.244.2.7', 7))
    node.rows()
    node.forward(ping('10.244.2.7', '10.244.1.5', 7, true), 'eth0', 'cbr0')
    expect(node.rows()).toContain('ct.lookup 1 ESTABLISHED_REPLY')
    node.forward(ping('10.244.2.7', '10.244.1.5', 8, true), 'eth0', 'cbr0')
    expect(node.rows()).toContain('ct.lookup - INVALID')
    expect(node.entries()).toEqual([`10.244.1.5:7>10.244.2.7:${8 << 8} 10.244.2.7:7>10.244.1.5:0`])
  })

  it('tracks a protocol that it does not know by its addresses', () => {
    const node = new TestNode(tracking)
    const esp = (src: string, dst: string) => udp(src, dst, { protocol: 50 })
    node.forward(esp('192.168.1.11', '192.168.1.12'))
    node.forward(esp('192.168.1.12', '192.168.1.11'), 'eth0', 'cbr0')
    expect(node.entries()).toEqual(['192.168.1.11:0>192.168.1.12:0 192.168.1.12:0>192.168.1.11:0'])
    expect(expiry(node)).toBe(600)
  })

  it('does not track a later fragment that nobody reassembled', () => {
    const node = new TestNode(tracking)
    node.forward(udp(CLIENT, '10.244.2.7:53', { fragmentOffset: 1480 }))
    expect(node.rows()).toContain('ct.lookup - INVALID')
    expect(node.entries()).toEqual([])
  })
})

describe('two first packets of one flow', () => {
  it('lets UDP share the entry that was confirmed first', () => {
    const node = new TestNode(tracking)
    const one = node.skb(udp(CLIENT, '10.244.2.7:53'))
    const two = node.skb(udp(CLIENT, '10.244.2.7:53'))
    for (const skb of [one, two]) node.at('PREROUTING', skb, 'cbr0')
    for (const skb of [one, two]) node.at('POSTROUTING', skb, '-', 'eth0')
    expect(two.ct).toBe(one.ct)
    expect(node.rows().slice(-3)).toEqual(['hook POSTROUTING', 'ct.change 2 clash', 'ct.change 2 destroy'])
    expect(node.entries()).toHaveLength(1)
  })

  it('drops the second of two TCP packets', () => {
    const node = new TestNode(tracking)
    const [one, two] = [node.skb(tcp(CLIENT, SERVER, 'S')), node.skb(tcp(CLIENT, SERVER, 'S'))]
    for (const skb of [one, two]) node.at('PREROUTING', skb, 'cbr0')
    node.at('POSTROUTING', one, '-', 'eth0')
    expect(node.at('POSTROUTING', two, '-', 'eth0')).toBe(NF_DROP)
    expect(node.told).toEqual(['drop NETFILTER_DROP by 2'])
  })

  it('keeps both of two UDP packets that went to different backends, the second for its reply only', () => {
    const nth = { kind: 'statistic', mode: 'nth', every: 2, packet: 0, invert: false } as const
    const node = new TestNode({
      nat: { PREROUTING: [rule({ matches: [nth] }, dnat('10.244.2.7:53')), rule({}, dnat('10.244.2.8:53'))] },
    })
    const [one, two] = [node.skb(udp(CLIENT, '10.96.0.10:53')), node.skb(udp(CLIENT, '10.96.0.10:53'))]
    for (const skb of [one, two]) node.at('PREROUTING', skb, 'cbr0')
    for (const skb of [one, two]) node.at('POSTROUTING', skb, '-', 'eth0')
    expect(node.entries()).toHaveLength(2)
    node.rows()
    node.forward(udp('10.244.2.8:53', CLIENT), 'eth0', 'cbr0')
    expect(node.rows()).toContain('ct.lookup 2 ESTABLISHED_REPLY')
  })

  it('drops the second before Linux 5.6, and shares one entry since 5.0 where both went to one backend', () => {
    const race = (release: string, to: readonly [string, string]) => {
      const nth = { kind: 'statistic', mode: 'nth', every: 2, packet: 0, invert: false } as const
      const node = new TestNode(
        { nat: { PREROUTING: [rule({ matches: [nth] }, dnat(to[0])), rule({}, dnat(to[1]))] } },
        { release },
      )
      const [one, two] = [node.skb(udp(CLIENT, '10.96.0.10:53')), node.skb(udp(CLIENT, '10.96.0.10:53'))]
      for (const skb of [one, two]) node.at('PREROUTING', skb, 'cbr0')
      return [one, two].map((skb) => node.at('POSTROUTING', skb, '-', 'eth0'))
    }
    const apart = ['10.244.2.7:53', '10.244.2.8:53'] as const
    const alike = ['10.244.2.7:53', '10.244.2.7:53'] as const
    expect(race('5.5.19', apart)).toEqual([NF_ACCEPT, NF_DROP])
    expect(race('5.6.0', apart)).toEqual([NF_ACCEPT, NF_ACCEPT])
    expect(race('5.0.0', alike)).toEqual([NF_ACCEPT, NF_ACCEPT])
    // 4.19 would share, but SNAT has made the second reply tuple another one by then.
    expect(race('4.19.0', alike)).toEqual([NF_ACCEPT, NF_DROP])
  })
})

it('drops new connections when the table is full of assured ones', () => {
  const node = new TestNode(tracking, { sysctls: { 'net.netfilter.nf_conntrack_max': 2 } })
  const open = (port: number) => {
    const { client, server } = connection(node, `10.244.1.5:${port}`)
    client('S', { seq: 100 })
    server('S.', { seq: 900, ack: 101 })
    client('.', { seq: 101, ack: 901 })
  }
  node.forward(udp(CLIENT, '10.244.2.7:53'))
  open(1001)
  open(1002)
  expect(node.entries().map((e) => e.slice(0, 15))).toEqual(['10.244.1.5:1001', '10.244.1.5:1002'])
  expect(node.forward(udp(CLIENT, '10.244.2.7:53'))).toBeUndefined()
  expect(node.told).toEqual(['drop NETFILTER_DROP by sysctl:node1/net.netfilter.nf_conntrack_max'])
  expect(node.forward(tcp('10.244.1.5:1001', SERVER, '.', { seq: 101, ack: 901 }))).toBeDefined()
})

it('keeps a thousand flows apart', () => {
  const node = new TestNode({ nat: { POSTROUTING: [rule({}, masquerade())] } })
  const ports = new Set<number>()
  for (let i = 0; i < 1000; i++) {
    const skb = node.forward(udp(`10.244.1.${i % 200}:5353`, '203.0.113.9:53', { sport: 5353 + Math.floor(i / 200) }))
    ports.add(skb?.pkt.sport ?? 0)
  }
  expect(ports.size).toBe(1000)
  expect(node.netfilter.conntrack.table.entries.size).toBe(1000)
})
