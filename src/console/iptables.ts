import { type ListOptions, printIptablesList, printIptablesRules } from '../linux/iptables/list.ts'
import { isTableName } from '../linux/iptables/names.ts'
import { type Call, type CommandResult, type ConsoleCommand, failed, printed } from './command.ts'

const say = (message: string): string => `iptables v1.8.9 (legacy): ${message}\n`
const TRY = "Try `iptables -h' or 'iptables --help' for more information.\n"
const COMMANDS = new Set(['A', 'I', 'D', 'R', 'N', 'X', 'F', 'P', 'Z', 'E', 'C'])
const LONG: Readonly<Record<string, string>> = {
  '--list': '-L',
  '--list-rules': '-S',
  '--table': '-t',
  '--numeric': '-n',
  '--verbose': '-v',
  '--exact': '-x',
  '--line-numbers': '--line-numbers',
  '--line-number': '--line-numbers',
  '--wait': '-w',
}

/** Reading only: -L and -S. */
export const iptables: ConsoleCommand = {
  names: ['iptables', 'iptables-legacy', 'iptables-nft'],
  usage: 'iptables [-t TABLE] -L|-S [CHAIN [RULE]] [-n] [-v] [-x] [--line-numbers]',
  run(call) {
    const request = readArguments(call)
    if ('exitCode' in request) return request
    const { command, table, positional, options } = request
    if (command === undefined) return failed(say('no command specified') + TRY, 2)
    if (!isTableName(table)) {
      return failed(
        `${say(`can't initialize iptables table \`${table}': Table does not exist (do you need to insmod?)`)}Perhaps iptables or your kernel needs to be upgraded.\n`,
        3,
      )
    }
    const [chain, number] = positional
    if (number !== undefined && !/^[1-9]\d*$/.test(number)) return failed(say(`Invalid rule number \`${number}'`) + TRY, 2)
    const all: ListOptions = {
      ...options,
      ...(chain === undefined ? {} : { chain }),
      ...(number === undefined ? {} : { rule: Number(number) }),
    }
    const print = command === 'L' ? printIptablesList : printIptablesRules
    const text = print(call.view, call.netns, table, all)
    return text === undefined ? failed('iptables: No chain/target/match by that name.\n') : printed(text)
  },
}

interface Request {
  readonly command: 'L' | 'S' | undefined
  readonly table: string
  readonly positional: readonly string[]
  readonly options: ListOptions
}

function readArguments({ args }: Call): Request | CommandResult {
  let command: 'L' | 'S' | undefined
  let table = 'filter'
  const positional: string[] = []
  const options = { numeric: false, verbose: false, exact: false, lineNumbers: false }
  for (let i = 0; i < args.length; i++) {
    const [given = '', value] = (args[i] as string).startsWith('--') ? (args[i] as string).split('=') : [args[i] as string]
    const a = given.startsWith('--') ? (LONG[given] ?? given) : given
    if (a === '--line-numbers') options.lineNumbers = true
    else if (a === '--version' || a === '-V') return printed('iptables v1.8.9 (legacy)\n')
    else if (a.startsWith('--')) return failed(say(`unknown option "${a}"`) + TRY, 2)
    else if (/^-./.test(a)) {
      for (let k = 1; k < a.length; k++) {
        const f = a[k] as string
        if (f === 'L' || f === 'S') command = f
        else if (f === 'n') options.numeric = true
        else if (f === 'v') options.verbose = true
        else if (f === 'x') options.exact = true
        else if (f === 't') {
          table = a.slice(k + 1) || (value ?? args[++i] ?? '')
          k = a.length
        } else if (f === 'w') {
          if (/^\d+$/.test(args[i + 1] ?? '')) i++
        } else if (COMMANDS.has(f)) {
          return failed("Fatal: can't open lock file /run/xtables.lock: Read-only file system\n", 4)
        } else return failed(say(`unknown option "${a}"`) + TRY, 2)
      }
    } else positional.push(a)
  }
  return { command, table, positional, options }
}
