import { broadcastOf, type Ipv4, networkOf } from '../net/address.ts'
import { type DeviceId, type NetnsId, routeId } from './ids.ts'
import {
  type AddressRecord,
  type DeviceRecord,
  type Nexthop,
  type Origin,
  type RouteRecord,
  type RouteType,
  RT_TABLE,
} from './records.ts'

/**
 * The routes that the kernel itself adds for a namespace's addresses: per address the `local` /32, the connected prefix
 * (`proto kernel scope link src …` in main; `local` on a loopback device) and the broadcast addresses.
 *
 * Order is that of `addresses`; records of other namespaces are passed over, as are addresses whose device is not given.
 * Ids are `route:NETNS/local/kernel/N` and `route:NETNS/main/kernel/N`, so they never clash with routes a caller numbers.
 *
 * Source: fib_add_ifaddr() and fib_magic(), net/ipv4/fib_frontend.c, Linux 5.14 and later: the lowest address of a subnet is
 * no broadcast address any more. A device that is down keeps only its `local` /32.
 */
export function localRoutes(
  netns: NetnsId,
  devices: readonly DeviceRecord[],
  addresses: readonly AddressRecord[],
  origin: Origin,
): RouteRecord[] {
  const name = netns.slice('netns:'.length)
  const byId = new Map(devices.map((d) => [d.id, d]))
  const mine = addresses.filter((a) => a.netns === netns)
  const routes: RouteRecord[] = []
  const seen = new Set<string>()
  const counts = { local: 0, main: 0 }
  const devicesNexthops = new Map<DeviceId, readonly Nexthop[]>()
  const nexthopsOf = (device: DeviceId): readonly Nexthop[] => {
    const there = devicesNexthops.get(device) ?? [{ device }]
    devicesNexthops.set(device, there)
    return there
  }

  const add = (type: RouteType, dst: Ipv4, prefixLength: number, primary: AddressRecord) => {
    // fib_table_insert() refuses an exact duplicate: an explicit broadcast address usually is the subnet's own.
    const key = `${type}/${dst}/${prefixLength}/${primary.device}/${primary.address}`
    if (seen.has(key)) return
    seen.add(key)
    const table = type === 'unicast' ? 'main' : 'local'
    routes.push({
      kind: 'route',
      id: routeId(name, `${table}/kernel`, counts[table]++),
      netns,
      table: RT_TABLE[table],
      type,
      dst,
      prefixLength,
      tos: 0,
      nexthops: nexthopsOf(primary.device),
      scope: type === 'local' ? 'host' : 'link',
      protocol: 'kernel',
      prefSrc: primary.address,
      metric: 0,
      origin,
    })
  }

  for (const a of mine) {
    const device = byId.get(a.device)
    if (device === undefined) continue
    const prefix = { address: a.address, length: a.prefixLength }
    const network = networkOf(prefix)
    const allOnes = broadcastOf(prefix)
    const primary = a.secondary ? primaryOf(mine, a) : a
    if (primary === undefined) continue

    add('local', a.address, 32, primary)
    if (!device.up) continue
    if (a.broadcast !== undefined && a.broadcast !== 0 && a.broadcast !== 0xffffffff) add('broadcast', a.broadcast, 32, primary)
    // ipv4_is_zeronet(), 0.0.0.0 alone since Linux 5.3.
    if (network === 0 || a.secondary || a.prefixLength === 32) continue
    add(device.link.kind === 'loopback' ? 'local' : 'unicast', network, a.prefixLength, primary)
    if (a.prefixLength < 31) add('broadcast', allOnes, 32, primary)
  }
  return routes
}

/** inet_ifa_byprefix(): the primary address in whose subnet a secondary one is. Its address is the secondary's routes' source. */
function primaryOf(addresses: readonly AddressRecord[], secondary: AddressRecord): AddressRecord | undefined {
  const network = networkOf({ address: secondary.address, length: secondary.prefixLength })
  return addresses.find(
    (a) =>
      a.device === secondary.device &&
      !a.secondary &&
      a.prefixLength === secondary.prefixLength &&
      networkOf({ address: a.address, length: a.prefixLength }) === network,
  )
}
