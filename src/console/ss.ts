import { printSs, type SsOptions } from '../linux/ss.ts'
import { type ConsoleCommand, failed, printed } from './command.ts'

const LONG: Readonly<Record<string, string>> = {
  '--tcp': 't',
  '--udp': 'u',
  '--raw': 'w',
  '--listening': 'l',
  '--all': 'a',
  '--numeric': 'n',
  '--processes': 'p',
  '--no-header': 'H',
  '--ipv4': '4',
  '--ipv6': '6',
}
/** Details that are not modelled and add nothing here. */
const IGNORED = 'emioSOKZz'

export const ss: ConsoleCommand = {
  names: ['ss'],
  usage: 'ss [-t] [-u] [-w] [-l|-a] [-n] [-p] [-H] [-4]',
  run({ view, netns, args }) {
    const flags = new Set<string>()
    for (const a of args) {
      if (LONG[a] !== undefined) flags.add(LONG[a])
      else if (/^-[a-zA-Z0-9]+$/.test(a)) for (const f of a.slice(1)) flags.add(f)
      else if (a.startsWith('-')) return failed(`ss: unrecognized option '${a}'\n`, 255)
      else return failed(`Error: an inet prefix is expected rather than "${a}".\n`, 255)
    }
    const unknown = [...flags].find((f) => !`tuwlanpH46x${IGNORED}`.includes(f))
    if (unknown !== undefined) return failed(`ss: invalid option -- '${unknown}'\n`, 255)
    if (flags.has('6') && !flags.has('4')) return printed('')
    const named = (['tcp', 'udp', 'raw'] as const).filter((p) => flags.has({ tcp: 't', udp: 'u', raw: 'w' }[p]))
    const protocols: SsOptions['protocols'] = new Set(named.length === 0 ? (['tcp', 'udp', 'raw'] as const) : named)
    return printed(
      printSs(view, netns, {
        protocols,
        which: flags.has('a') ? 'all' : flags.has('l') ? 'listening' : 'connected',
        numeric: flags.has('n'),
        processes: flags.has('p'),
        noHeader: flags.has('H'),
      }),
    )
  },
}
