import { describe, expect, it } from 'vitest'
import { ip, TestNetwork } from '../../sim/testing/network.ts'
import { play } from '../../sim/testing/play.ts'

/** host a — router — host b, with documentation addresses; `mtu` is the second link's. */
function routed(options: { mtu?: number; forward?: 0 | 1; routerRoute?: string } = {}) {
  const net = new TestNetwork()
  const a = net.host('a')
  const router = net.host('router')
  const b = net.host('b')
  net.veth(a, 'eth0', router, 'left')
  net.veth(router, 'right', b, 'eth0', options.mtu === undefined ? {} : { mtu: options.mtu })
  a.address('eth0', '192.0.2.10/24').route('default via 192.0.2.1 dev eth0')
  router.address('left', '192.0.2.1/24').address('right', '198.51.100.1/24')
  router.sysctl('net.ipv4.ip_forward', options.forward ?? 1)
  b.address('eth0', '198.51.100.20/24').route('default via 198.51.100.1 dev eth0')
  return { net, a, router, b }
}

describe('ip_forward', () => {
  it('spends one TTL and answers through the router', () => {
    const p = play(routed().net.world(), ['a', 'ping -c 1 198.51.100.20'])
    expect(p.output[0]).toContain('ttl=63')
    const ttl = p.events('rewrite').filter((e) => e.step.field === 'ip.ttl')
    expect(ttl.map((e) => [e.netns, e.step.from, e.step.to])).toEqual([
      ['netns:router', 64, 63],
      ['netns:router', 64, 63],
    ])
  })

  it('drops in silence when forwarding is off, and says that the sysctl decided', () => {
    const p = play(routed({ forward: 0 }).net.world(), ['a', 'ping -c 1 -W 1 198.51.100.20'])
    expect(p.drops).toEqual(['router: IP_INADDRERRORS'])
    expect(p.events('drop').at(-1)?.step.decidedBy).toBe('sysctl:router/net.ipv4.ip_forward')
    expect(p.events('born').some((e) => e.step.how === 'icmp')).toBe(false)
  })

  it('reports a TTL that ran out from its own address', () => {
    const p = play(routed().net.world(), ['a', 'ping -c 1 -t 1 -W 1 198.51.100.20'])
    expect(p.drops).toEqual(['router: IP_INHDR'])
    expect(p.output[0]).toContain('From 192.0.2.1 icmp_seq=1 Time to live exceeded')
  })

  it('says net unreachable where it has no route', () => {
    const p = play(routed().net.world(), ['a', 'ping -c 1 -W 1 203.0.113.9'])
    expect(p.drops).toEqual(['router: IP_INNOROUTES'])
    expect(p.output[0]).toContain('From 192.0.2.1 icmp_seq=1 Destination Net Unreachable')
  })

  it('tells a sender with DF the MTU of the narrow link', () => {
    const p = play(routed({ mtu: 1400 }).net.world(), ['a', 'ping -c 1 -M do -s 1472 -W 1 198.51.100.20'])
    expect(p.drops).toEqual(['router: PKT_TOO_BIG'])
    expect(p.output[0]).toContain('Frag needed and DF set (mtu = 1400)')
  })

  it('fragments what may be fragmented, and the receiver puts it together', () => {
    const p = play(routed({ mtu: 1400 }).net.world(), ['a', 'ping -c 1 -M dont -s 1472 -W 1 198.51.100.20'])
    expect(p.output[0]).toContain('1480 bytes from 198.51.100.20')
    expect(p.events('reassemble').map((e) => [e.netns, e.step.complete])).toEqual([
      ['netns:b', false],
      ['netns:b', true],
      ['netns:a', false],
      ['netns:a', true],
    ])
  })

  it('sends a redirect when the packet leaves by the door it came in through', () => {
    const net = new TestNetwork()
    const sw = net.host('sw', 'switch').bridge('br0')
    const hosts = ['a', 'router', 'b'].map((n) => net.host(n))
    hosts.forEach((h, i) => {
      net.veth(h, 'eth0', sw, `p${i}`, { bMaster: 'br0' })
      h.address('eth0', `192.0.2.${10 + i}/24`)
    })
    hosts[0]?.route('198.51.100.0/24 via 192.0.2.11 dev eth0')
    hosts[1]?.router().route('198.51.100.0/24 via 192.0.2.12 dev eth0')
    const p = play(net.world(), ['a', 'ping -c 1 -W 1 198.51.100.1'])
    const redirect = p.events('born').find((e) => e.step.how === 'icmp' && e.netns === 'netns:router')
    const sent = redirect && p.reader.packetAt(redirect.packet, redirect.seq)
    expect([sent?.icmpType, sent?.icmpCode, sent?.icmpRest]).toEqual([5, 1, ip('192.0.2.12')])
  })
})

