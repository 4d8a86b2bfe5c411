import { createFib } from '../kernel/fib/fib.ts'
import type { Device, Fib, Flow, Namespace, RouteLookup } from '../kernel/types.ts'
import { formatRoute } from '../linux/ip-route.ts'
import { devicesOf, formatTable, ipv4OrUndefined } from '../linux/names.ts'
import { formatIpv4 } from '../net/address.ts'
import { ROUTE_RESULTS } from '../trace/step.ts'
import { RT_TABLE } from '../world/records.ts'
import type { WorldView } from '../world/world.ts'
import { type CommandResult, failed, printed } from './command.ts'
import { learntFlags } from './ip-route-cache.ts'
import { deviceNamed, type IpCall, incomplete, prefixExpected } from './ip-words.ts'
import { sysctlValue } from './sysctl.ts'

interface Question {
  readonly dst: number
  readonly from?: number
  readonly iif?: string
  readonly oif?: string
  readonly mark: number
  readonly tos: number
  readonly fibmatch: boolean
}
type Draft = { -readonly [K in keyof Question]: Question[K] }

/**
 * `ip route get [fibmatch] ADDRESS [from ADDRESS] [iif DEVICE] [oif DEVICE] [mark N] [tos N]`: the kernel's own lookup, and
 * the answer as iproute2 prints it (net/ipv4/route.c inet_rtm_getroute, rt_fill_info; ip/iproute.c print_route).
 */
export function ipRouteGet({ view, netns, flags }: IpCall, words: readonly string[]): CommandResult {
  const question = readQuestion(view, netns, words)
  if ('exitCode' in question) return question
  const { fib, device } = lookups(view, netns)
  const iif = question.iif === undefined ? undefined : device(question.iif)
  const flow: Flow = {
    dst: question.dst,
    src: question.from ?? 0,
    mark: question.mark,
    tos: question.tos,
    iif,
    oif: question.oif === undefined ? undefined : device(question.oif),
  }
  const refusal = refuseSource(view, netns, fib, flow, question)
  if (refusal !== undefined) return answers(refusal)
  const found = fib.lookup(flow)
  const error = errorOf(view, netns, found, iif)
  if (error !== undefined) return answers(error)
  if (question.fibmatch) {
    return found.route
      ? printed(
          formatRoute(view, found.route, { table: customRules(view, netns) ? 'all' : RT_TABLE.main, details: flags.details }),
        )
      : answers('Network is unreachable')
  }
  return printed(formatAnswer(view, netns, { question, flow, found }))
}

const answers = (error: string): CommandResult => failed(`RTNETLINK answers: ${error}\n`, 2)

/** A namespace with nothing but what a lookup asks for. */
function lookups(view: WorldView, netns: string): { readonly fib: Fib; readonly device: (name: string) => Device | undefined } {
  const devices = new Map<string, Device>()
  const ns = {
    name: netns.slice('netns:'.length),
    devices,
    loopback: undefined as Device | undefined,
    sysctl: (key: string) => Number(sysctlValue(view, netns, key) ?? 0),
  }
  for (const record of devicesOf(view, netns)) {
    const { name, ifindex, mac, mtu } = record
    const addresses = view.list('address', netns).filter((a) => a.device === record.id)
    const d: Device = { ns: ns as unknown as Namespace, record, name, ifindex, mac, mtu, ref: -1, bridge: undefined, addresses }
    devices.set(name, d)
    if (record.link.kind === 'loopback') ns.loopback = d
  }
  const fib = createFib(ns as unknown as Namespace, {
    routes: view.list('route', netns),
    rules: view.list('policy-rule', netns),
    addresses: view.list('address', netns),
  })
  return { fib, device: (name) => devices.get(name) }
}

function readQuestion(view: WorldView, netns: string, words: readonly string[]): Question | CommandResult {
  const q: Draft = { dst: 0, mark: 0, tos: 0, fibmatch: false }
  let known = false
  for (let i = 0; i < words.length; i++) {
    const key = words[i] as string
    if (key === 'fibmatch') {
      q.fibmatch = true
      continue
    }
    if (key === 'connected' || key === 'notify') continue
    const takes = [
      'from',
      'iif',
      'oif',
      'dev',
      'mark',
      'tos',
      'dsfield',
      'to',
      'uid',
      'ipproto',
      'sport',
      'dport',
      'vrf',
    ].includes(key)
    const value = takes ? words[++i] : key
    if (value === undefined) return incomplete()
    switch (key) {
      case 'iif':
      case 'oif':
      case 'dev':
        if (deviceNamed(view, netns, value) === undefined) return failed(`Cannot find device "${value}"\n`)
        q[key === 'iif' ? 'iif' : 'oif'] = value
        break
      case 'mark': {
        const mark = Number(value)
        if (!Number.isInteger(mark) || mark < 0) return failed(`Error: argument "${value}" is wrong: invalid mark\n`, 255)
        q.mark = mark
        break
      }
      case 'tos':
      case 'dsfield':
        q.tos = Number(value) & 0xff
        break
      case 'uid':
      case 'ipproto':
      case 'sport':
      case 'dport':
      case 'vrf':
        break
      default: {
        const address = ipv4OrUndefined(value.replace(/\/32$/, ''))
        if (address === undefined) return prefixExpected(value)
        if (key === 'from') q.from = address
        else {
          q.dst = address
          known = true
        }
      }
    }
  }
  return known ? q : failed('need at least a destination address\n')
}

