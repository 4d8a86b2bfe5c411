import { type ArpOptions, printArp, printRouteN } from '../linux/net-tools.ts'
import { parseIpv4 } from '../net/address.ts'
import { type ConsoleCommand, failed, printed } from './command.ts'

export const route: ConsoleCommand = {
  names: ['route'],
  usage: 'route [-n]',
  run({ view, netns, args }) {
    if (args.some((a) => a === 'add' || a === 'del' || a === 'flush')) return failed('SIOCADDRT: Operation not permitted\n', 7)
    const unknown = args.find((a) => !/^-[n4eFv]+$/.test(a) && a !== '--numeric')
    if (unknown !== undefined) return failed(`route: unrecognized option '${unknown}'\n`, 4)
    return printed(
      printRouteN(
        view,
        netns,
        args.some((a) => a === '--numeric' || (a.startsWith('-') && a.includes('n'))),
      ),
    )
  },
}

export const arp: ConsoleCommand = {
  names: ['arp'],
  usage: 'arp [-n] [-a] [-i DEVICE] [ADDRESS]',
  run({ view, netns, args }) {
    const o: { -readonly [K in keyof ArpOptions]: ArpOptions[K] } = {}
    for (let i = 0; i < args.length; i++) {
      const a = args[i] as string
      if (a === '-i') o.device = args[++i] ?? ''
      else if (/^-[anve]+$/.test(a)) o.bsd = o.bsd || a.includes('a')
      else if (a === '-d' || a === '-s' || a === '--delete' || a === '--set')
        return failed('SIOCDARP(dontpub): Operation not permitted\n', 255)
      else if (a.startsWith('-')) return failed(`arp: invalid option -- '${a.slice(1)}'\n`, 4)
      else {
        const address = parseIpv4(a)
        if (!address.ok) return failed(`${a}: Unknown host\n`, 255)
        o.address = address.value
      }
    }
    return printed(printArp(view, netns, o))
  },
}
