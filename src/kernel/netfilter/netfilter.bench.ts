import { bench, describe } from 'vitest'
import { dnat, jump, type Ruleset, rule, state, TestNode, tcp, udp } from './testing.ts'

// 1,000 Services that a packet is not for, and one that it is: what kube-proxy's iptables mode costs a new connection.
const services: Ruleset = {
  nat: {
    PREROUTING: [rule({}, jump('KUBE-SERVICES'))],
    'KUBE-SERVICES': [
      ...Array.from({ length: 1000 }, (_, i) =>
        rule({ dst: `10.97.${i >> 8}.${i & 255}`, proto: 'tcp', dport: 80 }, jump('KUBE-SVC-X')),
      ),
      rule({ dst: '10.96.0.10', proto: 'tcp', dport: 80 }, jump('KUBE-SVC-X')),
    ],
    'KUBE-SVC-X': [rule({ proto: 'tcp' }, dnat('10.244.2.7:8080'))],
  },
  filter: { FORWARD: [rule({ matches: [state('INVALID')] }, { kind: 'drop' })] },
}

describe('netfilter', () => {
  const walked = new TestNode({ filter: { FORWARD: services.nat?.['KUBE-SERVICES'] ?? [], 'KUBE-SVC-X': [] } })
  const miss = walked.skb(udp('10.244.1.5:1', '10.244.2.7:2'))
  const near = walked.skb(tcp('10.244.1.5:1', '10.97.3.200:81', 'S'))
  bench('walk 1,001 rules, no match', () => {
    walked.at('FORWARD', miss, 'cbr0', 'eth0')
    walked.rec.lines = []
  })
  bench('walk 1,001 rules, one misses by its port', () => {
    walked.at('FORWARD', near, 'cbr0', 'eth0')
    walked.rec.lines = []
  })

  const node = new TestNode(services)
  const established = () => tcp('10.244.1.5:40000', '10.96.0.10:80', '.', { seq: 101, ack: 901 })
  node.forward(tcp('10.244.1.5:40000', '10.96.0.10:80', 'S', { seq: 100 }))
  node.forward(tcp('10.244.2.7:8080', '10.244.1.5:40000', 'S.', { seq: 900, ack: 101 }), 'eth0', 'cbr0')
  bench('forward a packet of an established, translated connection', () => {
    node.forward(established())
    node.rec.lines = []
  })
  let port = 1024
  const fresh = new TestNode(services)
  bench(
    'first packet of a connection to the last of 1,001 Services',
    () => {
      fresh.forward(tcp(`10.244.1.5:${port}`, '10.96.0.10:80', 'S', { src: port * 7 }))
      port = port === 65535 ? 1024 : port + 1
      fresh.rec.lines = []
    },
    { iterations: 2000, time: 0 },
  )
})
