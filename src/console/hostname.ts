import { formatIpv4 } from '../net/address.ts'
import { type ConsoleCommand, failed, printed } from './command.ts'

/** A pod's host name is its own, a node's is the node's; `-i` and `-I` print the addresses that are not on lo. */
export const hostname: ConsoleCommand = {
  names: ['hostname'],
  usage: 'hostname [-i|-I]',
  run({ view, netns, args }) {
    const record = view.get('netns', netns)
    const name = record?.name ?? netns.slice('netns:'.length)
    if (args.length === 0) return printed(`${name.slice(name.lastIndexOf('/') + 1)}\n`)
    if (args[0] === '-i' || args[0] === '-I') {
      const addresses = view.list('address', netns).filter((a) => a.scope === 'global')
      return printed(`${addresses.map((a) => formatIpv4(a.address)).join(' ')}${args[0] === '-I' ? ' ' : ''}\n`)
    }
    return failed(
      args[0]?.startsWith('-')
        ? `hostname: invalid option -- '${args[0].slice(1)}'\n`
        : 'hostname: you must be root to change the host name\n',
    )
  },
}
