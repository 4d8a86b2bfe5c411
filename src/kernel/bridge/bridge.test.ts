import { describe, expect, it } from 'vitest'
import { TestNetwork } from '../../sim/testing/network.ts'
import { play } from '../../sim/testing/play.ts'

/** Two pods on a node's bridge, as kubenet builds it; the node DNATs 192.0.2.80:80 to pod b. */
function node(options: { callIptables?: 0 | 1; hairpin?: boolean; backend?: string } = {}): TestNetwork {
  const net = new TestNetwork()
  const host = net.host('node').router().bridge('cbr0', '10.244.1.1/24')
  host.sysctl('net.bridge.bridge-nf-call-iptables', options.callIptables ?? 1)
  for (const [i, name] of ['a', 'b'].entries()) {
    const pod = net.host(`pod/${name}`, 'pod')
    net.veth(pod, 'eth0', host, `veth${name}`, { bMaster: 'cbr0', hairpin: options.hairpin ?? false })
    pod.address('eth0', `10.244.1.${i + 2}/24`).route('default via 10.244.1.1 dev eth0')
    pod.process('httpd', '-p', '8080')
  }
  host.iptables(`*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -d 192.0.2.80/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination ${options.backend ?? '10.244.1.3'}:8080
COMMIT
`)
  return net
}

describe('bridge', () => {
  it('floods the first ARP question, learns from both sides, then forwards', () => {
    const p = play(node().world(), ['pod/a', 'ping -c 1 10.244.1.3'])
    const decisions = p.events('bridge.decide').map((e) => e.step.decision)
    expect(decisions).toEqual(['local+flood', 'forward', 'forward', 'forward'])
    const learned = p.end.list('fdb').filter((f) => !f.local)
    expect(learned.map((f) => f.port)).toEqual(['dev:node/vetha', 'dev:node/vethb'])
  })

  it('keeps its own and its ports addresses as local entries from the start', () => {
    const p = play(node().world())
    expect(p.end.list('fdb').map((f) => [f.port, f.local])).toEqual([
      ['dev:node/cbr0', true],
      ['dev:node/vetha', true],
      ['dev:node/vethb', true],
    ])
  })
})

// What Linux 6.18 was seen to do with the same network in real namespaces.
describe('br_netfilter', () => {
  const curl = ['pod/a', 'curl -s -m 3 http://192.0.2.80/'] as const

  it('bridges a DNATed packet that stays on the bridge: the TTL and the client MAC survive', () => {
    const p = play(node().world(), curl)
    expect(p.exitCodes).toEqual([0])
    expect(p.events('rewrite').filter((e) => e.step.field === 'ip.ttl')).toEqual([])
    const arrived = p
      .events('enter')
      .find((e) => e.device === 'dev:pod/b/eth0' && p.reader.packetAt(e.packet, e.seq).protocol === 6)
    const syn = arrived && p.reader.packetAt(arrived.packet, arrived.seq)
    const client = p.end.get('device', 'dev:pod/a/eth0')
    expect([syn?.ttl, syn?.ethSrc]).toEqual([64, client?.mac])
  })

  it('un-NATs the reply on the bridge', () => {
    const p = play(node().world(), curl)
    const bridged = p.events('hook').filter((e) => e.step.bridged)
    expect(bridged.length).toBeGreaterThan(0)
    expect(p.output[0]).toContain('b')
  })

  it('lets the reply pass beside NAT when bridge-nf-call-iptables is 0, and the client resets it', () => {
    const p = play(node({ callIptables: 0 }).world(), curl)
    expect(p.exitCodes).toEqual([28])
    // The node's redirect about a translated flow dies first, in nat OUTPUT (nf_nat_icmp_reply_translation).
    expect(p.drops.slice(0, 2)).toEqual(['node: NETFILTER_DROP', 'pod/a: NO_SOCKET'])
    const forwarded = p.events('rewrite').filter((e) => e.step.field === 'ip.ttl')
    expect(forwarded[0]).toMatchObject({ netns: 'netns:node', step: { from: 64, to: 63 } })
  })

  it('sends nothing back out of the port it came from unless that port is in hairpin mode', () => {
    const own = { backend: '10.244.1.2' }
    const off = play(node(own).world(), curl)
    expect(off.drops[0]).toBe('node/cbr0: NO_TX_TARGET')
    const on = play(node({ ...own, hairpin: true }).world(), curl)
    // Hairpinned but not masqueraded: the pod sees a packet from its own address and refuses it.
    expect(on.drops[0]).toBe('pod/a: IP_INVALID_SOURCE')
  })
})
