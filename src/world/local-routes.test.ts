import { describe, expect, it } from 'vitest'
import { formatIpv4, type Ipv4, MAC_ZERO, parseIpv4 } from '../net/address.ts'
import { addressId, deviceId, netnsId } from './ids.ts'
import { localRoutes } from './local-routes.ts'
import type { AddressRecord, DeviceLink, DeviceRecord, Origin } from './records.ts'

const origin: Origin = { component: 'kernel' }
const node = netnsId('node1')

const device = (name: string, ifindex: number, link: DeviceLink, up = true): DeviceRecord => {
  const id = deviceId('node1', name)
  return { kind: 'device', id, netns: node, ifindex, name, mac: MAC_ZERO, mtu: 1500, up, link, origin }
}
const ip = (text: string): Ipv4 => {
  const r = parseIpv4(text)
  if (!r.ok) throw new Error(text)
  return r.value
}
const address = (dev: string, cidr: string, more: Partial<AddressRecord> = {}): AddressRecord => {
  const [a = '', length = ''] = cidr.split('/')
  const id = addressId('node1', dev, cidr)
  const base = { kind: 'address', id, netns: node, device: deviceId('node1', dev), scope: 'global', origin } as const
  return { ...base, address: ip(a), prefixLength: Number(length), ...more }
}
const lo = device('lo', 1, { kind: 'loopback' })
const eth0 = device('eth0', 2, { kind: 'physical', latency: 0 })
const cbr0 = device('cbr0', 3, { kind: 'bridge', ageing: 300e9 })

const print = (devices: DeviceRecord[], addresses: AddressRecord[]) =>
  localRoutes(node, devices, addresses, origin).map((r) => {
    const dev = r.nexthops[0]?.device?.split('/').pop()
    const dst = r.prefixLength === 32 ? formatIpv4(r.dst) : `${formatIpv4(r.dst)}/${r.prefixLength}`
    return `${r.type} ${dst} dev ${dev} table ${r.table} scope ${r.scope} src ${formatIpv4(r.prefSrc ?? 0)}`
  })

describe('the routes a kernel adds for its addresses', () => {
  it('gives a node its local, connected and broadcast routes', () => {
    const addresses = [
      address('lo', '127.0.0.1/8', { scope: 'host' }),
      address('eth0', '192.0.2.11/24'),
      address('cbr0', '10.244.1.1/24'),
    ]
    expect(print([lo, eth0, cbr0], addresses)).toEqual([
      'local 127.0.0.1 dev lo table 255 scope host src 127.0.0.1',
      'local 127.0.0.0/8 dev lo table 255 scope host src 127.0.0.1',
      'broadcast 127.255.255.255 dev lo table 255 scope link src 127.0.0.1',
      'local 192.0.2.11 dev eth0 table 255 scope host src 192.0.2.11',
      'unicast 192.0.2.0/24 dev eth0 table 254 scope link src 192.0.2.11',
      'broadcast 192.0.2.255 dev eth0 table 255 scope link src 192.0.2.11',
      'local 10.244.1.1 dev cbr0 table 255 scope host src 10.244.1.1',
      'unicast 10.244.1.0/24 dev cbr0 table 254 scope link src 10.244.1.1',
      'broadcast 10.244.1.255 dev cbr0 table 255 scope link src 10.244.1.1',
    ])
  })

  it('adds no connected route for a /32 and no broadcast for a /31', () => {
    expect(print([eth0], [address('eth0', '192.0.2.1/32'), address('eth0', '198.51.100.2/31')])).toEqual([
      'local 192.0.2.1 dev eth0 table 255 scope host src 192.0.2.1',
      'local 198.51.100.2 dev eth0 table 255 scope host src 198.51.100.2',
      'unicast 198.51.100.2/31 dev eth0 table 254 scope link src 198.51.100.2',
    ])
  })

  it('keeps only the local address of a device that is down', () => {
    expect(print([{ ...eth0, up: false }], [address('eth0', '192.0.2.1/24')])).toEqual([
      'local 192.0.2.1 dev eth0 table 255 scope host src 192.0.2.1',
    ])
  })

  it('does not add an explicit broadcast address twice, and prefers the primary as the source for a secondary', () => {
    const brd = ip('192.0.2.255')
    const addresses = [address('eth0', '192.0.2.1/24', { broadcast: brd }), address('eth0', '192.0.2.2/24', { secondary: true })]
    expect(print([eth0], addresses)).toEqual([
      'local 192.0.2.1 dev eth0 table 255 scope host src 192.0.2.1',
      'broadcast 192.0.2.255 dev eth0 table 255 scope link src 192.0.2.1',
      'unicast 192.0.2.0/24 dev eth0 table 254 scope link src 192.0.2.1',
      'local 192.0.2.2 dev eth0 table 255 scope host src 192.0.2.1',
    ])
  })

  it('names every route once', () => {
    const routes = localRoutes(node, [lo, eth0], [address('lo', '127.0.0.1/8'), address('eth0', '192.0.2.1/24')], origin)
    expect(new Set(routes.map((r) => r.id)).size).toBe(routes.length)
  })
})
