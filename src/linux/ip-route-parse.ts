import { ok } from '../base/result.ts'
import { type Ipv4, ipv4 } from '../net/address.ts'
import { type RouteType, RT_TABLE, type Scope } from '../world/records.ts'
import { integer, ipv4OrUndefined, isRouteType, looksIpv6, parseDestination, parseTable, SCOPES } from './names.ts'
import { numberedLines, type TextResult, textError, wordsOf } from './text.ts'

export interface ParsedNexthop {
  readonly via?: Ipv4
  readonly device?: string
  readonly onlink: boolean
  readonly weight?: number
}

export interface ParsedRoute {
  readonly line: number
  readonly table: number
  readonly type: RouteType
  readonly dst: Ipv4
  readonly prefixLength: number
  readonly tos: number
  readonly nexthops: readonly ParsedNexthop[]
  readonly scope: Scope
  readonly protocol: string
  readonly prefSrc?: Ipv4
  readonly metric: number
}

export interface ParsedRoutes {
  readonly routes: readonly ParsedRoute[]
  /** Lines of IPv6 routes, which are passed over. */
  readonly ipv6: number
  /** Names of this machine's own rt_tables, with the numbers they were given here. */
  readonly namedTables: ReadonlyMap<string, number>
  /** Attributes that no route record keeps, as they are written: `mtu 1300`. */
  readonly unmodelled: readonly { readonly line: number; readonly what: string }[]
}

type RouteDraft = { -readonly [K in keyof ParsedRoute]: ParsedRoute[K] }
type HopDraft = { -readonly [K in keyof ParsedNexthop]: ParsedNexthop[K] }

const SILENT = new Set([
  'linkdown',
  'dead',
  'pervasive',
  'offload',
  'rt_offload',
  'trap',
  'rt_trap',
  'offload_failed',
  'rt_offload_failed',
  'cache',
  'unresolved',
  'lock',
])
/** Attributes with an argument that change no path a packet takes here, or not one that is modelled. */
const WITH_ARGUMENT = new Set([
  'mtu',
  'advmss',
  'hoplimit',
  'window',
  'rtt',
  'rttvar',
  'cwnd',
  'initcwnd',
  'initrwnd',
  'quickack',
  'congctl',
  'expires',
  'realm',
  'realms',
  'features',
  'rto_min',
  'ssthresh',
  'reordering',
  'fastopen_no_cookie',
  'nhid',
  'uid',
  'pref',
  'error',
  'users',
  'age',
  'ttl-propagate',
  'encap',
])

/**
 * Reads what `ip route [show] [table X|all]` prints, -d and -o included; `table` says which one the text is of (main).
 * IPv6 routes are counted and passed over.
 */
export function parseIpRoute(text: string, table: number = RT_TABLE.main): TextResult<ParsedRoutes> {
  const routes: RouteDraft[] = []
  const namedTables = new Map<string, number>()
  const unmodelled: { line: number; what: string }[] = []
  let ipv6 = 0
  let inIpv6 = false
  let current: { route: RouteDraft; hops: HopDraft[] } | undefined
  for (const { line, text: t } of numberedLines(text.replaceAll('\\', '\n'))) {
    const words = wordsOf(t)
    if (words[0]?.startsWith('#')) continue
    const refuse = (found: string, expected: string) => textError('ip route', line, found, expected)
    if (words[0] === 'nexthop') {
      if (inIpv6) continue
      if (current === undefined) return refuse('nexthop', 'a destination before its nexthops')
      const hop: HopDraft = { onlink: false }
      current.hops.push(hop)
      current.route.nexthops = current.hops
      const error = readAttributes(words, 1, current.route, hop, namedTables, (what) => unmodelled.push({ line, what }))
      if (error) return refuse(error.found, error.expected)
      continue
    }
    if (words[0] === 'cache') continue
    let at = 0
    let type: RouteType = 'unicast'
    const first = words[0] ?? ''
    if (isRouteType(first)) {
      type = first
      at = 1
    } else if (first === 'anycast') at = 1
    const destination = words[at] ?? ''
    inIpv6 =
      looksIpv6(destination) ||
      words.some((w, i) => (words[i - 1] === 'via' || words[i - 1] === 'src' || w === 'pref') && (looksIpv6(w) || w === 'pref'))
    if (inIpv6) {
      ipv6++
      current = undefined
      continue
    }
    const dst = parseDestination(destination)
    if (dst === undefined) return refuse(destination, 'a destination such as default, 10.0.0.0/8 or 10.0.0.1')
    const hop: HopDraft = { onlink: false }
    const route: RouteDraft = {
      line,
      table,
      type,
      dst: ipv4(dst.address),
      prefixLength: dst.length,
      tos: 0,
      nexthops: [],
      scope: 'global',
      protocol: 'boot',
      metric: 0,
    }
    const error = readAttributes(words, at + 1, route, hop, namedTables, (what) => unmodelled.push({ line, what }))
    if (error) return refuse(error.found, error.expected)
    if (hop.via !== undefined || hop.device !== undefined) route.nexthops = [hop]
    current = { route, hops: [] }
    routes.push(route)
  }
  return ok({ routes, ipv6, namedTables, unmodelled })
}

function readAttributes(
  words: readonly string[],
  from: number,
  route: RouteDraft,
  hop: HopDraft,
  namedTables: Map<string, number>,
  keep: (what: string) => void,
): { found: string; expected: string } | undefined {
  for (let i = from; i < words.length; i++) {
    const key = words[i] ?? ''
    if (SILENT.has(key) || /^(\[|<)/.test(key)) continue
    if (key === 'onlink') {
      hop.onlink = true
      continue
    }
    const value = words[++i]
    if (value === undefined)
      return { found: key, expected: WITH_ARGUMENT.has(key) ? `an argument after ${key}` : 'an attribute of a route' }
    const number = integer(value)
    const address = ipv4OrUndefined(value)
    switch (key) {
      case 'via':
        if (value === 'inet' || value === 'inet6') continue
        if (address === undefined) return { found: value, expected: 'an IPv4 gateway after via' }
        hop.via = address
        break
      case 'dev':
        hop.device = value
        break
      case 'src':
        if (address === undefined) return { found: value, expected: 'an IPv4 address after src' }
        route.prefSrc = address
        break
      case 'scope': {
        const scope = SCOPES.get(value)
        if (scope === undefined) return { found: value, expected: 'global, site, link, host or nowhere after scope' }
        route.scope = scope
        break
      }
      case 'table': {
        const { table, invented } = parseTable(value)
        if (invented) namedTables.set(value, table)
        route.table = table
        break
      }
      case 'proto':
      case 'protocol':
        route.protocol = value
        break
      case 'metric':
      case 'priority':
      case 'preference':
        if (number === undefined) return { found: value, expected: 'a number after metric' }
        route.metric = number
        break
      case 'weight':
        if (number === undefined) return { found: value, expected: 'a number after weight' }
        hop.weight = number
        break
      case 'tos':
      case 'dsfield': {
        const tos = /^0x[0-9a-f]{1,2}$/i.test(value) ? Number.parseInt(value, 16) : number
        if (tos === undefined) keep(`${key} ${value}`)
        else route.tos = tos
        break
      }
      default:
        if (!WITH_ARGUMENT.has(key)) return { found: key, expected: 'an attribute of a route' }
        if (words[i] === 'lock') i++
        keep(`${key} ${words[i] ?? value}`)
    }
  }
  return undefined
}
