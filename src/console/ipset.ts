import { printIpsetList, printIpsetSave } from '../linux/ipset.ts'
import { type ConsoleCommand, failed, printed } from './command.ts'

export const ipset: ConsoleCommand = {
  names: ['ipset'],
  usage: 'ipset list|save [SET] [-n|-t]',
  run({ view, netns, args }) {
    const options = args.filter((a) => a.startsWith('-') && a.length <= 2)
    const [command = 'help', name, ...rest] = args.filter((a) => !options.includes(a))
    if (rest.length > 0) return failed(`ipset v7.17: Unknown argument: \`${rest[0]}'\nTry \`ipset help' for more information.\n`)
    const known = view.list('ipset', netns).some((s) => s.name === name)
    const listing = ['list', '-L', '--list'].includes(command) || options.includes('-L')
    const saving = ['save', '-S', '--save'].includes(command) || options.includes('-S')
    if (!listing && !saving) {
      const writes = ['add', 'del', 'create', 'destroy', 'flush', 'rename', 'swap', 'restore', 'test'].includes(command)
      return failed(
        writes
          ? 'ipset v7.17: Kernel error received: Operation not permitted\n'
          : `ipset v7.17: No command specified: unknown argument ${command}\nTry \`ipset help' for more information.\n`,
      )
    }
    if (name !== undefined && !known) return failed('ipset v7.17: The set with the given name does not exist\n')
    if (saving) return printed(printIpsetSave(view, netns, name))
    return printed(
      printIpsetList(view, netns, {
        ...(name === undefined ? {} : { name }),
        namesOnly: options.includes('-n'),
        terse: options.includes('-t'),
      }),
    )
  },
}
