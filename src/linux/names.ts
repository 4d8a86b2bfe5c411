import { hash32 } from '../base/prng.ts'
import { parseIpv4, parsePrefix } from '../net/address.ts'
import type { DeviceRecord, NudState, RouteType, Scope } from '../world/records.ts'
import { RT_TABLE } from '../world/records.ts'
import type { WorldView } from '../world/world.ts'

// Names that iproute2 gives to numbers, and the look-ups that every printer needs.

/** Name of a device by id; a device that is not in the view (an import's missing peer) is named from its id. */
export const deviceName = (view: WorldView, id: string | undefined): string =>
  id === undefined ? '' : (view.get('device', id)?.name ?? id.slice(id.lastIndexOf('/') + 1))

/** Devices of a namespace by ifindex, as every netlink dump walks them. */
export const devicesOf = (view: WorldView, netns: string): DeviceRecord[] =>
  [...view.list('device', netns)].sort((a, b) => a.ifindex - b.ifindex)

/** /etc/iproute2/rt_tables. */
export function formatTable(table: number): string {
  if (table === RT_TABLE.main) return 'main'
  if (table === RT_TABLE.local) return 'local'
  return table === RT_TABLE.default ? 'default' : String(table)
}

/**
 * Number of a routing table by name or number. A name of the machine's own rt_tables, whose number its text does not tell,
 * gets a number of its own, the same for the same name, far from those that people choose (`invented` is then true).
 */
export function parseTable(text: string): { readonly table: number; readonly invented: boolean } {
  if (/^\d{1,10}$/.test(text)) return { table: Number(text), invented: false }
  if (text === 'main' || text === 'local' || text === 'default') return { table: RT_TABLE[text], invented: false }
  return { table: 0x4000_0000 + (hash32(text) & 0x0fff_ffff), invented: true }
}

export const SCOPES: ReadonlyMap<string, Scope> = new Map<string, Scope>([
  ['global', 'global'],
  ['universe', 'global'],
  ['site', 'site'],
  ['link', 'link'],
  ['host', 'host'],
  ['nowhere', 'nowhere'],
])

export const ROUTE_TYPES: ReadonlySet<string> = new Set<RouteType>([
  'unicast',
  'local',
  'broadcast',
  'multicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
])
export const isRouteType = (s: string): s is RouteType => ROUTE_TYPES.has(s)

export const NUD_NAMES: ReadonlySet<string> = new Set<NudState>([
  'NONE',
  'INCOMPLETE',
  'REACHABLE',
  'STALE',
  'DELAY',
  'PROBE',
  'FAILED',
  'NOARP',
  'PERMANENT',
])
export const isNudState = (s: string): s is NudState => NUD_NAMES.has(s)

/** Whether a word is an IPv6 address or prefix, as far as telling the families apart needs. */
export const looksIpv6 = (word: string): boolean => word.includes(':') && /^[0-9a-fA-F:.]+(\/\d+)?$/.test(word)

/** `10.0.0.0/8`, `10.0.0.1`, and iproute2's short forms `10/8` and `default`. */
export function parseDestination(word: string): { readonly address: number; readonly length: number } | undefined {
  if (word === 'default' || word === 'any' || word === 'all') return { address: 0, length: 0 }
  const [host = '', length] = word.split('/')
  const octets = host.split('.')
  if (octets.length < 4) {
    const full = [...octets, '0', '0', '0'].slice(0, 4).join('.')
    const p = parsePrefix(length === undefined ? `${full}/${octets.length * 8}` : `${full}/${length}`)
    return p.ok ? { address: p.value.address, length: p.value.length } : undefined
  }
  const p = parsePrefix(word)
  return p.ok ? { address: p.value.address, length: p.value.length } : undefined
}

export const ipv4OrUndefined = (word: string | undefined) => {
  const a = parseIpv4(word ?? '')
  return a.ok ? a.value : undefined
}

/** An integer in decimal digits, undefined for anything else. */
export const integer = (word: string | undefined): number | undefined =>
  word !== undefined && /^\d{1,15}$/.test(word) ? Number(word) : undefined

const DECIMAL_SECOND = 1_000_000_000
/** Whole seconds from a moment to another, both in ns; never negative. */
export const secondsBetween = (from: number, to: number): number => Math.max(0, Math.floor((to - from) / DECIMAL_SECOND))
