import { describe, expect, it } from 'vitest'
import { formatIpv4 } from '../../net/address.ts'
import { addBytes, checksum, finish, pseudoHeaderSum } from '../../net/checksum.ts'
import { ICMP, IPPROTO, type Packet } from '../../net/packet.ts'
import { quoteDatagram } from '../../net/quote.ts'
import { parseQuoted } from '../../net/quoted.ts'
import { NF_ACCEPT } from '../types.ts'
import {
  ACCEPT,
  dnat,
  ip,
  jump,
  masquerade,
  ping,
  type Ruleset,
  redirect,
  rule,
  setMarkTarget,
  snat,
  TestNode,
  tcp,
  udp,
} from './testing.ts'

const ends = (p: Packet | undefined) =>
  p === undefined ? undefined : `${formatIpv4(p.src)}:${p.sport} > ${formatIpv4(p.dst)}:${p.dport}`
const masqueradeOut: Ruleset = { nat: { POSTROUTING: [rule({ src: '10.244.0.0/16', out: 'eth0' }, masquerade())] } }
const service: Ruleset = { nat: { PREROUTING: [rule({ dst: '10.96.0.10', proto: 'tcp', dport: 80 }, dnat('10.244.2.7:8080'))] } }

/** What kube-proxy writes for Service default/web with one endpoint on this node and one on another (shortened names). */
const kubeProxy = (probability = 0x80000000): Ruleset => ({
  nat: {
    PREROUTING: [rule({}, jump('KUBE-SERVICES'))],
    OUTPUT: [rule({}, jump('KUBE-SERVICES'))],
    POSTROUTING: [rule({}, jump('KUBE-POSTROUTING'))],
    'KUBE-SERVICES': [
      rule({ dst: '10.96.0.1', proto: 'tcp', dport: 443 }, jump('KUBE-SVC-API')),
      rule({ dst: '10.96.0.10', proto: 'tcp', dport: 80 }, jump('KUBE-SVC-WEB')),
      rule({ matches: [{ kind: 'addrtype', dstTypes: ['LOCAL'] }] }, jump('KUBE-NODEPORTS')),
    ],
    'KUBE-NODEPORTS': [],
    'KUBE-SVC-API': [],
    'KUBE-SVC-WEB': [
      rule({ src: '!10.244.0.0/16', dst: '10.96.0.10', proto: 'tcp', dport: 80 }, jump('KUBE-MARK-MASQ')),
      rule({ matches: [{ kind: 'statistic', mode: 'random', probability, invert: false }] }, jump('KUBE-SEP-A')),
      rule({}, jump('KUBE-SEP-B')),
    ],
    'KUBE-SEP-A': [rule({ src: '10.244.1.5' }, jump('KUBE-MARK-MASQ')), rule({ proto: 'tcp' }, dnat('10.244.1.5:8080'))],
    'KUBE-SEP-B': [rule({ src: '10.244.2.7' }, jump('KUBE-MARK-MASQ')), rule({ proto: 'tcp' }, dnat('10.244.2.7:8080'))],
    'KUBE-MARK-MASQ': [rule({}, { kind: 'mark', value: 0x4000, mask: 0x4000 })],
    'KUBE-POSTROUTING': [
      rule({ matches: [{ kind: 'mark', value: 0x4000, mask: 0x4000, invert: true }] }, { kind: 'return' }),
      rule({}, { kind: 'mark', value: 0x4000, mask: 0 }),
      rule({}, masquerade('', { randomFully: true })),
    ],
  },
})

/** The flow that an ICMP error quotes, and whether every checksum in the quote is right. */
function checkQuoted(bytes: Uint8Array = new Uint8Array(0)) {
  const parsed = parseQuoted(bytes)
  if (!parsed.ok) throw new Error('no quoted packet')
  const q = parsed.value
  const icmp = q.protocol === IPPROTO.ICMP
  const [sport, dport] = icmp ? [q.icmpRest >>> 16, q.icmpRest >>> 16] : [q.sport, q.dport]
  const pseudo = icmp ? 0 : pseudoHeaderSum(q.src, q.dst, q.protocol, bytes.length - 20)
  return {
    protocol: q.protocol,
    tuple: `${formatIpv4(q.src)}:${sport} > ${formatIpv4(q.dst)}:${dport}`,
    checksums: checksum(bytes, 0, 20) === 0 && finish(addBytes(pseudo, bytes, 20)) === 0,
  }
}

