import type { WorldView } from '../world/world.ts'
import { brctl } from './brctl.ts'
import { bridge } from './bridge.ts'
import { cat } from './cat.ts'
import type { CommandResult, ConsoleCommand } from './command.ts'
import { conntrack } from './conntrack.ts'
import { FILTERS } from './filters.ts'
import { hostname } from './hostname.ts'
import { ip } from './ip.ts'
import { ipset } from './ipset.ts'
import { iptables } from './iptables.ts'
import { iptablesSave } from './iptables-save.ts'
import { ipvsadm } from './ipvsadm.ts'
import { kubectl } from './kubectl/kubectl.ts'
import { nameTools } from './name-tools.ts'
import { arp, route } from './net-tools.ts'
import { nft } from './nft.ts'
import { ss } from './ss.ts'
import { sysctl } from './sysctl.ts'
import { parseCommandLine } from './words.ts'

export type { CommandResult } from './command.ts'

const COMMANDS: readonly ConsoleCommand[] = [
  ip,
  bridge,
  brctl,
  route,
  arp,
  iptables,
  iptablesSave,
  nft,
  conntrack,
  ss,
  sysctl,
  ipset,
  ipvsadm,
  cat,
  hostname,
  kubectl,
  nameTools,
]
const BY_NAME = new Map(COMMANDS.flatMap((c) => c.names.map((name) => [name, c] as const)))

/**
 * Runs a command in a namespace (id `netns:…`) as it is at the view's moment: a command line, or its words. Reads only. Behind a pipe
 * may stand grep, head, tail, sort, uniq and wc. An unknown command gives the shell's own message and 127.
 */
export function execCommand(view: WorldView, netns: string, command: string | readonly string[]): CommandResult {
  if (typeof command !== 'string') return runOne(view, netns, command)
  const stages = parseCommandLine(command)
  if (!stages.ok) return { stdout: '', stderr: stages.error, exitCode: 2 }
  let result: CommandResult = { stdout: '', stderr: '', exitCode: 0 }
  let stderr = ''
  stages.value.forEach((stage, i) => {
    const filter = i === 0 ? undefined : FILTERS.get(stage.words[0] ?? '')
    result = filter ? filter(result.stdout, stage.words.slice(1)) : runOne(view, netns, stage.words)
    if (stage.stderr === 'terminal') stderr += result.stderr
    if (stage.stderr === 'stdout') result = { ...result, stdout: result.stderr + result.stdout }
    if (stage.stdout === 'discard') result = { ...result, stdout: '' }
  })
  return { ...result, stderr }
}

function runOne(view: WorldView, netns: string, given: readonly string[]): CommandResult {
  const words = given[0] === 'sudo' ? given.slice(1) : given
  const [path, ...args] = words
  if (path === undefined) return { stdout: '', stderr: '', exitCode: 0 }
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (name === 'help') return { stdout: help(), stderr: '', exitCode: 0 }
  const command = BY_NAME.get(name)
  if (command === undefined) return { stdout: '', stderr: `bash: ${path}: command not found\n`, exitCode: 127 }
  return command.run({ view, netns, name, args })
}

function help(): string {
  const lines = COMMANDS.map((c) => `  ${c.usage}\n`).join('')
  return `${lines}Behind a pipe: grep, head, tail, sort, uniq, wc. Everything reads the step that is shown and changes nothing.\n`
}
