import { describe, expect, it } from 'vitest'
import { NF_ACCEPT, NF_DROP, NF_STOLEN } from '../types.ts'
import { ACCEPT, DROP, jump, RETURN, rule, setMarkTarget, state, TestNode, tcp, udp } from './testing.ts'

const syn = () => tcp('10.244.1.5:40000', '10.244.2.7:80', 'S')

describe('a walk through the tables', () => {
  it('registers nothing where there are no tables: a pod has no hooks at all', () => {
    const pod = new TestNode({})
    expect(pod.netfilter.empty).toBe(true)
    expect(pod.netfilter.hasHook(0)).toBe(false)
    expect(pod.forward(syn())).toBeDefined()
    expect(pod.rows()).toEqual([])
  })

  it('consults tables in the order of their priorities, and only where they have chains', () => {
    const node = new TestNode({ raw: {}, mangle: {}, filter: {}, security: {} })
    expect(node.netfilter.tracking).toBe(false)
    node.forward(syn())
    expect(node.rows().filter((r) => !r.startsWith('policy'))).toEqual([
      'hook PREROUTING',
      'chain raw/PREROUTING',
      'chain mangle/PREROUTING',
      'hook FORWARD',
      'chain mangle/FORWARD',
      'chain filter/FORWARD',
      'chain security/FORWARD',
      'hook POSTROUTING',
      'chain mangle/POSTROUTING',
    ])
  })

  it('writes one step per rule that matched, with the rules tried in that chain since the one before', () => {
    const node = new TestNode({
      filter: {
        FORWARD: [
          rule({ dst: '10.1.0.0/16' }, DROP),
          rule({ proto: 'tcp' }, jump('PODS')),
          rule({ proto: 'udp' }, DROP),
          rule({ src: '10.9.9.9' }, DROP),
          rule({}, { kind: 'none' }),
          rule({ proto: 'tcp', dport: 443 }, DROP),
        ],
        PODS: [
          rule({ dst: '10.2.0.0/16' }, DROP),
          rule({ in: 'eth0' }, DROP),
          rule({}, setMarkTarget(1)),
          rule({ out: 'cbr0' }, DROP),
        ],
      },
    })
    expect(node.forward(syn())?.mark).toBe(1)
    expect(node.rows().slice(1)).toEqual([
      'chain filter/FORWARD',
      'rule filter/FORWARD/2 jump (2 tried)',
      'rule filter/PODS/3 continue (3 tried)',
      'rewrite meta.mark 0 1',
      'policy filter/PODS return (1 tried)',
      'rule filter/FORWARD/5 continue (3 tried)',
      'policy filter/FORWARD accept (1 tried)',
    ])
  })

  it('returns from a user chain to the rule behind the jump, from a base chain to its policy', () => {
    const node = new TestNode({
      filter: {
        FORWARD: [rule({}, jump('A')), rule({}, RETURN), rule({}, ACCEPT)],
        'FORWARD policy': 'DROP',
        A: [rule({}, RETURN), rule({}, ACCEPT)],
      },
    })
    expect(node.forward(syn())).toBeUndefined()
    expect(node.rows().slice(2)).toEqual([
      'rule filter/FORWARD/1 jump (1 tried)',
      'rule filter/A/1 return (1 tried)',
      'rule filter/FORWARD/2 return (1 tried)',
      'policy filter/FORWARD drop (0 tried)',
      'drop',
    ])
    expect(node.told).toEqual(['drop NETFILTER_DROP by filter/FORWARD'])
  })

  it('goes to a chain without coming back: its end returns to where the last jump was', () => {
    const node = new TestNode({
      filter: {
        FORWARD: [rule({}, jump('A')), rule({ proto: 'udp' }, DROP)],
        A: [rule({}, { kind: 'goto', chain: 'B' }), rule({}, DROP)],
        B: [rule({ proto: 'udp' }, DROP)],
      },
    })
    expect(node.forward(syn())).toBeDefined()
    expect(node.rows().slice(2)).toEqual([
      'rule filter/FORWARD/1 jump (1 tried)',
      'rule filter/A/1 goto (1 tried)',
      'policy filter/B return (1 tried)',
      'policy filter/FORWARD accept (1 tried)',
    ])
  })

  it('goes from a base chain to its policy when the chain that it went to ends', () => {
    const node = new TestNode({ filter: { FORWARD: [rule({}, { kind: 'goto', chain: 'A' }), rule({}, DROP)], A: [] } })
    expect(node.forward(syn())).toBeDefined()
    expect(node.rows().slice(2)).toEqual([
      'rule filter/FORWARD/1 goto (1 tried)',
      'policy filter/A return (0 tried)',
      'policy filter/FORWARD accept (0 tried)',
    ])
  })

  it('takes an ACCEPT as final for its table only: filter still drops what mangle accepted', () => {
    const node = new TestNode({ mangle: { FORWARD: [rule({}, ACCEPT)] }, filter: { FORWARD: [rule({ proto: 'tcp' }, DROP)] } })
    expect(node.at('FORWARD', node.skb(syn()), 'cbr0', 'eth0')).toBe(NF_DROP)
    expect(node.told).toEqual(['drop NETFILTER_DROP by filter/FORWARD/1'])
    expect(node.at('FORWARD', node.skb(udp('10.244.1.5:1', '10.244.2.7:53')), 'cbr0', 'eth0')).toBe(NF_ACCEPT)
  })

  it('does not know what a rule with an unknown match does, once everything it knows fits', () => {
    const unknown = { kind: 'unknown', name: 'string', arguments: ['--string', 'evil', '--algo', 'bm'] } as const
    const node = new TestNode({
      filter: {
        FORWARD: [
          rule({ proto: 'udp', matches: [unknown] }, DROP),
          rule({ proto: 'tcp', matches: [unknown, state('INVALID')] }, DROP),
        ],
        OUTPUT: [rule({ proto: 'tcp', matches: [unknown] }, DROP)],
      },
    })
    expect(node.forward(syn())).toBeDefined()
    const skb = node.skb(syn())
    expect(node.at('OUTPUT', skb, '-', 'eth0')).toBe(NF_STOLEN)
    expect(node.told).toEqual(['undetermined -m string --string evil --algo bm by filter/OUTPUT/1'])
  })

  it('leaves a counter behind an unknown match alone', () => {
    const unknown = { kind: 'unknown', name: 'bpf', arguments: [] } as const
    const nth = { kind: 'statistic', mode: 'nth', every: 2, packet: 1, invert: false } as const
    const node = new TestNode({ filter: { FORWARD: [rule({ matches: [unknown, nth] }, DROP)] } })
    node.forward(syn())
    expect(node.told).toEqual(['undetermined -m bpf by filter/FORWARD/1'])
  })

  it('does not follow a jump to a chain that is not there, nor chains that lead back to themselves', () => {
    const missing = new TestNode({ filter: { FORWARD: [rule({}, jump('GONE'))] } })
    missing.forward(syn())
    expect(missing.told).toEqual(['undetermined -j GONE: no such chain by filter/FORWARD/1'])
    for (const kind of ['jump', 'goto'] as const) {
      const loop = new TestNode({
        filter: { FORWARD: [rule({}, jump('A'))], A: [rule({}, { kind, chain: 'B' })], B: [rule({}, { kind, chain: 'A' })] },
      })
      loop.forward(syn())
      expect(loop.told[0]).toContain('a chain that leads back to itself')
    }
  })

  it('routes a local packet again when mangle changed its mark', () => {
    const node = new TestNode({ mangle: { OUTPUT: [rule({ proto: 'tcp' }, setMarkTarget(0x10))] } })
    expect(node.output(syn())?.mark).toBe(0x10)
    expect(node.told).toEqual(['reroute'])
    node.output(udp('10.244.1.1:1', '10.244.2.7:53'))
    expect(node.told).toEqual(['reroute'])
    node.routes = false
    expect(node.output(syn())).toBeUndefined()
  })

  it('replaces one table as iptables-restore does, and unregisters it when it is gone', () => {
    const node = new TestNode({ filter: { FORWARD: [rule({}, DROP)] } })
    expect(node.forward(syn())).toBeUndefined()
    node.netfilter.replaceTable('filter', [], [])
    expect(node.netfilter.empty).toBe(true)
    expect(node.forward(syn())).toBeDefined()
  })

  it('runs what others register at its own priority', () => {
    const node = new TestNode({ filter: {} })
    const seen: string[] = []
    node.netfilter.register({ hook: 1, priority: 99, run: () => seen.push('ipvs') && NF_ACCEPT })
    node.netfilter.register({ hook: 1, priority: -1, run: () => seen.push(node.rows().join()) && NF_ACCEPT })
    node.input(syn())
    expect(seen).toEqual(['hook INPUT', 'ipvs'])
  })
})
