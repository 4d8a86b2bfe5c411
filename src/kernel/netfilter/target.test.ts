import { describe, expect, it } from 'vitest'
import type { RejectWith, Target } from '../../world/netfilter.ts'
import { DROP, rule, state, TestNode, tcp, udp } from './testing.ts'

const forwardWith = (...targets: readonly Target[]) => new TestNode({ filter: { FORWARD: targets.map((t) => rule({}, t)) } })
const web = () => tcp('10.244.1.5:40000', '10.244.2.7:80', 'S')

describe('REJECT', () => {
  const answers: readonly (readonly [RejectWith, string])[] = [
    ['icmp-net-unreachable', 'icmp 3/0'],
    ['icmp-host-unreachable', 'icmp 3/1'],
    ['icmp-proto-unreachable', 'icmp 3/2'],
    ['icmp-port-unreachable', 'icmp 3/3'],
    ['icmp-net-prohibited', 'icmp 3/9'],
    ['icmp-host-prohibited', 'icmp 3/10'],
    ['icmp-admin-prohibited', 'icmp 3/13'],
    ['tcp-reset', 'reset'],
  ]
  for (const [name, answer] of answers) {
    it(`answers with ${name} before it drops`, () => {
      const node = forwardWith({ kind: 'reject', with: name })
      expect(node.forward(web())).toBeUndefined()
      expect(node.told).toEqual([answer, 'drop NETFILTER_DROP by filter/FORWARD/1'])
      expect(node.rows()).toContain('rule filter/FORWARD/1 reject (1 tried)')
    })
  }

  it('says nothing about a later fragment', () => {
    const node = forwardWith({ kind: 'reject', with: 'icmp-port-unreachable' })
    node.forward(udp('10.244.1.5:0', '10.244.2.7:0', { fragmentOffset: 1480 }))
    expect(node.told).toEqual(['drop NETFILTER_DROP by filter/FORWARD/1'])
  })

  it('refuses connections to a Service without endpoints, and leaves no entry behind', () => {
    const refuse = rule(
      { dst: '10.96.0.10', proto: 'tcp', dport: 80, matches: [state('NEW')] },
      { kind: 'reject', with: 'icmp-port-unreachable' },
    )
    const node = new TestNode({ nat: {}, filter: { FORWARD: [refuse] } })
    expect(node.forward(tcp('10.244.1.5:40000', '10.96.0.10:80', 'S'))).toBeUndefined()
    expect(node.told).toEqual(['icmp 3/3', 'drop NETFILTER_DROP by filter/FORWARD/1'])
    expect(node.entries()).toEqual([])
  })
})

describe('targets that let the walk go on', () => {
  it('MARK sets, adds and clears bits', () => {
    const mark = (value: number, mask: number): Target => ({ kind: 'mark', value, mask })
    // --set-xmark 0x4000/0x4000, --and-mark 0xffff0000, --set-mark 0x80000001
    expect(forwardWith(mark(0x4000, 0x4000)).forward(web(), 'cbr0', 'eth0', { mark: 1 })?.mark).toBe(0x4001)
    expect(forwardWith(mark(0, 0xffff)).forward(web(), 'cbr0', 'eth0', { mark: 0xabcd4001 })?.mark).toBe(0xabcd0000)
    expect(forwardWith(mark(0x80000001, 0xffffffff)).forward(web())?.mark).toBe(0x80000001)
  })

  it('CONNMARK carries a mark from the first packet to the rest', () => {
    const all = { nfmask: 0xffffffff, ctmask: 0xffffffff }
    const node = new TestNode({
      mangle: {
        PREROUTING: [
          rule({}, { kind: 'connmark', operation: 'restore', ...all }),
          rule({ in: 'veth1' }, { kind: 'mark', value: 7, mask: 0xff }),
        ],
        POSTROUTING: [rule({}, { kind: 'connmark', operation: 'save', ...all })],
      },
    })
    node.forward(web(), 'veth1', 'eth0')
    expect(node.entries()[0]).toContain('mark=7')
    node.rows()
    const reply = node.forward(tcp('10.244.2.7:80', '10.244.1.5:40000', 'S.', { ack: 1 }), 'eth0', 'veth2')
    expect(reply?.mark).toBe(7)
    expect(node.rows().filter((r) => r.startsWith('ct.change'))).toEqual(['ct.change 1 update SYN_RECV'])
  })

  it('LOG writes its prefix, TRACE marks the packet, a rule without a target only counts', () => {
    const node = new TestNode({
      raw: { PREROUTING: [rule({}, { kind: 'trace' })] },
      filter: {
        FORWARD: [rule({}, { kind: 'log', prefix: 'fwd: ', level: 4, options: [] }), rule({}, { kind: 'none' }), rule({}, DROP)],
      },
    })
    const skb = node.skb(web())
    node.at('PREROUTING', skb, 'cbr0')
    node.at('FORWARD', skb, 'cbr0', 'eth0')
    expect(skb.traced).toBe(true)
    expect(node.rows().slice(-6)).toEqual([
      'chain filter/FORWARD',
      'rule filter/FORWARD/1 continue (1 tried)',
      'log fwd: ',
      'rule filter/FORWARD/2 continue (1 tried)',
      'rule filter/FORWARD/3 drop (1 tried)',
      'drop',
    ])
  })

  it('does not take tracking from a packet that has it', () => {
    const node = new TestNode({
      mangle: { FORWARD: [rule({}, { kind: 'notrack' })] },
      filter: { FORWARD: [rule({ matches: [state('NEW')] }, DROP)] },
    })
    expect(node.forward(web())).toBeUndefined()
  })

  it('walks on behind NFLOG and CHECKSUM, which change nothing that is modelled', () => {
    const node = forwardWith({ kind: 'unknown', name: 'NFLOG', arguments: ['--nflog-group', '100'] }, DROP)
    node.forward(web())
    expect(node.told).toEqual(['drop NETFILTER_DROP by filter/FORWARD/2'])
  })

  it('does not know an unknown target', () => {
    const node = forwardWith({ kind: 'unknown', name: 'TPROXY', arguments: ['--on-port', '15001'] })
    node.forward(web())
    expect(node.told).toEqual(['undetermined -j TPROXY --on-port 15001 by filter/FORWARD/1'])
    expect(node.rows()).toContain('rule filter/FORWARD/1 undetermined (1 tried)')
  })
})