describe('NAT of a flow', () => {
  it('translates a Service address on the first packet and undoes it on every reply', () => {
    const node = new TestNode(service)
    const first = node.forward(tcp('10.244.1.5:40000', '10.96.0.10:80', 'S', { seq: 100 }))
    expect(ends(first?.pkt)).toBe('10.244.1.5:40000 > 10.244.2.7:8080')
    expect(node.rows()).toEqual([
      'hook PREROUTING',
      'ct.lookup - NEW',
      'ct.change 1 new SYN_SENT',
      'chain nat/PREROUTING',
      'rule nat/PREROUTING/1 nat (1 tried)',
      'nat 1 dst rule',
      'rewrite ip.dst 10.96.0.10 10.244.2.7',
      'rewrite l4.dport 80 8080',
      'hook POSTROUTING',
      'chain nat/POSTROUTING',
      'policy nat/POSTROUTING accept (0 tried)',
      'nat 1 src null',
      'ct.change 1 confirm SYN_SENT',
    ])
    const reply = node.forward(tcp('10.244.2.7:8080', '10.244.1.5:40000', 'S.', { seq: 900, ack: 101 }), 'eth0', 'cbr0')
    expect(ends(reply?.pkt)).toBe('10.96.0.10:80 > 10.244.1.5:40000')
    expect(node.rows()).toEqual([
      'hook PREROUTING',
      'ct.lookup 1 ESTABLISHED_REPLY',
      'ct.change 1 update SYN_RECV',
      'hook POSTROUTING',
      'nat 1 src existing',
      'rewrite ip.src 10.244.2.7 10.96.0.10',
      'rewrite l4.sport 8080 80',
    ])
    const ack = node.forward(tcp('10.244.1.5:40000', '10.96.0.10:80', '.', { seq: 101, ack: 901 }))
    expect(ends(ack?.pkt)).toBe('10.244.1.5:40000 > 10.244.2.7:8080')
    expect(node.rows()).toEqual([
      'hook PREROUTING',
      'ct.lookup 1 ESTABLISHED',
      'ct.change 1 update ESTABLISHED',
      'nat 1 dst existing',
      'rewrite ip.dst 10.96.0.10 10.244.2.7',
      'rewrite l4.dport 80 8080',
      'hook POSTROUTING',
    ])
    expect(node.entries()).toEqual(['10.244.1.5:40000>10.96.0.10:80 10.244.2.7:8080>10.244.1.5:40000 ESTABLISHED ASSURED DNAT'])
  })

  it('walks KUBE-SERVICES, KUBE-SVC and KUBE-SEP to a DNAT', () => {
    const node = new TestNode(kubeProxy(0))
    const skb = node.forward(tcp('10.244.1.9:40000', '10.96.0.10:80', 'S'))
    expect(ends(skb?.pkt)).toBe('10.244.1.9:40000 > 10.244.2.7:8080')
    expect(node.rows().slice(3, 11)).toEqual([
      'chain nat/PREROUTING',
      'rule nat/PREROUTING/1 jump (1 tried)',
      'rule nat/KUBE-SERVICES/2 jump (2 tried)',
      'rule nat/KUBE-SVC-WEB/3 jump (3 tried)',
      'rule nat/KUBE-SEP-B/2 nat (2 tried)',
      'nat 1 dst rule',
      'rewrite ip.dst 10.96.0.10 10.244.2.7',
      'rewrite l4.dport 80 8080',
    ])
  })

  it('masquerades a Service client from outside the pods, marks it on the way and takes the mark off', () => {
    const node = new TestNode(kubeProxy(0))
    const skb = node.forward(tcp('192.168.1.50:40000', '10.96.0.10:80', 'S'), 'eth0', 'eth0')
    expect(skb?.mark).toBe(0)
    expect(formatIpv4(skb?.pkt.src ?? 0)).toBe('192.168.1.11')
    expect(node.rows().slice(-10)).toEqual([
      'hook POSTROUTING',
      'chain nat/POSTROUTING',
      'rule nat/POSTROUTING/1 jump (1 tried)',
      'rule nat/KUBE-POSTROUTING/2 continue (2 tried)',
      `rewrite meta.mark ${0x4000} 0`,
      'rule nat/KUBE-POSTROUTING/3 nat (1 tried)',
      'nat 1 src rule',
      'rewrite ip.src 192.168.1.50 192.168.1.11',
      expect.stringMatching(/^rewrite l4.sport 40000 \d+$/),
      'ct.change 1 confirm SYN_SENT',
    ])
  })

  it('masquerades a pod that reaches itself through its Service', () => {
    const node = new TestNode(kubeProxy())
    const skb = node.forward(tcp('10.244.1.5:40000', '10.96.0.10:80', 'S'), 'cbr0', 'cbr0')
    expect(formatIpv4(skb?.pkt.src ?? 0)).toBe('10.244.1.1')
    expect(formatIpv4(skb?.pkt.dst ?? 0)).toBe('10.244.1.5')
  })

  it('keeps a connection on its backend while new ones are spread', () => {
    const node = new TestNode(kubeProxy(0x40000000), { seed: 3 })
    const backends = new Set<number>()
    for (let i = 0; i < 20; i++) {
      const skb = node.forward(tcp(`10.244.1.9:${41000 + i}`, '10.96.0.10:80', 'S', { seq: 1 }))
      const again = node.forward(tcp(`10.244.1.9:${41000 + i}`, '10.96.0.10:80', 'S', { seq: 1 }))
      expect(again?.pkt.dst).toBe(skb?.pkt.dst)
      backends.add(skb?.pkt.dst ?? 0)
    }
    expect(backends.size).toBe(2)
  })

  it('masquerades pod traffic that leaves the node, not pod-to-pod', () => {
    const node = new TestNode({
      nat: { POSTROUTING: [rule({ dst: '10.244.0.0/16' }, ACCEPT), rule({ src: '10.244.0.0/16' }, masquerade())] },
    })
    expect(ends(node.forward(udp('10.244.1.5:5353', '203.0.113.9:53'))?.pkt)).toBe('192.168.1.11:5353 > 203.0.113.9:53')
    expect(ends(node.forward(udp('10.244.1.5:5353', '10.244.2.7:53'))?.pkt)).toBe('10.244.1.5:5353 > 10.244.2.7:53')
    expect(ends(node.forward(udp('203.0.113.9:53', '192.168.1.11:5353'), 'eth0', 'cbr0')?.pkt)).toBe(
      '203.0.113.9:53 > 10.244.1.5:5353',
    )
  })

  it('gives the second of two pods with one port another one, within the class of the first', () => {
    const node = new TestNode(masqueradeOut)
    expect(ends(node.forward(udp('10.244.1.5:5353', '203.0.113.9:53'))?.pkt)).toBe('192.168.1.11:5353 > 203.0.113.9:53')
    const second = node.forward(udp('10.244.1.6:5353', '203.0.113.9:53'))
    expect(second?.pkt.src).toBe(ip('192.168.1.11'))
    expect(second?.pkt.sport).not.toBe(5353)
    expect(second?.pkt.sport).toBeGreaterThanOrEqual(1024)
    const back = node.forward(udp('203.0.113.9:53', `192.168.1.11:${second?.pkt.sport}`), 'eth0', 'cbr0')
    expect(ends(back?.pkt)).toBe('203.0.113.9:53 > 10.244.1.6:5353')
    const low = node.forward(udp('10.244.1.5:700', '203.0.113.9:53'))
    expect(low?.pkt.sport).toBe(700)
    const lowAgain = node.forward(udp('10.244.1.6:700', '203.0.113.9:53'))
    expect(lowAgain?.pkt.sport).toBeGreaterThanOrEqual(600)
    expect(lowAgain?.pkt.sport).toBeLessThan(1024)
  })

  it('keeps the port for another destination: only the whole tuple must be unique', () => {
    const node = new TestNode(masqueradeOut)
    node.forward(udp('10.244.1.5:5353', '203.0.113.9:53'))
    expect(node.forward(udp('10.244.1.6:5353', '203.0.113.10:53'))?.pkt.sport).toBe(5353)
  })

  it('gives a socket that already has a mapping the same one towards others', () => {
    const node = new TestNode({ nat: { POSTROUTING: [rule({}, snat('198.51.100.1-198.51.100.8:2000-2999'))] } })
    const one = node.forward(udp('10.244.1.5:5353', '203.0.113.9:53'))
    const two = node.forward(udp('10.244.1.5:5353', '203.0.113.10:53'))
    expect(one?.pkt.sport).toBeGreaterThanOrEqual(2000)
    expect([two?.pkt.src, two?.pkt.sport]).toEqual([one?.pkt.src, one?.pkt.sport])
  })

  it('draws every port afresh with --random-fully', () => {
    const node = new TestNode({ nat: { POSTROUTING: [rule({}, masquerade('', { randomFully: true }))] } })
    const ports = Array.from({ length: 5 }, (_, i) => node.forward(udp('10.244.1.5:5353', `203.0.113.${i + 1}:53`))?.pkt.sport)
    expect(new Set(ports).size).toBe(5)
  })

  it('spreads clients over an address range, and each keeps its own', () => {
    const node = new TestNode({ nat: { PREROUTING: [rule({ dst: '10.96.0.10' }, dnat('10.244.2.1-10.244.2.4'))] } })
    const target = (src: string, dport: number) => node.forward(udp(`${src}:1000`, `10.96.0.10:${dport}`))?.pkt.dst
    const seen = new Set(Array.from({ length: 40 }, (_, i) => target(`10.244.1.${i}`, 53)))
    expect(seen.size).toBe(4)
    expect(target('10.244.1.77', 53)).toBe(target('10.244.1.77', 54))
  })

  it('tells two pings apart by their id', () => {
    const node = new TestNode(masqueradeOut)
    expect((node.forward(ping('10.244.1.5', '203.0.113.9', 7))?.pkt.icmpRest ?? 0) >>> 16).toBe(7)
    const id = (node.forward(ping('10.244.1.6', '203.0.113.9', 7))?.pkt.icmpRest ?? 0) >>> 16
    expect(id).not.toBe(7)
    const back = node.forward(ping('203.0.113.9', '192.168.1.11', id, true), 'eth0', 'cbr0')
    expect([formatIpv4(back?.pkt.dst ?? 0), (back?.pkt.icmpRest ?? 0) >>> 16]).toEqual(['10.244.1.6', 7])
  })

  it('drops a flow whose masquerade address left with its device', () => {
    const node = new TestNode({ nat: { POSTROUTING: [rule({}, masquerade())] } })
    node.forward(udp('10.244.1.5:5353', '203.0.113.9:53'))
    expect(node.forward(udp('10.244.1.5:5353', '203.0.113.9:53'), 'cbr0', 'cbr0')).toBeUndefined()
    expect(node.told).toEqual(['drop NETFILTER_DROP by 1'])
    expect(node.entries()).toEqual([])
  })

  it('drops what MASQUERADE finds no address for', () => {
    const node = new TestNode({ nat: { POSTROUTING: [rule({}, masquerade())] } })
    expect(node.forward(udp('10.244.1.5:5353', '203.0.113.9:53'), 'cbr0', 'veth1')).toBeUndefined()
    expect(node.told).toEqual(['drop NETFILTER_DROP by nat/POSTROUTING/1'])
    expect(node.rows()).toContain('rule nat/POSTROUTING/1 drop (1 tried)')
    expect(node.entries()).toEqual([])
  })
})