/** Addresses that the kernel refuses before it looks for a route: fib_validate_source(), and a foreign source on the way out. */
function refuseSource(view: WorldView, netns: string, fib: Fib, flow: Flow, q: Question): string | undefined {
  if (flow.iif === undefined) {
    return q.from !== undefined && fib.addressType(q.from) !== 'LOCAL' ? 'Network is unreachable' : undefined
  }
  const value = (scope: string, name: string) => Number(sysctlValue(view, netns, `net.ipv4.conf.${scope}.${name}`) ?? 0)
  const name = flow.iif.name
  const back = fib.lookup({ dst: flow.src, src: flow.dst, mark: 0, tos: flow.tos, iif: undefined, oif: undefined })
  const kind = ROUTE_RESULTS[back.result]
  if (flow.src !== 0 && kind === 'local' && value(name, 'accept_local') === 0) return 'Invalid argument'
  const filter = Math.max(value('all', 'rp_filter'), value(name, 'rp_filter'))
  if (filter === 0 || flow.src === 0) return undefined
  if (kind !== 'forward') return 'Invalid cross-device link'
  return filter === 1 && back.device?.name !== name ? 'Invalid cross-device link' : undefined
}

/** The errno of a failed lookup in strerror's words; also for a packet that would be forwarded where forwarding is off. */
function errorOf(view: WorldView, netns: string, found: RouteLookup, iif: Device | undefined): string | undefined {
  switch (ROUTE_RESULTS[found.result]) {
    case 'blackhole':
      return 'Invalid argument'
    case 'unreachable':
      return 'No route to host'
    case 'prohibit':
      return 'Permission denied'
    case 'none':
      return iif === undefined ? 'Network is unreachable' : 'No route to host'
    case 'forward': {
      if (iif === undefined) return undefined
      const own = sysctlValue(view, netns, `net.ipv4.conf.${iif.name}.forwarding`)
      const forwarding = own !== undefined && own !== '0' ? own : sysctlValue(view, netns, 'net.ipv4.ip_forward')
      return forwarding === '1' ? undefined : 'No route to host'
    }
    default:
      return undefined
  }
}

/** The three rules that every namespace has leave local and main in one trie, and answers then name neither. */
const customRules = (view: WorldView, netns: string): boolean => view.list('policy-rule', netns).length !== 3

function formatAnswer(
  view: WorldView,
  netns: string,
  a: { readonly question: Question; readonly flow: Flow; readonly found: RouteLookup },
): string {
  const { question, flow, found } = a
  const kind = ROUTE_RESULTS[found.result] ?? 'none'
  const input = flow.iif !== undefined
  const words: string[] = []
  if (kind !== 'forward') words.push(kind)
  words.push(formatIpv4(question.dst))
  if (question.from !== undefined) words.push(`from ${formatIpv4(question.from)}`)
  if (found.gateway !== 0 && kind === 'forward') words.push(`via ${formatIpv4(found.gateway)}`)
  // What is delivered here comes in through lo, broadcasts too.
  const dev = input && (kind === 'local' || kind === 'broadcast') ? 'lo' : (found.device?.name ?? 'lo')
  words.push(`dev ${dev}`)
  const table = found.route?.table ?? RT_TABLE.main
  if (table !== RT_TABLE.main && (table !== RT_TABLE.local || customRules(view, netns))) words.push(`table ${formatTable(table)}`)
  if (!input && question.from === undefined && found.source !== 0) words.push(`src ${formatIpv4(found.source)}`)
  if (question.mark !== 0) words.push(`mark ${question.mark >= 16 ? `0x${question.mark.toString(16)}` : question.mark}`)
  if (!input) words.push('uid 0')
  const learnt = found.redirected
  const back = input && found.device?.name === flow.iif?.name && kind === 'forward'
  const flags = learnt === undefined ? cacheFlags(kind, question.dst, back) : learntFlags(learnt, view.now)
  return `${words.join(' ')} \n    cache ${flags}${flow.iif === undefined ? '' : `iif ${flow.iif.name} `}\n`
}

function cacheFlags(kind: string, dst: number, redirect: boolean): string {
  if (redirect) return '<redirect> '
  if (kind === 'local') return '<local> '
  if (kind === 'broadcast') return '<local,brd> '
  // 224.0.0.1 is the one group that every host has joined.
  if (kind === 'multicast') return dst === 0xe0000001 ? '<local,mc> ' : '<mc> '
  return ''
}