describe('ip_do_redirect', () => {
  /** Host a sends to 198.51.100.1 (b) through `router`, on whose link b's other address lies too. */
  function onOneLink(
    sysctls: Readonly<Record<string, number>> = {},
    commands = ['ping -c 3 -i 2 198.51.100.1', 'ping -c 1 198.51.100.1'],
  ) {
    const net = new TestNetwork()
    const sw = net.host('sw', 'switch').bridge('br0')
    const hosts = ['a', 'router', 'b'].map((n) => net.host(n))
    hosts.forEach((h, i) => {
      net.veth(h, 'eth0', sw, `p${i}`, { bMaster: 'br0' })
      h.address('eth0', `192.0.2.${10 + i}/24`)
    })
    const [a, router, b] = hosts
    a?.route('198.51.100.0/24 via 192.0.2.11 dev eth0')
    for (const [key, value] of Object.entries(sysctls)) a?.sysctl(key, value)
    router?.router().route('198.51.100.0/24 via 192.0.2.12 dev eth0')
    b?.address('eth0', '198.51.100.1/32')
    return play(net.world(), ...commands.map((c) => ['a', c] as const))
  }

  /** Which way a's echo requests went: the gateways of its own lookups for b. */
  const ways = (p: ReturnType<typeof onOneLink>) =>
    p
      .events('route')
      .filter((e) => e.netns === 'netns:a' && e.step.purpose === 'output' && e.step.address === ip('198.51.100.1'))
      .map((e) => `${(e.step.via ?? 0) & 255}${e.step.redirected ? ' redirected' : ''}`)

  it('only asks for a neighbour it does not know, and goes the shorter way from the next redirect on', () => {
    const p = onOneLink()
    expect(ways(p)).toEqual(['11', '11', '12 redirected'])
    const asked = p.events('neigh.state').filter((e) => e.netns === 'netns:a' && e.step.to === 'INCOMPLETE')
    expect(asked).toHaveLength(2)
  })

  it('goes the shorter way with echo replies too, which no socket sends (icmp_err)', () => {
    const net = new TestNetwork()
    const sw = net.host('sw', 'switch').bridge('br0')
    const [a, router, b] = ['a', 'router', 'b'].map((name, i) => {
      const h = net.host(name)
      net.veth(h, 'eth0', sw, `p${i}`, { bMaster: 'br0' })
      return h.address('eth0', `192.0.2.${10 + i}/24`)
    })
    a?.address('eth0', '198.51.100.1/32')
    router?.router().route('198.51.100.0/24 via 192.0.2.10 dev eth0')
    b?.route('198.51.100.0/24 via 192.0.2.11 dev eth0')
    const p = play(net.world(), ['a', 'ping -c 1 192.0.2.12'], ['a', 'ping -c 2 -i 2 -I 198.51.100.1 192.0.2.12'])
    const back = p.events('route').filter((e) => e.netns === 'netns:b' && e.step.address === ip('198.51.100.1'))
    expect(back.map((e) => `${(e.step.via ?? 0) & 255}${e.step.redirected ? ' redirected' : ''}`)).toEqual([
      '11',
      '10 redirected',
    ])
  })

  it('believes nobody when accept_redirects is off', () => {
    expect(
      new Set(ways(onOneLink({ 'net.ipv4.conf.all.accept_redirects': 0, 'net.ipv4.conf.eth0.accept_redirects': 0 }))),
    ).toEqual(new Set(['11']))
  })

  it('believes nobody on a router, where ip_forward has switched it off', () => {
    expect(new Set(ways(onOneLink({ 'net.ipv4.ip_forward': 1 })))).toEqual(new Set(['11']))
  })

  it('wants a gateway that it knows already where the link is not shared and redirects are to be secure', () => {
    const alone = { 'net.ipv4.conf.all.shared_media': 0, 'net.ipv4.conf.default.shared_media': 0 }
    expect(new Set(ways(onOneLink(alone)))).toEqual(new Set(['11']))
    const trusting = { ...alone, 'net.ipv4.conf.all.secure_redirects': 0, 'net.ipv4.conf.default.secure_redirects': 0 }
    expect(ways(onOneLink(trusting)).at(-1)).toBe('12 redirected')
  })
})

