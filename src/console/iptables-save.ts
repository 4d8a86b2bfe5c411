import { isTableName } from '../linux/iptables/names.ts'
import { printIptablesSave } from '../linux/iptables/save.ts'
import { type ConsoleCommand, failed, printed } from './command.ts'

export const iptablesSave: ConsoleCommand = {
  names: ['iptables-save', 'iptables-legacy-save', 'iptables-nft-save'],
  usage: 'iptables-save [-c] [-t TABLE]',
  run({ view, netns, args }) {
    let counters = false
    let table: string | undefined
    for (let i = 0; i < args.length; i++) {
      const a = args[i] as string
      if (a === '-c' || a === '--counters') counters = true
      else if (a === '-t' || a === '--table') table = args[++i] ?? ''
      else if (a.startsWith('--table=')) table = a.slice('--table='.length)
      else if (a.startsWith('-t') && a.length > 2) table = a.slice(2)
      else return failed(`Unknown arguments found on commandline\nTry \`iptables-save -h' for more information.\n`)
    }
    if (table === undefined) return printed(printIptablesSave(view, netns, { counters }))
    if (!isTableName(table)) {
      return failed('iptables-save v1.8.9 (legacy): Cannot initialize: Table does not exist (do you need to insmod?)\n')
    }
    return printed(printIptablesSave(view, netns, { counters, table }))
  },
}
