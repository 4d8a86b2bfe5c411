import { ok, type Result } from '../../base/result.ts'
import { type CommandError, commandError, numberOption, type OptionSpec, parseOptions, portNumber } from './options.ts'

export type NcOptions = NcClient | NcServer

interface NcCommon {
  readonly udp: boolean
  readonly verbose: boolean
  readonly numeric: boolean
  /** -w, seconds. */
  readonly timeout: number | undefined
}

export interface NcClient extends NcCommon {
  readonly kind: 'client'
  readonly host: string
  /** -4 asks for A records alone. */
  readonly family: 'inet' | 'unspec'
  /** Every port to try, in order. */
  readonly ports: readonly number[]
  /** -z: only find out who listens. */
  readonly scan: boolean
  readonly sourcePort: number | undefined
  readonly source: string | undefined
  /** -N: FIN when the input ends. */
  readonly shutdown: boolean
  /** -q, seconds after the end of input. */
  readonly quitAfter: number | undefined
  readonly input: string | undefined
}

export interface NcServer extends NcCommon {
  readonly kind: 'server'
  readonly address: string | undefined
  readonly port: number
  /** -k: go on after the first connection. */
  readonly keep: boolean
  readonly input: string | undefined
}

const SPECS: readonly OptionSpec[] = [
  { name: 'listen', short: 'l' },
  { name: 'udp', short: 'u' },
  { name: 'zero', short: 'z' },
  { name: 'verbose', short: 'v' },
  { name: 'numeric', short: 'n' },
  { name: 'keep', short: 'k' },
  { name: 'shutdown', short: 'N' },
  { name: 'ipv4', short: '4' },
  { name: 'timeout', short: 'w', value: true },
  { name: 'quit', short: 'q', value: true },
  { name: 'port', short: 'p', value: true },
  { name: 'source', short: 's', value: true },
]

/** nc(1) of OpenBSD, as Debian ships it. What follows `--` is taken as standard input, one line. */
export function parseNc(argv: readonly string[], stdin: string | undefined): Result<NcOptions, CommandError> {
  const cut = argv.indexOf('--')
  const input = cut < 0 ? stdin : `${argv.slice(cut + 1).join(' ')}\n`
  const parsed = parseOptions('nc', cut < 0 ? argv : argv.slice(0, cut), SPECS)
  if (!parsed.ok) return parsed
  const options = parsed.value
  const timeout = numberOption('nc', options, { name: 'timeout', flag: '-w', min: 1, max: 2_000_000 })
  if (!timeout.ok) return timeout
  const quit = numberOption('nc', options, { name: 'quit', flag: '-q', min: 0, max: 2_000_000 })
  if (!quit.ok) return quit
  const own = options.value('port')
  if (own !== undefined && portNumber(own) === undefined) return commandError(`nc: port number invalid: ${own}`, 1)
  const common = {
    udp: options.has('udp'),
    verbose: options.has('verbose'),
    numeric: options.has('numeric'),
    timeout: timeout.value,
    input,
  }
  if (options.has('listen')) {
    const [a, b] = options.operands
    const port = portNumber(own ?? b ?? a ?? '')
    if (port === undefined) return commandError('nc: nc -l wants a port: nc -l [-p] PORT', 1)
    const address = own === undefined && b === undefined ? undefined : a
    return ok({ kind: 'server', ...common, address, port, keep: options.has('keep') })
  }
  const [host, range, ...more] = options.operands
  if (host === undefined || range === undefined || more.length > 0)
    return commandError('nc: usage: nc [options] HOST PORT[-PORT]', 1)
  const ports = parsePorts(range)
  if (!ports.ok) return ports
  return ok({
    kind: 'client',
    ...common,
    host,
    family: options.has('ipv4') ? 'inet' : 'unspec',
    ports: ports.value,
    scan: options.has('zero'),
    sourcePort: own === undefined ? undefined : portNumber(own),
    source: options.value('source'),
    shutdown: options.has('shutdown') || quit.value !== undefined,
    quitAfter: quit.value,
  })
}

/** `80` or `80-90` */
function parsePorts(text: string): Result<number[], CommandError> {
  const [a = '', b] = text.split('-')
  const from = portNumber(a)
  const to = b === undefined ? from : portNumber(b)
  if (from === undefined || to === undefined) return commandError(`nc: port number invalid: ${text}`, 1)
  const low = Math.min(from, to)
  return ok(Array.from({ length: Math.abs(to - from) + 1 }, (_, i) => low + i))
}
