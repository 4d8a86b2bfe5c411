import { ok, type Result } from '../../base/result.ts'
import { type Ipv4, parseIpv4 } from '../../net/address.ts'
import { DNS_TYPES, dnsTypeOf } from '../../net/dns-message.ts'
import { reverseName } from '../../net/dns-name.ts'
import { type CommandError, commandError } from './options.ts'

/** What dig prints of a response. */
export interface DigShow {
  readonly cmd: boolean
  readonly comments: boolean
  readonly question: boolean
  readonly answer: boolean
  readonly authority: boolean
  readonly additional: boolean
  readonly stats: boolean
}

export interface DigLookup {
  readonly name: string
  readonly type: number
  /** As typed, or undefined for resolv.conf's. */
  readonly server: string | undefined
  readonly serverAddress: Ipv4 | undefined
  readonly show: DigShow
  readonly short: boolean
  readonly search: boolean
  readonly recurse: boolean
  readonly edns: boolean
  readonly cookie: boolean
  readonly adflag: boolean
  readonly tcp: boolean
  /** A truncated answer is taken as it is. */
  readonly ignore: boolean
  /** Seconds for one try. */
  readonly timeout: number
  /** The same over TCP. */
  readonly tcpTimeout: number
  readonly tries: number
  /** -b: the source port, 0 for any. */
  readonly sourcePort: number
  /** The command line as the greeting repeats it. */
  readonly words: readonly string[]
}

const SHOWN = { cmd: true, comments: true, question: true, answer: true, authority: true, additional: true, stats: true }
type Flag = keyof typeof SHOWN

interface State {
  readonly show: Record<Flag, boolean>
  short: boolean
  search: boolean
  recurse: boolean
  edns: boolean
  cookie: boolean
  adflag: boolean
  tcp: boolean
  ignore: boolean
  /** 0 where it is not given. */
  timeout: number
  tries: number
  sourcePort: number
}

/** dig(1) of BIND 9.18: one lookup on a command line. */
export function parseDig(argv: readonly string[]): Result<DigLookup, CommandError> {
  const s: State = {
    show: { ...SHOWN },
    short: false,
    search: false,
    recurse: true,
    edns: true,
    cookie: true,
    adflag: true,
    tcp: false,
    ignore: false,
    timeout: 0,
    tries: 3,
    sourcePort: 0,
  }
  let name: string | undefined
  let type: number | undefined
  let server: string | undefined
  const words = argv.slice(1)
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? ''
    if (word.startsWith('+')) {
      const wrong = plusOption(s, word.slice(1))
      if (wrong !== undefined) return commandError(`dig: ${wrong}`, 1)
    } else if (word.startsWith('@')) server = word.slice(1)
    else if (word === '-4') continue
    else if (/^-[txqpb]/.test(word)) {
      const value = word.length > 2 ? word.slice(2) : (words[++i] ?? '')
      const letter = word.charAt(1)
      if (letter === 't') type = dnsTypeOf(value)
      else if (letter === 'q') name = value
      else if (letter === 'b') {
        const port = /^0\.0\.0\.0#(\d{1,5})$/.exec(value)?.[1]
        if (port === undefined) return commandError(`dig: -b ${value}: only a port of all addresses is modelled, 0.0.0.0#PORT`, 1)
        s.sourcePort = Number(port)
      } else if (letter === 'x') {
        name = reverseName(value)
        type ??= DNS_TYPES.PTR
      } else if (value !== '53') return commandError(`dig: port ${value}: only port 53 is modelled`, 1)
      if (letter === 't' && type === undefined) return commandError(`dig: ;; Warning, ignoring invalid type ${value}`, 1)
    } else if (word.startsWith('-'))
      return commandError(`dig: unknown option ${word}; this dig knows -t -x -q -b -4 +short +search …`, 1)
    else if (word.toUpperCase() === 'IN') continue
    else if (type === undefined && name !== undefined && dnsTypeOf(word) !== undefined) type = dnsTypeOf(word)
    else if (
      name === undefined &&
      dnsTypeOf(word) !== undefined &&
      words[i + 1] !== undefined &&
      !/^[+@-]/.test(words[i + 1] ?? '')
    ) {
      type = dnsTypeOf(word)
    } else if (name === undefined) name = word
    else return commandError(`dig: one name only, not also "${word}"`, 1)
  }
  const address = server === undefined ? undefined : parseIpv4(server)
  return ok({
    ...s,
    // UDP_TIMEOUT and TCP_TIMEOUT of bin/dig/dig.h.
    timeout: s.timeout || 5,
    tcpTimeout: s.timeout || 10,
    name: name ?? '.',
    type: type ?? (name === undefined ? DNS_TYPES.NS : DNS_TYPES.A),
    server,
    serverAddress: address?.ok === true ? address.value : undefined,
    words,
  })
}

/** `short`, `nocomments`, `time=2`; answers what is wrong with one, undefined when it was taken. */
function plusOption(s: State, option: string): string | undefined {
  const [key = '', value] = option.split('=')
  const off = key.startsWith('no') && key !== 'noall'
  const name = off ? key.slice(2) : key
  if (name === 'all' || name === 'noall') {
    for (const flag of Object.keys(s.show) as Flag[]) s.show[flag] = name === 'all' && !off
    return undefined
  }
  if (name in SHOWN) {
    s.show[name as Flag] = !off
    return undefined
  }
  switch (name) {
    case 'short':
    case 'search':
    case 'edns':
    case 'cookie':
    case 'adflag':
    case 'tcp':
    case 'ignore':
      s[name] = !off
      return undefined
    case 'vc':
      s.tcp = !off
      return undefined
    case 'rec':
    case 'recurse':
      s.recurse = !off
      return undefined
    case 'time':
    case 'timeout':
      s.timeout = Math.max(1, Number(value) || 1)
      return undefined
    case 'tries':
      s.tries = Math.max(1, Number(value) || 1)
      return undefined
    case 'retry':
      s.tries = Math.max(0, Number(value) || 0) + 1
      return undefined
    default:
      return `+${option} is not modelled; there are +short +search +recurse +edns +cookie +adflag +tcp +ignore +time= +tries= +retry= +all and the sections`
  }
}
