import { printBrctlShow, printBrctlShowmacs } from '../linux/brctl.ts'
import { type ConsoleCommand, failed, printed } from './command.ts'

export const brctl: ConsoleCommand = {
  names: ['brctl'],
  usage: 'brctl show [BRIDGE] | showmacs BRIDGE',
  run({ view, netns, args }) {
    const [command, name] = args
    const known = view.list('device', netns).some((d) => d.name === name && d.link.kind === 'bridge')
    if (command === 'show') {
      if (name !== undefined && !known) return failed(`bridge ${name} does not exist!\n`)
      return printed(printBrctlShow(view, netns, name))
    }
    if (command === 'showmacs') {
      if (name === undefined)
        return failed('Incorrect number of arguments for command\nUsage: brctl showmacs <bridge>\t\tshow a list of mac addrs\n')
      if (!known) return failed(`read of forward table failed: No such device\n`)
      return printed(printBrctlShowmacs(view, netns, name))
    }
    return failed(
      command === undefined ? 'Usage: brctl [commands]\n' : `never heard of command [${command}]\nUsage: brctl [commands]\n`,
    )
  },
}
