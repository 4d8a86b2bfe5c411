import { ok, type Result } from '../../base/result.ts'
import type { PathMtuDiscovery } from '../../kernel/sockets/index.ts'
import { type CommandError, commandError, numberOption, type OptionSpec, parseOptions } from './options.ts'

export interface PingOptions {
  readonly destination: string
  readonly count: number
  /** -c was given. */
  readonly countGiven: boolean
  /** Payload bytes. */
  readonly size: number
  /** Seconds. */
  readonly interval: number
  readonly linger: number
  readonly deadline: number | undefined
  readonly ttl: number | undefined
  readonly tos: number | undefined
  readonly discovery: PathMtuDiscovery
  /** Device name or address. */
  readonly interface: string | undefined
  readonly quiet: boolean
  /** -n: no names for addresses. */
  readonly numeric: boolean
  /** -4 asks for A records alone. */
  readonly family: 'inet' | 'unspec'
}

const SPECS: readonly OptionSpec[] = [
  { name: 'count', short: 'c', value: true },
  { name: 'interval', short: 'i', value: true },
  { name: 'size', short: 's', value: true },
  { name: 'timeout', short: 'W', value: true },
  { name: 'deadline', short: 'w', value: true },
  { name: 'ttl', short: 't', value: true },
  { name: 'tos', short: 'Q', value: true },
  { name: 'pmtudisc', short: 'M', value: true },
  { name: 'interface', short: 'I', value: true },
  { name: 'numeric', short: 'n' },
  { name: 'quiet', short: 'q' },
  { name: 'verbose', short: 'v' },
  { name: 'ipv4', short: '4' },
]

/** A journey has to end: what a person would stop with Ctrl-C is stopped after this many probes. */
export const DEFAULT_COUNT = 4
/** MAXWAIT: how long the last probe of a ping without any answer is waited for, seconds. */
const MAXWAIT = 10

/** ping(8) of iputils. */
export function parsePing(argv: readonly string[]): Result<PingOptions, CommandError> {
  const parsed = parseOptions('ping', argv, SPECS)
  if (!parsed.ok) return parsed
  const options = parsed.value
  const [destination, ...more] = options.operands
  if (destination === undefined) return commandError('ping: usage error: Destination address required')
  if (more.length > 0) return commandError(`ping: one destination only, not also "${more[0]}" (source routes are not modelled)`)
  const number = (name: string, flag: string, min: number, max: number, fraction = false) =>
    numberOption('ping', options, { name, flag, min, max, fraction })
  const count = number('count', '-c', 1, 100_000)
  if (!count.ok) return count
  const size = number('size', '-s', 0, 65507)
  if (!size.ok) return size
  const interval = number('interval', '-i', 0.001, 86_400, true)
  if (!interval.ok) return interval
  const linger = number('timeout', '-W', 0.001, 86_400, true)
  if (!linger.ok) return linger
  const deadline = number('deadline', '-w', 1, 86_400)
  if (!deadline.ok) return deadline
  const ttl = number('ttl', '-t', 1, 255)
  if (!ttl.ok) return ttl
  const tos = number('tos', '-Q', 0, 255)
  if (!tos.ok) return tos
  const discovery = options.value('pmtudisc') ?? 'want'
  if (discovery !== 'do' && discovery !== 'want' && discovery !== 'dont') {
    return commandError(`ping: invalid -M argument: ${discovery}; it is do, want or dont`)
  }
  return ok({
    destination,
    count: count.value ?? (deadline.value === undefined ? DEFAULT_COUNT : Number.POSITIVE_INFINITY),
    countGiven: count.value !== undefined || deadline.value !== undefined,
    size: size.value ?? 56,
    interval: interval.value ?? 1,
    linger: linger.value ?? MAXWAIT,
    deadline: deadline.value,
    ttl: ttl.value,
    tos: tos.value,
    discovery,
    interface: options.value('interface'),
    quiet: options.has('quiet'),
    numeric: options.has('numeric'),
    family: options.has('ipv4') ? 'inet' : 'unspec',
  })
}