describe('NAT on the host', () => {
  it('routes a local packet again after its destination changed', () => {
    const node = new TestNode(kubeProxy(0))
    const skb = node.output(tcp('192.168.1.11:50000', '10.96.0.10:80', 'S'))
    expect(node.told).toEqual(['reroute'])
    expect(formatIpv4(skb?.pkt.dst ?? 0)).toBe('10.244.2.7')
    node.output(tcp('192.168.1.11:50001', '10.244.2.7:80', 'S'))
    expect(node.told).toEqual(['reroute'])
  })

  it('redirects to the in device, its own packets to loopback', () => {
    const rules = [rule({ proto: 'tcp', dport: 80 }, redirect(':15001'))]
    const node = new TestNode({ nat: { PREROUTING: rules, OUTPUT: rules } })
    expect(ends(node.input(tcp('10.244.1.5:40000', '10.96.0.10:80', 'S'), 'cbr0')?.pkt)).toBe(
      '10.244.1.5:40000 > 10.244.1.1:15001',
    )
    expect(ends(node.output(tcp('192.168.1.11:40000', '10.96.0.10:80', 'S'))?.pkt)).toBe('192.168.1.11:40000 > 127.0.0.1:15001')
    expect(node.input(tcp('10.244.1.5:40001', '10.96.0.10:80', 'S'), 'veth1')).toBeUndefined()
  })

  it('translates sources for the host itself at INPUT', () => {
    const node = new TestNode({ nat: { INPUT: [rule({ proto: 'udp' }, snat('192.0.2.1'))] } })
    expect(ends(node.input(udp('10.244.1.5:1000', '192.168.1.11:53'))?.pkt)).toBe('192.0.2.1:1000 > 192.168.1.11:53')
    expect(ends(node.output(udp('192.168.1.11:53', '192.0.2.1:1000'))?.pkt)).toBe('192.168.1.11:53 > 10.244.1.5:1000')
  })

  it('does not consult NAT rules twice for a packet that loops back', () => {
    const node = new TestNode(service)
    const skb = node.skb(udp('127.0.0.1:1000', '127.0.0.1:53'))
    node.at('OUTPUT', skb, '-', 'lo')
    node.at('POSTROUTING', skb, '-', 'lo')
    node.rows()
    node.at('PREROUTING', skb, 'lo')
    node.at('INPUT', skb, 'lo')
    expect(node.rows()).toEqual(['hook PREROUTING', 'hook INPUT'])
  })

  it('takes the port of a connection in TIME_WAIT when it can find no other', () => {
    const node = new TestNode({ nat: { POSTROUTING: [rule({}, masquerade(':2000-2000'))] } })
    const flow =
      (pod: string, seq: number) =>
      (flags: string, more = {}) =>
        node.forward(tcp(`${pod}:40000`, '203.0.113.9:80', flags, { seq, ...more }))
    const one = flow('10.244.1.5', 1000)
    const back = (flags: string, more: Partial<Packet>) =>
      node.forward(tcp('203.0.113.9:80', '192.168.1.11:2000', flags, more), 'eth0', 'cbr0')
    one('S')
    back('S.', { seq: 5000, ack: 1001 })
    one('F.', { seq: 1001, ack: 5001 })
    back('F.', { seq: 5001, ack: 1002 })
    one('.', { seq: 1002, ack: 5002 })
    expect(node.entries()[0]).toContain('TIME_WAIT')
    expect(flow('10.244.1.6', 9_000_000)('S')?.pkt.sport).toBe(2000)
    expect(node.entries()).toHaveLength(1)
  })
})

