import { ok, type Result } from '../../base/result.ts'
import { type Ipv4, parseIpv4 } from '../../net/address.ts'
import { type CommandError, commandError, numberOption, type OptionSpec, parseOptions, portNumber } from './options.ts'

export interface CurlUrl {
  /** As given. */
  readonly text: string
  readonly host: string
  readonly port: number
  /** Path and query. */
  readonly path: string
}

/** One --connect-to; '' and undefined stand for any. */
export interface ConnectTo {
  readonly host: string
  readonly port: number | undefined
  readonly toHost: string
  readonly toPort: number | undefined
}

export interface CurlOptions {
  readonly urls: readonly CurlUrl[]
  readonly silent: boolean
  readonly showError: boolean
  readonly verbose: boolean
  readonly include: boolean
  readonly head: boolean
  readonly fail: boolean
  /** One for each URL in order; `-` and absent go to the terminal. */
  readonly outputs: readonly string[]
  /** Seconds. */
  readonly maxTime: number | undefined
  readonly connectTimeout: number | undefined
  readonly method: string
  readonly data: string | undefined
  readonly headers: readonly string[]
  readonly userAgent: string
  readonly localPort: { readonly from: number; readonly to: number } | undefined
  readonly interface: string | undefined
  /** `host:port` → address. */
  readonly resolve: ReadonlyMap<string, Ipv4>
  readonly connectTo: readonly ConnectTo[]
  /** -4 asks for A records alone. */
  readonly family: 'inet' | 'unspec'
  readonly writeOut: string | undefined
  /** --rate: ns from one transfer's begin to the next one's. */
  readonly interval: number | undefined
}

const SPECS: readonly OptionSpec[] = [
  { name: 'silent', short: 's', long: 'silent' },
  { name: 'show-error', short: 'S', long: 'show-error' },
  { name: 'verbose', short: 'v', long: 'verbose' },
  { name: 'include', short: 'i', long: 'include' },
  { name: 'head', short: 'I', long: 'head' },
  { name: 'fail', short: 'f', long: 'fail' },
  { name: 'location', short: 'L', long: 'location' },
  { name: 'ipv4', short: '4', long: 'ipv4' },
  { name: 'output', short: 'o', long: 'output', value: true },
  { name: 'max-time', short: 'm', long: 'max-time', value: true },
  { name: 'connect-timeout', long: 'connect-timeout', value: true },
  { name: 'request', short: 'X', long: 'request', value: true },
  { name: 'data', short: 'd', long: 'data', value: true },
  { name: 'header', short: 'H', long: 'header', value: true },
  { name: 'user-agent', short: 'A', long: 'user-agent', value: true },
  { name: 'local-port', long: 'local-port', value: true },
  { name: 'interface', long: 'interface', value: true },
  { name: 'resolve', long: 'resolve', value: true },
  { name: 'connect-to', long: 'connect-to', value: true },
  { name: 'rate', long: 'rate', value: true },
  { name: 'write-out', short: 'w', long: 'write-out', value: true },
]

/** The version whose messages these are. */
const CURL_VERSION = '8.5.0'
const SECONDS = { min: 0, max: 2_000_000, fraction: true }

/** curl(1), the part of it that speaks HTTP in the clear. */
export function parseCurl(argv: readonly string[]): Result<CurlOptions, CommandError> {
  const parsed = parseOptions('curl', argv, SPECS)
  if (!parsed.ok) return parsed
  const options = parsed.value
  if (options.operands.length === 0) return commandError('curl: no URL specified')
  const urls: CurlUrl[] = []
  for (const text of options.operands) {
    const url = parseUrl(text)
    if (!url.ok) return url
    urls.push(url.value)
  }
  const maxTime = numberOption('curl', options, { name: 'max-time', flag: '-m', ...SECONDS })
  if (!maxTime.ok) return maxTime
  const connectTimeout = numberOption('curl', options, { name: 'connect-timeout', flag: '--connect-timeout', ...SECONDS })
  if (!connectTimeout.ok) return connectTimeout
  const localPort = parseLocalPort(options.value('local-port'))
  if (!localPort.ok) return localPort
  const resolve = parseResolve(options.values('resolve'))
  if (!resolve.ok) return resolve
  const connectTo = parseConnectTo(options.values('connect-to'))
  if (!connectTo.ok) return connectTo
  const interval = parseRate(options.value('rate'))
  if (!interval.ok) return interval
  const data = options.has('data') ? options.values('data').join('&') : undefined
  const head = options.has('head')
  return ok({
    urls,
    silent: options.has('silent'),
    showError: options.has('show-error'),
    verbose: options.has('verbose'),
    include: options.has('include') || head,
    head,
    fail: options.has('fail'),
    outputs: options.values('output'),
    maxTime: maxTime.value === 0 ? undefined : maxTime.value,
    connectTimeout: connectTimeout.value === 0 ? undefined : connectTimeout.value,
    method: options.value('request') ?? (head ? 'HEAD' : data === undefined ? 'GET' : 'POST'),
    data,
    headers: options.values('header'),
    userAgent: options.value('user-agent') ?? `curl/${CURL_VERSION}`,
    localPort: localPort.value,
    interface: options.value('interface'),
    resolve: resolve.value,
    connectTo: connectTo.value,
    family: options.has('ipv4') ? 'inet' : 'unspec',
    writeOut: options.value('write-out'),
    interval: interval.value,
  })
}

