import { printIpRoute, type RouteOptions } from '../linux/ip-route.ts'
import { integer, ipv4OrUndefined, isRouteType, parseDestination, parseTable, SCOPES } from '../linux/names.ts'
import { ipv4 } from '../net/address.ts'
import { type CommandResult, failed, printed } from './command.ts'
import { learntRoutes } from './ip-route-cache.ts'
import { ipRouteGet } from './ip-route-get.ts'
import { begins, deviceNamed, type IpCall, incomplete, isResult, prefixExpected, showWords } from './ip-words.ts'

export function ipRoute(call: IpCall): CommandResult {
  const [command, ...after] = call.words
  if (command !== undefined && begins(command, ['get'])) return ipRouteGet(call, after)
  const rest = showWords('route', call.words)
  if (isResult(rest)) return rest
  if (call.flags.family === 'inet6') return printed('')
  const options = readOptions(call, rest)
  if ('exitCode' in options) return options
  const { view, netns } = call
  const { table } = options
  if (table === CACHE) return printed(learntRoutes(view, netns))
  if (
    typeof table === 'number' &&
    !view.list('route', netns).some((r) => r.table === table) &&
    ![253, 254, 255].includes(table)
  ) {
    return failed('Error: ipv4: FIB table does not exist.\nDump terminated\n', 2)
  }
  return printed(printIpRoute(view, netns, options))
}

/** RTM_F_CLONED, which iproute2 takes for a table. */
const CACHE = -1

function readOptions({ view, netns, flags }: IpCall, words: readonly string[]): RouteOptions | CommandResult {
  const o: { -readonly [K in keyof RouteOptions]: RouteOptions[K] } = { details: flags.details, oneline: flags.oneline }
  for (let i = 0; i < words.length; i++) {
    const key = words[i] as string
    if (key.length > 1 && ('cached'.startsWith(key) || 'cloned'.startsWith(key))) return { ...o, table: CACHE }
    const simple = isRouteType(key) ? key : undefined
    if (simple !== undefined && words[i + 1] === undefined) {
      o.type = simple
      continue
    }
    const takes = [
      'table',
      'dev',
      'oif',
      'proto',
      'protocol',
      'scope',
      'type',
      'via',
      'src',
      'root',
      'match',
      'exact',
      'to',
    ].includes(key)
    const value = takes ? words[++i] : key
    if (value === undefined) return incomplete()
    switch (key) {
      case 'table':
        if (value === 'cache') return { ...o, table: CACHE }
        o.table = value === 'all' || value === '0' ? 'all' : parseTable(value).table
        if (typeof o.table === 'number' && o.table >= 0x4000_0000 && integer(value) === undefined) {
          return failed(`Error: argument "${value}" is wrong: table id value is invalid\n`, 255)
        }
        break
      case 'dev':
      case 'oif':
        if (deviceNamed(view, netns, value) === undefined) return failed(`Cannot find device "${value}"\n`)
        o.device = value
        break
      case 'proto':
      case 'protocol':
        o.protocol = value
        break
      case 'scope': {
        const scope = SCOPES.get(value)
        if (scope === undefined) return failed(`Error: argument "${value}" is wrong: invalid "scope"\n`, 255)
        o.scope = scope
        break
      }
      case 'type':
        if (!isRouteType(value)) return failed(`Error: argument "${value}" is wrong: node type value is invalid\n`, 255)
        o.type = value
        break
      case 'via':
      case 'src': {
        const address = ipv4OrUndefined(value)
        if (address === undefined) return prefixExpected(value)
        o[key] = address
        break
      }
      default: {
        const how =
          key === 'root' || key === 'match' || key === 'exact'
            ? key
            : key === 'to' && ['root', 'match', 'exact'].includes(value)
              ? value
              : 'exact'
        const word = key === 'to' && how === value ? (words[++i] ?? '') : value
        const p = parseDestination(word)
        if (p === undefined) return prefixExpected(word)
        o[how as 'root' | 'match' | 'exact'] = { address: ipv4(p.address), length: p.length }
      }
    }
  }
  return o
}
