import { describe, expect, it } from 'vitest'
import { formatIpv4 } from '../../net/address.ts'
import { ROUTE_RESULTS } from '../../trace/step.ts'
import { deviceId } from '../../world/ids.ts'
import type { DeviceRecord } from '../../world/records.ts'
import type { RouteLookup } from '../types.ts'
import { ip, nexthop, prefix, route, rule, testFib } from './testing.ts'

const say = (l: RouteLookup): string =>
  [
    ROUTE_RESULTS[l.result],
    l.gateway === 0 ? '' : `via ${formatIpv4(l.gateway)}`,
    l.device === undefined ? '' : `dev ${l.device.name}`,
    l.source === 0 ? '' : `src ${formatIpv4(l.source)}`,
  ]
    .filter((s) => s !== '')
    .join(' ')

const node = {
  addresses: { eth0: ['192.0.2.11/24'], cbr0: ['10.244.1.1/24'] },
  routes: [route('default', { via: '192.0.2.1', dev: 'eth0' }), route('10.244.2.0/24', { via: '192.0.2.12', dev: 'eth0' })],
}

describe('routing on a node', () => {
  const { fib, flow, device } = testFib(node)
  const to = (dst: string, more = {}) => say(fib.lookup(flow(dst, more)))

  it('takes the longest prefix: a pod here, a pod there, the world', () => {
    expect(to('10.244.1.5')).toBe('forward dev cbr0 src 10.244.1.1')
    expect(to('10.244.2.7')).toBe('forward via 192.0.2.12 dev eth0 src 192.0.2.11')
    expect(to('198.51.100.7')).toBe('forward via 192.0.2.1 dev eth0 src 192.0.2.11')
  })

  it('delivers its own addresses over lo, whichever device has them', () => {
    expect(to('192.0.2.11')).toBe('local dev lo src 192.0.2.11')
    expect(to('127.0.0.53')).toBe('local dev lo src 127.0.0.1')
    expect(to('10.244.1.1', { iif: device('cbr0') })).toBe('local dev lo src 10.244.1.1')
  })

  it('knows the subnet broadcast, and that the lowest address is none any more', () => {
    expect(to('10.244.1.255')).toBe('broadcast dev cbr0 src 10.244.1.1')
    expect(to('10.244.1.0')).toBe('forward dev cbr0 src 10.244.1.1')
  })

  it('names the rule and the route that decided', () => {
    const found = fib.lookup(flow('10.244.2.7'))
    expect(found.policyRule?.priority).toBe(32766)
    expect(found.route?.prefixLength).toBe(24)
  })

  it('answers a repeated flow with the same object', () => {
    expect(fib.lookup(flow('10.244.2.7', { src: ip('10.244.1.5') }))).toBe(
      fib.lookup(flow('10.244.2.7', { src: ip('10.244.1.5') })),
    )
  })
})

