import { contains, formatIpv4, type Ipv4Prefix } from '../net/address.ts'
import { type Nexthop, type RouteRecord, type RouteType, RT_TABLE, type Scope } from '../world/records.ts'
import type { WorldView } from '../world/world.ts'
import { hasCarrier } from './ip-link.ts'
import { deviceName, formatTable } from './names.ts'

export interface RouteOptions {
  /** A table's number, or all of them; main when absent. */
  readonly table?: number | 'all'
  /** -d: types and scopes that go without saying. */
  readonly details?: boolean
  /** -o */
  readonly oneline?: boolean
  /** Selectors. What every line would repeat is left out, as iproute2 does. */
  readonly device?: string
  readonly protocol?: string
  readonly scope?: Scope
  readonly type?: RouteType
  readonly via?: number
  readonly src?: number
  readonly root?: Ipv4Prefix
  readonly match?: Ipv4Prefix
  readonly exact?: Ipv4Prefix
}

/** `ip route [show]` (iproute2 6.1, ip/iproute.c print_route), in the order in which the kernel's trie is walked. */
export function printIpRoute(view: WorldView, netns: string, options: RouteOptions = {}): string {
  return routesOf(view, netns)
    .filter((r) => selected(view, r, options))
    .map((r) => formatRoute(view, r, options))
    .join('')
}

/** fib_trie: by table's hash bucket, destination, longest prefix, TOS from high to low, metric from low to high. */
export function routesOf(view: WorldView, netns: string): RouteRecord[] {
  return [...view.list('route', netns)].sort(
    (a, b) =>
      (a.table & 255) - (b.table & 255) ||
      a.table - b.table ||
      a.dst - b.dst ||
      b.prefixLength - a.prefixLength ||
      b.tos - a.tos ||
      a.metric - b.metric,
  )
}

function selected(view: WorldView, r: RouteRecord, o: RouteOptions): boolean {
  const dst = { address: r.dst, length: r.prefixLength }
  const table = o.table ?? RT_TABLE.main
  return (
    (table === 'all' || r.table === table) &&
    (o.device === undefined || r.nexthops.some((n) => deviceName(view, n.device) === o.device)) &&
    (o.protocol === undefined || r.protocol === o.protocol) &&
    (o.scope === undefined || r.scope === o.scope) &&
    (o.type === undefined || r.type === o.type) &&
    (o.via === undefined || (r.nexthops.length === 1 && r.nexthops[0]?.via === o.via)) &&
    (o.src === undefined || r.prefSrc === o.src) &&
    (o.root === undefined || (r.prefixLength >= o.root.length && contains(o.root, r.dst))) &&
    (o.match === undefined || (r.prefixLength <= o.match.length && contains(dst, o.match.address))) &&
    (o.exact === undefined || (r.prefixLength === o.exact.length && r.dst === o.exact.address))
  )
}

export const formatDestination = (address: number, length: number): string =>
  length === 32 ? formatIpv4(address) : length === 0 && address === 0 ? 'default' : `${formatIpv4(address)}/${length}`

/** One route with its line end; every line ends in a blank, as iproute2 prints it. */
export function formatRoute(view: WorldView, r: RouteRecord, o: RouteOptions = {}): string {
  const only = r.nexthops.length === 1 ? r.nexthops[0] : undefined
  const type = r.type !== 'unicast' || o.details ? `${r.type} ` : ''
  const words = [`${type}${formatDestination(r.dst, r.prefixLength)}`]
  if (r.tos !== 0) words.push(`tos 0x${r.tos.toString(16).padStart(2, '0')}`)
  if (only?.via !== undefined && o.via === undefined) words.push(`via ${formatIpv4(only.via)}`)
  if (only?.device !== undefined && o.device === undefined) words.push(`dev ${deviceName(view, only.device)}`)
  if (o.table === 'all' && r.table !== RT_TABLE.main) words.push(`table ${formatTable(r.table)}`)
  if ((r.protocol !== 'boot' || o.details) && o.protocol === undefined) words.push(`proto ${r.protocol}`)
  if ((r.scope !== 'global' || o.details) && o.scope === undefined) words.push(`scope ${r.scope}`)
  if (r.prefSrc !== undefined && o.src === undefined) words.push(`src ${formatIpv4(r.prefSrc)}`)
  if (r.metric !== 0) words.push(`metric ${r.metric}`)
  if (only) words.push(...nexthopFlags(view, r, only))
  const end = o.oneline ? '\\' : '\n'
  const more = r.nexthops.length > 1 ? r.nexthops.map((n) => `${end}\t${nexthop(view, r, n)}`).join('') : ''
  return `${words.join(' ')} ${more}\n`
}

function nexthop(view: WorldView, r: RouteRecord, n: Nexthop): string {
  const via = n.via === undefined ? '' : `via ${formatIpv4(n.via)} `
  const flags = nexthopFlags(view, r, n).map((f) => `${f} `)
  return `nexthop ${via}dev ${deviceName(view, n.device)} weight ${n.weight ?? 1} ${flags.join('')}`
}

function nexthopFlags(view: WorldView, r: RouteRecord, n: Nexthop): string[] {
  const device = n.device === undefined ? undefined : view.get('device', n.device)
  const linkdown = device !== undefined && r.type !== 'local' && device.up && !hasCarrier(view, device)
  return [...(n.onlink ? ['onlink'] : []), ...(linkdown ? ['linkdown'] : [])]
}