/** Gets the neighbours resolved, in the host's own name. */
const WARM = ['a', 'ping -c 1 198.51.100.20'] as const

describe('ip_route_input', () => {
  it('refuses a packet that claims to come from an address of its own', () => {
    const { net, a } = routed()
    a.address('eth0', '198.51.100.1/32')
    const p = play(net.world(), WARM, ['a', 'ping -c 1 -W 1 -I 198.51.100.1 198.51.100.20'])
    expect(p.drops).toEqual(['router: IP_INVALID_SOURCE'])
  })

  it('leaves an ARP question unanswered that asks in the name of such an address', () => {
    const { net, a } = routed()
    a.address('eth0', '198.51.100.1/32')
    const p = play(net.world(), ['a', 'ping -c 1 -W 4 -I 198.51.100.1 198.51.100.20'])
    expect(p.output[0]).toContain('Destination Host Unreachable')
    expect(p.events('arp.process').map((e) => [e.netns, e.step.answer])).toEqual(Array(3).fill(['netns:router', 'ignore']))
  })

  it('drops by strict rp_filter what would be answered through another device, and lets loose mode pass', () => {
    for (const [mode, drops] of [
      [1, ['router: IP_RPFILTER']],
      [2, []],
    ] as const) {
      const { net, a, router } = routed()
      a.address('eth0', '198.51.100.77/32')
      router.sysctl('net.ipv4.conf.all.rp_filter', mode)
      const p = play(net.world(), WARM, ['a', 'ping -c 1 -W 1 -I 198.51.100.77 198.51.100.20'])
      expect(p.drops.filter((d) => d.startsWith('router') && d.includes('RPFILTER'))).toEqual(drops)
    }
  })
})

describe('local delivery', () => {
  it('stays on lo for an address of the host itself', () => {
    const net = new TestNetwork()
    net.host('a').address('lo', '192.0.2.1/32')
    const p = play(net.world(), ['a', 'ping -c 1 192.0.2.1'])
    expect(p.output[0]).toContain('64 bytes from 192.0.2.1: icmp_seq=1 ttl=64')
    expect(new Set(p.events('enter').flatMap((e) => e.device ?? []))).toEqual(new Set(['dev:a/lo']))
  })

  it('says port unreachable where nothing is bound to a UDP port', () => {
    const p = play(routed().net.world(), ['a', 'echo hi | nc -u -w 1 198.51.100.20 9'])
    expect(p.drops).toEqual(['b: NO_SOCKET'])
    const error = p.events('born').find((e) => e.step.how === 'icmp')
    const sent = error && p.reader.packetAt(error.packet, error.seq)
    expect([sent?.icmpType, sent?.icmpCode]).toEqual([3, 3])
  })
})

describe('icmp_send', () => {
  it('keeps to one error a second for each destination after a burst of six', () => {
    const p = play(routed().net.world(), ['a', 'ping -c 10 -i 0.01 -t 1 -W 1 198.51.100.20'])
    expect(p.drops).toHaveLength(10)
    expect(p.events('born').filter((e) => e.step.how === 'icmp')).toHaveLength(6)
  })
})