describe('routes that come, go and die', () => {
  it('sees a route added and removed again, cached flows too', () => {
    const { fib, flow } = testFib(node)
    expect(say(fib.lookup(flow('10.244.3.9')))).toBe('forward via 192.0.2.1 dev eth0 src 192.0.2.11')
    const added = route('10.244.3.0/24', { via: '192.0.2.13', dev: 'eth0' })
    fib.add(added)
    expect(say(fib.lookup(flow('10.244.3.9')))).toBe('forward via 192.0.2.13 dev eth0 src 192.0.2.11')
    fib.remove(added.id)
    expect(say(fib.lookup(flow('10.244.3.9')))).toBe('forward via 192.0.2.1 dev eth0 src 192.0.2.11')
  })

  it('passes over a route whose device is down, to a shorter prefix', () => {
    const { fib, flow } = testFib({
      addresses: { eth0: ['192.0.2.11/24'], '!eth1': ['198.51.100.1/24'] },
      routes: [
        route('default', { via: '192.0.2.1', dev: 'eth0' }),
        route('203.0.113.0/24', { via: '198.51.100.2', dev: 'eth1' }),
      ],
    })
    expect(say(fib.lookup(flow('203.0.113.5')))).toBe('forward via 192.0.2.1 dev eth0 src 192.0.2.11')
    // Its own address stays reachable.
    expect(say(fib.lookup(flow('198.51.100.1')))).toBe('local dev lo src 198.51.100.1')
  })

  it('prefers the lower metric, and falls back when its device goes down', () => {
    const { fib, flow, device } = testFib({
      addresses: { eth0: ['192.0.2.11/24'], wlan0: ['198.51.100.11/24'] },
      routes: [
        route('default', { via: '198.51.100.1', dev: 'wlan0', metric: 600 }),
        route('default', { via: '192.0.2.1', dev: 'eth0', metric: 100 }),
      ],
    })
    expect(say(fib.lookup(flow('203.0.113.5')))).toContain('dev eth0')
    const eth0 = device('eth0')
    eth0.record = { ...eth0.record, up: false } satisfies DeviceRecord
    fib.invalidate()
    expect(say(fib.lookup(flow('203.0.113.5')))).toBe('forward via 198.51.100.1 dev wlan0 src 198.51.100.11')
  })

  it('prefers a route of the packet’s TOS', () => {
    const { fib, flow } = testFib({
      ...node,
      routes: [...node.routes, route('default', { via: '192.0.2.2', dev: 'eth0', tos: 0x10, metric: 50 })],
    })
    expect(say(fib.lookup(flow('203.0.113.5', { tos: 0x10 })))).toContain('via 192.0.2.2')
    expect(say(fib.lookup(flow('203.0.113.5')))).toContain('via 192.0.2.1')
  })

  it('finds the device of a gateway that was given without one', () => {
    const { fib, flow } = testFib({ ...node, routes: [route('default', { via: '192.0.2.1' })] })
    expect(say(fib.lookup(flow('203.0.113.5')))).toBe('forward via 192.0.2.1 dev eth0 src 192.0.2.11')
  })

  it('has no route at all in a namespace without a default', () => {
    const { fib, flow } = testFib({ addresses: { eth0: ['10.244.1.5/24'] } })
    expect(say(fib.lookup(flow('192.0.2.1')))).toBe('none')
  })
})

describe('routes that lead nowhere', () => {
  const { fib, flow } = testFib({
    ...node,
    routes: [
      ...node.routes,
      route('10.244.0.0/16', { type: 'blackhole' }),
      route('198.51.100.0/24', { type: 'unreachable' }),
      route('203.0.113.0/24', { type: 'prohibit' }),
    ],
  })
  it('tells blackhole, unreachable and prohibit apart, and longer prefixes win over them', () => {
    expect(say(fib.lookup(flow('10.244.7.7')))).toBe('blackhole')
    expect(say(fib.lookup(flow('10.244.2.7')))).toContain('forward')
    expect(say(fib.lookup(flow('198.51.100.1')))).toBe('unreachable')
    expect(say(fib.lookup(flow('203.0.113.1')))).toBe('prohibit')
    expect(fib.lookup(flow('203.0.113.1')).route?.type).toBe('prohibit')
  })
})

