import { endpoint, type IpvsadmOptions, printIpvsadm, printIpvsadmConnections, printIpvsadmSave } from '../linux/ipvsadm.ts'
import type { IpvsServiceRecord } from '../world/records.ts'
import { type Call, type CommandResult, type ConsoleCommand, failed, printed } from './command.ts'

const PROTOCOLS: Readonly<Record<string, IpvsServiceRecord['protocol']>> = {
  '-t': 'tcp',
  '--tcp-service': 'tcp',
  '-u': 'udp',
  '--udp-service': 'udp',
  '--sctp-service': 'sctp',
}
const LIST: ReadonlySet<string> = new Set(['-L', '-l', '--list'])
const SAVE: ReadonlySet<string> = new Set(['-S', '--save'])
const WRITES: ReadonlySet<string> = new Set([
  ...['-A', '-E', '-D', '-C', '-R', '-a', '-e', '-d', '-Z'],
  ...['--add-service', '--edit-service', '--delete-service', '--clear', '--restore', '--add-server', '--edit-server'],
  ...['--delete-server', '--zero', '--set', '--start-daemon', '--stop-daemon'],
])
const TABLES: Readonly<Record<string, NonNullable<IpvsadmOptions['show']>>> = {
  '--stats': 'stats',
  '--persistent-conn': 'persistent',
  '--thresholds': 'thresholds',
}
/** Options that make no difference here: there are no names to resolve. */
const IGNORED: ReadonlySet<string> = new Set(['-n', '--numeric', '--sort'])
const TIMEOUTS = 'Timeout (tcp tcpfin udp): 900 120 300\n'

export const ipvsadm: ConsoleCommand = {
  names: ['ipvsadm'],
  usage: 'ipvsadm -Ln [-c] [--stats [--exact]|--persistent-conn|--thresholds|--timeout] [-t|-u|--sctp-service ADDR:PORT] | -Sn',
  run: (call) => {
    const asked = readArguments(call)
    return 'exitCode' in asked ? asked : answer(call, asked)
  },
}

interface Asked {
  command: 'list' | 'save'
  connections: boolean
  timeout: boolean
  unsorted: boolean
  exact: boolean
  show?: NonNullable<IpvsadmOptions['show']>
  service?: IpvsServiceRecord
}

/** `-Lnc` is `-L -n -c`. */
const apart = (args: readonly string[]): string[] =>
  args.flatMap((a) => (/^-[A-Za-z]{2,}$/.test(a) ? [...a.slice(1)].map((letter) => `-${letter}`) : [a]))

function readArguments({ view, netns, args }: Call): Asked | CommandResult {
  const asked: Asked = { command: 'list', connections: false, timeout: false, unsorted: false, exact: false }
  const words = apart(args)
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string
    const protocol = PROTOCOLS[word]
    const table = TABLES[word]
    if (WRITES.has(word)) return failed("Can't initialize ipvs: Permission denied (you must be root)\n", 255)
    if (LIST.has(word)) asked.command = 'list'
    else if (SAVE.has(word)) asked.command = 'save'
    else if (word === '-c' || word === '--connection') asked.connections = true
    else if (word === '--timeout') asked.timeout = true
    else if (word === '--nosort') asked.unsorted = true
    else if (word === '--exact') asked.exact = true
    else if (table !== undefined) asked.show = table
    else if (protocol !== undefined) {
      const given = words[++i] ?? ''
      const at = endpoint(given)
      if (at === undefined) return failed(`illegal virtual server address[:port] specified\n`, 2)
      const found = view
        .list('ipvs-service', netns)
        .find((s) => s.protocol === protocol && s.address === at.address && s.port === at.port)
      if (found === undefined) return failed('No such service\n')
      asked.service = found
    } else if (word === '--rate') return failed('ipvsadm: rates over time are not kept here; --stats has the sums\n')
    else if (!IGNORED.has(word)) return failed(`ipvsadm: unrecognized option '${word}'\n`, 2)
  }
  return asked
}

function answer({ view, netns }: Call, asked: Asked): CommandResult {
  if (asked.command === 'save') return printed(printIpvsadmSave(view, netns))
  if (asked.timeout) return printed(TIMEOUTS)
  if (asked.connections) return printed(printIpvsadmConnections(view, netns))
  const { show, service, unsorted, exact } = asked
  return printed(
    printIpvsadm(view, netns, {
      unsorted,
      exact,
      ...(show === undefined ? {} : { show }),
      ...(service === undefined ? {} : { service }),
    }),
  )
}
