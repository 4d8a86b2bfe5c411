import { type Command, type Io, UsageError } from './command.ts'
import { debugCommand } from './debug-command.ts'
import { execCliCommand } from './exec-command.ts'
import { kubeProxyCommand } from './kube-proxy-command.ts'
import { labCommand } from './lab-command.ts'
import { linkCommand } from './link-command.ts'
import { traceCommand } from './trace-command.ts'

const COMMANDS: readonly Command[] = [traceCommand, execCliCommand, labCommand, kubeProxyCommand, debugCommand, linkCommand]

const help = (): string =>
  [
    'hopscope: how a packet travels through a Kubernetes cluster',
    '',
    ...COMMANDS.flatMap((c) => [`  hopscope ${c.usage}`, `      ${c.summary}`]),
    '',
    'FILE is a scenario document or Kubernetes manifests (YAML or JSON), - for standard input, or library:ID.',
    'Exit status: 0 done, 1 an --expect was not met, 2 bad input.',
    '',
  ].join('\n')

/** The whole program but its process: `argv` after the program's name; the exit status comes back. */
export async function hopscope(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = argv
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    io.out(help())
    return name === undefined ? 2 : 0
  }
  const command = COMMANDS.find((c) => c.name === name)
  if (command === undefined) {
    io.error(`hopscope: unknown command ${name}; expected ${COMMANDS.map((c) => c.name).join(', ')}\n`)
    return 2
  }
  try {
    return await command.run(rest, io)
  } catch (e) {
    // parseArgs refuses unknown options with a TypeError of its own code.
    const usage =
      e instanceof UsageError || (e instanceof TypeError && 'code' in e && String(e.code).startsWith('ERR_PARSE_ARGS'))
    if (!usage) throw e
    io.error(`hopscope ${name}: ${e.message}\nusage: hopscope ${command.usage}\n`)
    return 2
  }
}
