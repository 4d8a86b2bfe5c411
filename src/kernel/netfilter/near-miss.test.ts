import { expect, it } from 'vitest'
import { CT_INFOS } from '../../trace/step.ts'
import { explainRule, nearMiss, type PacketFacts } from './near-miss.ts'
import { ACCEPT, DROP, dnat, ipset, rule, state, TestNode, tcp } from './testing.ts'

const facts = (more: Partial<PacketFacts> = {}): PacketFacts => ({
  packet: tcp('10.244.1.5:40000', '10.96.0.10:80', 'S'),
  mark: 0,
  inDevice: 'cbr0',
  ctInfo: CT_INFOS.indexOf('NEW'),
  ipsets: [],
  addressType: () => 'UNICAST',
  ...more,
})

it('names the condition that a packet missed, and how many it met', () => {
  const https = rule({ dst: '10.96.0.10', proto: 'tcp', dport: 443 }, ACCEPT)
  expect(nearMiss(https, facts())).toEqual({ failed: { kind: 'match', index: 0, match: https.matches[0] }, passed: 2 })
  expect(nearMiss(rule({ dst: '10.96.0.1', proto: 'tcp' }, ACCEPT), facts())).toEqual({ failed: { kind: 'dst' }, passed: 0 })
  expect(nearMiss(rule({ in: 'cbr+', out: 'eth0' }, ACCEPT), facts())).toEqual({ failed: { kind: 'out' }, passed: 1 })
  expect(nearMiss(rule({ dst: '10.96.0.10', proto: 'tcp', dport: 80 }, ACCEPT), facts())).toBeUndefined()
})

it('reads the entry that the packet belonged to', () => {
  const node = new TestNode({ nat: { PREROUTING: [rule({ proto: 'tcp' }, dnat('10.244.2.7:8080'))] } })
  node.forward(tcp('10.244.1.5:40000', '10.96.0.10:80', 'S'))
  const [conntrack] = node.conntracks()
  if (conntrack === undefined) throw new Error('not tracked')
  expect(nearMiss(rule({ matches: [state('DNAT')] }, DROP), facts({ conntrack }))).toBeUndefined()
  expect(nearMiss(rule({ matches: [state('ESTABLISHED')] }, DROP), facts({ conntrack }))?.failed.kind).toBe('match')
  expect(nearMiss(rule({ matches: [state('NEW')] }, DROP), facts({ ctInfo: CT_INFOS.indexOf('INVALID') }))?.passed).toBe(0)
})

it('says of chance, counters and what is not modelled that it depends', () => {
  const spec = rule(
    {
      proto: 'tcp',
      matches: [
        { kind: 'statistic', mode: 'random', probability: 1, invert: false },
        { kind: 'unknown', name: 'string', arguments: [] },
        { kind: 'set', set: 'pods', directions: ['src'], invert: false, options: [] },
      ],
    },
    DROP,
  )
  const ipsets = [ipset('pods', 'hash:ip', ['10.244.1.5'])]
  expect(explainRule(spec, facts({ ipsets })).map((part) => part.fits)).toEqual([true, 'depends', 'depends', true])
  expect(nearMiss(spec, facts({ ipsets }))).toBeUndefined()
})