describe('policy rules', () => {
  const vpn = { ...route('default', { via: '198.51.100.1', dev: 'tun0' }), table: 100 }
  const addresses = { eth0: ['192.0.2.11/24'], tun0: ['198.51.100.11/24'], cbr0: ['10.244.1.1/24'] }
  const main = route('default', { via: '192.0.2.1', dev: 'eth0' })
  const lookup100 = { kind: 'lookup', table: 100 } as const
  const world = '203.0.113.5'

  it('sends marked packets another way', () => {
    const { fib, flow } = testFib({
      addresses,
      routes: [main, vpn],
      rules: [rule(1000, { fwmark: { value: 0x1, mask: 0xff }, action: lookup100 })],
    })
    expect(say(fib.lookup(flow(world)))).toContain('dev eth0')
    expect(say(fib.lookup(flow(world, { mark: 0x4001 })))).toContain('dev tun0')
    expect(say(fib.lookup(flow(world, { mark: 0x4002 })))).toContain('dev eth0')
  })

  it('chooses by source, by device it came in on, and by `not`', () => {
    const { fib, flow, device } = testFib({
      addresses,
      routes: [main, vpn],
      rules: [
        rule(900, { from: prefix('10.244.1.0/24'), iif: 'cbr0', action: lookup100 }),
        rule(901, { invert: true, to: prefix('203.0.113.0/24'), action: { kind: 'prohibit' } }),
      ],
    })
    const pod = ip('10.244.1.5')
    expect(say(fib.lookup(flow(world, { src: pod, iif: device('cbr0') })))).toContain('dev tun0')
    expect(say(fib.lookup(flow(world, { src: pod, iif: device('eth0') })))).toContain('dev eth0')
    const refused = fib.lookup(flow('198.51.100.77'))
    expect([say(refused), refused.policyRule?.priority]).toEqual(['prohibit', 901])
  })

  it('means locally sent packets by `iif lo`', () => {
    const { fib, flow, device } = testFib({
      addresses,
      routes: [main, vpn],
      rules: [rule(900, { iif: 'lo', action: lookup100 })],
    })
    expect(say(fib.lookup(flow(world)))).toContain('dev tun0')
    expect(say(fib.lookup(flow(world, { iif: device('cbr0') })))).toContain('dev eth0')
  })

  it('goes on with the next rule after `throw`', () => {
    const { fib, flow } = testFib({
      addresses,
      routes: [main, vpn, { ...route('203.0.113.0/24', { type: 'throw' }), table: 100 }],
      rules: [rule(900, { action: lookup100 })],
    })
    expect(say(fib.lookup(flow(world)))).toContain('dev eth0')
    expect(say(fib.lookup(flow('198.18.0.1')))).toContain('dev tun0')
  })

  it('looks up nothing in a table that does not exist', () => {
    const { fib, flow } = testFib({ addresses, routes: [main], rules: [rule(900, { action: { kind: 'lookup', table: 7 } })] })
    expect(say(fib.lookup(flow(world)))).toContain('dev eth0')
  })
})

describe('several nexthops', () => {
  const ecmp = route('default', {
    nexthops: [nexthop('eth0', '192.0.2.1'), nexthop('eth0', '192.0.2.2', 3), nexthop('eth1', '198.51.100.1')],
  })
  const spec = { addresses: { eth0: ['192.0.2.11/24'], eth1: ['198.51.100.11/24'] }, routes: [ecmp] }
  const { fib, flow, device } = testFib(spec)
  const shares = (f: typeof fib) => {
    const n = [0, 0, 0]
    for (let src = 0; src < 5000; src++) {
      const i = f.lookup(flow('203.0.113.5', { src: ip('10.244.0.0') + src })).nexthop
      n[i] = (n[i] ?? 0) + 1
    }
    return n.map((x) => Math.round(x / 500))
  }

  it('shares flows out by weight, and keeps a flow where it is', () => {
    expect(shares(fib)).toEqual([2, 6, 2])
    const f = flow('203.0.113.5', { src: ip('10.244.1.5') })
    expect(fib.lookup({ ...f }).nexthop).toBe(testFib(spec).fib.lookup({ ...f }).nexthop)
  })

  it('takes the nexthop of the device that was asked for', () => {
    expect(say(fib.lookup(flow('203.0.113.5', { oif: device('eth1') })))).toBe(
      'forward via 198.51.100.1 dev eth1 src 198.51.100.11',
    )
  })

  it('leaves out the nexthops of a device that is down', () => {
    const down = testFib({ ...spec, addresses: { '!eth0': ['192.0.2.11/24'], eth1: ['198.51.100.11/24'] } })
    expect(shares(down.fib)).toEqual([0, 0, 10])
  })
})