/** `[http://]host[:port][/path]`; a scheme that is missing is http. */
function parseUrl(text: string): Result<CurlUrl, CommandError> {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text)
  const name = scheme?.[1]?.toLowerCase()
  if (name === 'https') return commandError(`curl: ${text}: TLS is not modelled, use http://`)
  if (name !== undefined && name !== 'http') return commandError(`curl: (1) Protocol "${name}" not supported`, 1)
  const rest = text.slice(scheme?.[0].length ?? 0)
  const end = rest.search(/[/?#]/)
  const authority = end < 0 ? rest : rest.slice(0, end)
  const tail = end < 0 ? '' : rest.slice(end).replace(/#.*$/, '')
  const [, host = '', portText] = /^(?:[^@]*@)?([^:]*)(?::(.*))?$/.exec(authority) ?? []
  if (host === '' || /[\s[\]]/.test(host))
    return commandError(`curl: (3) URL using bad/illegal format or missing URL: ${text}`, 3)
  const port = portText === undefined || portText === '' ? 80 : portNumber(portText)
  if (port === undefined)
    return commandError(`curl: (3) URL using bad/illegal format: port ${portText} of ${text} is not from 1 to 65535`)
  return ok({ text, host, port, path: tail.startsWith('/') ? tail : `/${tail}` })
}

/** `PORT` or `FROM-TO` */
function parseLocalPort(text: string | undefined): Result<{ from: number; to: number } | undefined, CommandError> {
  if (text === undefined) return ok(undefined)
  const [, a = '', b] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? []
  const from = portNumber(a)
  const to = b === undefined ? from : portNumber(b)
  if (from === undefined || to === undefined || to < from) {
    return commandError(`curl: --local-port wants PORT or FROM-TO, not "${text}"`)
  }
  return ok({ from, to })
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86400 }

/** `N/U`, an hour where no unit is given (tool_getparam.c: set_rate). Whole milliseconds. */
function parseRate(text: string | undefined): Result<number | undefined, CommandError> {
  if (text === undefined) return ok(undefined)
  const [, count = '', unit = 'h'] = /^(\d+)(?:\/([smhd]))?$/.exec(text) ?? []
  const seconds = UNITS[unit]
  if (seconds === undefined || Number(count) < 1) return commandError(`curl: --rate wants N/s, N/m, N/h or N/d, not "${text}"`)
  return ok(Math.floor((seconds * 1000) / Number(count)) * 1_000_000)
}

/** `HOST:PORT:ADDRESS` */
function parseResolve(entries: readonly string[]): Result<Map<string, Ipv4>, CommandError> {
  const map = new Map<string, Ipv4>()
  for (const entry of entries) {
    const [host = '', port = '', address = ''] = entry.split(':')
    const ip = parseIpv4(address)
    if (host === '' || portNumber(port) === undefined || !ip.ok) {
      return commandError(`curl: --resolve wants HOST:PORT:ADDRESS with an IPv4 address, not "${entry}"`)
    }
    map.set(`${host}:${port}`, ip.value)
  }
  return ok(map)
}

/** `HOST1:PORT1:HOST2:PORT2`; an empty part stands for any, or for what the URL says. */
function parseConnectTo(entries: readonly string[]): Result<ConnectTo[], CommandError> {
  const list: ConnectTo[] = []
  for (const entry of entries) {
    const [host = '', from = '', toHost = '', to = '', ...more] = entry.split(':')
    const ports = [from, to].map((p) => (p === '' ? undefined : portNumber(p)))
    if (
      entry.split(':').length < 4 ||
      more.length > 0 ||
      (from !== '' && ports[0] === undefined) ||
      (to !== '' && ports[1] === undefined)
    ) {
      return commandError(`curl: --connect-to wants HOST1:PORT1:HOST2:PORT2, not "${entry}"`)
    }
    list.push({ host, port: ports[0], toHost, toPort: ports[1] })
  }
  return ok(list)
}

/** Where the connection for a URL goes: the first entry of --connect-to that fits its host and port, else where the URL says. */
export function connectedUrl(url: CurlUrl, entries: readonly ConnectTo[]): CurlUrl {
  const entry = entries.find((e) => (e.host === '' || e.host === url.host) && (e.port === undefined || e.port === url.port))
  if (entry === undefined) return url
  return { ...url, host: entry.toHost === '' ? url.host : entry.toHost, port: entry.toPort ?? url.port }
}
