import { type CommandResult, type ConsoleCommand, failed, printed } from './command.ts'
import { ipAddr, ipLink } from './ip-addr.ts'
import { ipNeigh } from './ip-neigh.ts'
import { ipRoute } from './ip-route.ts'
import { ipRule } from './ip-rule.ts'
import type { IpCall, IpFlags } from './ip-words.ts'

/** Objects in the order in which ip tries them: an abbreviation means the first that it begins (ip/ip.c cmds). */
const OBJECTS: readonly (readonly [string, (call: IpCall) => CommandResult])[] = [
  ['address', ipAddr],
  ['maddress', () => printed('')],
  ['route', ipRoute],
  ['rule', ipRule],
  ['neighbor', ipNeigh],
  ['neighbour', ipNeigh],
  ['link', ipLink],
  ['tunnel', () => printed('')],
  ['netns', () => printed('')],
]
const HELP = `Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }
where  OBJECT := { address | link | neighbour | route | rule }
       OPTIONS := { -s[tatistics] | -d[etails] | -4 | -6 | -o[neline] | -br[ief] }
`

export const ip: ConsoleCommand = {
  names: ['ip'],
  usage:
    'ip [-s] [-d] [-4] [-o] [-br] addr|link|route|rule|neigh [show …] | route get ADDRESS [from ADDRESS] [iif DEVICE] [oif DEVICE] [mark N]',
  run({ view, netns, args }) {
    const flags: { -readonly [K in keyof IpFlags]: IpFlags[K] } = {
      details: false,
      brief: false,
      oneline: false,
      statistics: false,
      family: 'any',
    }
    let i = 0
    for (; args[i]?.startsWith('-'); i++) {
      const a = (args[i] as string).replace(/^--/, '-')
      if (a === '-4') flags.family = 'inet'
      else if (a === '-6') flags.family = 'inet6'
      else if (a === '-0') flags.family = 'link'
      else if (/^-s+$/.test(a) || is(a, '-statistics') || is(a, '-stats')) flags.statistics = true
      else if (is(a, '-details')) flags.details = true
      else if (is(a, '-oneline')) flags.oneline = true
      else if (a.length > 2 && is(a, '-brief')) flags.brief = true
      else if (is(a, '-Version')) return printed('ip utility, iproute2-6.1.0, libbpf 1.1.0\n')
      else if (
        is(a, '-color') ||
        a.startsWith('-c=') ||
        a.startsWith('-color=') ||
        is(a, '-numeric') ||
        is(a, '-human') ||
        is(a, '-resolve')
      )
        continue
      else if (is(a, '-family')) {
        const family = args[++i]
        flags.family = family === 'inet' || family === 'inet6' ? family : 'any'
      } else if (is(a, '-help')) return failed(HELP, 255)
      else return failed(`Option "${a}" is unknown, try "ip -help".\n`, 255)
    }
    const [object, ...words] = args.slice(i)
    if (object === undefined) return failed(HELP, 255)
    if (object === 'help') return failed(HELP, 255)
    const found = OBJECTS.find(([name]) => name.startsWith(object))
    if (found === undefined) return failed(`Object "${object}" is unknown, try "ip help".\n`, 255)
    return found[1]({ view, netns, flags, words })
  },
}

const is = (given: string, option: string): boolean => given.length > 1 && option.startsWith(given)