describe('what is sent to a group, or through a given device', () => {
  const { fib, flow, device } = testFib(node)

  it('is on-link on a device that no route mentions', () => {
    expect(say(fib.lookup(flow('203.0.113.5', { oif: device('cbr0') })))).toBe('forward dev cbr0 src 10.244.1.1')
  })

  it('takes the limited broadcast and multicast as they come in', () => {
    expect(say(fib.lookup(flow('255.255.255.255', { iif: device('cbr0') })))).toBe('broadcast dev cbr0')
    expect(say(fib.lookup(flow('224.0.0.251', { iif: device('cbr0') })))).toBe('multicast dev cbr0')
  })

  it('sends multicast where the default route points, and broadcast out of the device of its source', () => {
    expect(say(fib.lookup(flow('224.0.0.251')))).toBe('multicast via 192.0.2.1 dev eth0 src 192.0.2.11')
    expect(say(fib.lookup(flow('255.255.255.255', { src: ip('10.244.1.1') })))).toBe('broadcast dev cbr0 src 10.244.1.1')
  })

  it('takes 0.0.0.0 for this host', () => {
    expect(say(fib.lookup(flow('0.0.0.0')))).toBe('local dev lo src 127.0.0.1')
  })
})

describe('inet_addr_type()', () => {
  const { fib, device } = testFib(node)
  it('classifies addresses by the local table alone', () => {
    const types = [
      '192.0.2.11',
      '127.9.9.9',
      '10.244.1.255',
      '10.244.1.5',
      '203.0.113.5',
      '224.0.0.1',
      '255.255.255.255',
      '0.0.0.0',
    ]
    expect(types.map((t) => fib.addressType(ip(t)))).toEqual([
      'LOCAL',
      'LOCAL',
      'BROADCAST',
      'UNICAST',
      'UNICAST',
      'MULTICAST',
      'BROADCAST',
      'BROADCAST',
    ])
  })
  it('counts an address as local only on its device, when one is given', () => {
    expect(fib.addressType(ip('192.0.2.11'), device('eth0'))).toBe('LOCAL')
    expect(fib.addressType(ip('192.0.2.11'), device('cbr0'))).toBe('UNICAST')
  })
})

describe('inet_select_addr()', () => {
  const { fib, device } = testFib({ addresses: { eth0: ['192.0.2.11/24', '192.0.2.12/24', '198.51.100.11/24'], veth1: [] } })
  it('prefers the address in the destination’s subnet, else the first primary one', () => {
    expect(formatIpv4(fib.selectSource(device('eth0'), ip('198.51.100.1'), 'global'))).toBe('198.51.100.11')
    expect(formatIpv4(fib.selectSource(device('eth0'), ip('203.0.113.1'), 'global'))).toBe('192.0.2.11')
  })
  it('borrows an address for a device that has none, but never 127.0.0.1 for the world', () => {
    expect(formatIpv4(fib.selectSource(device('veth1'), ip('203.0.113.1'), 'link'))).toBe('192.0.2.11')
    expect(formatIpv4(fib.selectSource(device('lo'), 0, 'host'))).toBe('127.0.0.1')
    expect(formatIpv4(fib.selectSource(device('lo'), 0, 'global'))).toBe('192.0.2.11')
  })
  it('follows a route’s preferred source', () => {
    const t = testFib({ ...node, routes: [route('default', { via: '192.0.2.1', dev: 'eth0', prefSrc: ip('10.244.1.1') })] })
    expect(say(t.fib.lookup(t.flow('203.0.113.5')))).toBe('forward via 192.0.2.1 dev eth0 src 10.244.1.1')
    expect(t.fib.lookup(t.flow('203.0.113.5')).route?.nexthops[0]?.device).toBe(deviceId('node1', 'eth0'))
  })
})

describe('suppress_prefixlength', () => {
  it('passes over the default route, as wg-quick has it, and keeps the longer ones', () => {
    const tunnel = route('default', { dev: 'cbr0', table: 51820 })
    const rules = [rule(100, { suppressPrefixLength: 0 }), rule(101, { action: { kind: 'lookup', table: 51820 } })]
    const { fib, flow } = testFib({ ...node, routes: [...node.routes, tunnel], rules })
    expect(say(fib.lookup(flow('10.244.2.7')))).toBe('forward via 192.0.2.12 dev eth0 src 192.0.2.11')
    expect(fib.lookup(flow('198.51.100.7')).device?.name).toBe('cbr0')
  })
})