describe('ICMP errors about translated flows', () => {
  const unreachable = (src: string, dst: string, about: Packet, code = 1): Packet => {
    const p = ping(src, dst)
    p.icmpType = ICMP.UNREACHABLE
    p.icmpCode = code
    p.icmpRest = 0
    p.payload = quoteDatagram(about)
    return p
  }

  it('gives the quoted packet back the addresses that its sender used', () => {
    const node = new TestNode(service)
    const sent = node.forward(tcp('10.244.1.5:40000', '10.96.0.10:80', 'S'))
    if (sent === undefined) throw new Error('dropped')
    node.rows()
    const skb = node.forward(unreachable('192.168.1.12', '10.244.1.5', sent.pkt), 'eth0', 'cbr0')
    expect(node.rows()).toEqual([
      'hook PREROUTING',
      'ct.lookup 1 RELATED_REPLY',
      'hook POSTROUTING',
      'nat 1 src icmp-error',
      'rewrite quoted ip.dst',
      'rewrite quoted l4.dport',
      'rewrite ip.src 192.168.1.12 10.96.0.10',
    ])
    expect(checkQuoted(skb?.pkt.payload)).toEqual({
      protocol: IPPROTO.TCP,
      tuple: '10.244.1.5:40000 > 10.96.0.10:80',
      checksums: true,
    })
  })

  it('brings an error about masqueraded traffic to the pod', () => {
    const node = new TestNode(masqueradeOut)
    const sent = node.forward(udp('10.244.1.5:5353', '203.0.113.9:53', { payload: new Uint8Array(12).fill(7) }))
    if (sent === undefined) throw new Error('dropped')
    const skb = node.forward(unreachable('203.0.113.9', '192.168.1.11', sent.pkt, 3), 'eth0', 'cbr0')
    expect(formatIpv4(skb?.pkt.dst ?? 0)).toBe('10.244.1.5')
    expect(formatIpv4(skb?.pkt.src ?? 0)).toBe('203.0.113.9')
    expect(checkQuoted(skb?.pkt.payload)).toEqual({
      protocol: IPPROTO.UDP,
      tuple: '10.244.1.5:5353 > 203.0.113.9:53',
      checksums: true,
    })
  })

  it('translates the id of a quoted ping', () => {
    const node = new TestNode(masqueradeOut)
    node.forward(ping('10.244.1.6', '203.0.113.9', 7))
    const sent = node.forward(ping('10.244.1.5', '203.0.113.9', 7))
    if (sent === undefined) throw new Error('dropped')
    const skb = node.forward(unreachable('203.0.113.1', '192.168.1.11', sent.pkt), 'eth0', 'cbr0')
    expect(checkQuoted(skb?.pkt.payload)).toEqual({
      protocol: IPPROTO.ICMP,
      tuple: '10.244.1.5:7 > 203.0.113.9:7',
      checksums: true,
    })
  })

  it('translates an error of the host itself about a packet that it is still forwarding', () => {
    const node = new TestNode(service)
    const offending = node.skb(tcp('10.244.1.5:40000', '10.96.0.10:80', 'S'))
    node.at('PREROUTING', offending, 'cbr0')
    const error = node.skb(unreachable('10.244.1.1', '10.244.1.5', offending.pkt))
    node.netfilter.attach(error, offending)
    expect(node.at('OUTPUT', error, '-', 'cbr0')).toBe(NF_ACCEPT)
    expect(node.at('POSTROUTING', error, '-', 'cbr0')).toBe(NF_ACCEPT)
    expect(checkQuoted(error.pkt.payload).tuple).toBe('10.244.1.5:40000 > 10.96.0.10:80')
    expect(formatIpv4(error.pkt.src)).toBe('10.96.0.10')
  })

  it('drops redirects about translated flows', () => {
    const node = new TestNode(service)
    const sent = node.forward(tcp('10.244.1.5:40000', '10.96.0.10:80', 'S'))
    if (sent === undefined) throw new Error('dropped')
    const skb = unreachable('192.168.1.12', '10.244.1.5', sent.pkt)
    skb.icmpType = ICMP.REDIRECT
    expect(node.forward(skb, 'eth0', 'cbr0')).toBeUndefined()
    expect(node.told).toEqual(['drop NETFILTER_DROP by 1'])
  })

  it('calls an error INVALID that quotes no known flow, or is sent to another host than its sender', () => {
    const node = new TestNode(service)
    const sent = node.forward(tcp('10.244.1.5:40000', '10.96.0.10:80', 'S'))
    if (sent === undefined) throw new Error('dropped')
    node.rows()
    node.at('PREROUTING', node.skb(unreachable('192.168.1.12', '10.244.1.99', sent.pkt)), 'eth0')
    expect(node.rows()).toEqual(['hook PREROUTING', 'ct.lookup 1 INVALID'])
    node.at('PREROUTING', node.skb(unreachable('192.168.1.12', '10.244.1.5', udp('10.244.1.5:1', '10.244.2.7:2'))), 'eth0')
    expect(node.rows()).toEqual(['hook PREROUTING', 'ct.lookup - INVALID'])
  })
})

it('marks and unmarks in one chain as KUBE-POSTROUTING does', () => {
  const node = new TestNode({
    mangle: { FORWARD: [rule({}, setMarkTarget(0x4000, 0x4000)), rule({}, setMarkTarget(0x4000, 0))] },
  })
  expect(node.forward(udp('10.244.1.5:1', '10.244.2.7:2'), 'cbr0', 'eth0', { mark: 3 })?.mark).toBe(3)
})
