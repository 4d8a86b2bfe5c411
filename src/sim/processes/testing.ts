import type { SocketsApi } from '../../kernel/sockets/index.ts'
import type { TestHost, TestWire } from '../../kernel/sockets/testing.ts'
import type { Namespace } from '../../kernel/types.ts'
import { parseCommand } from './command.ts'
import type { Exit } from './process.ts'
import { type RunningProcess, startProcess } from './start.ts'

export interface Shell {
  readonly process: RunningProcess
  exit: Exit | undefined
}

/** Starts a command on a host of a test wire. Throws on a command that is not understood. */
export function start(host: TestHost & { ns: Namespace; sockets: SocketsApi }, run: string): Shell {
  const command = parseCommand(run)
  if (!command.ok) throw new Error(command.error.message)
  const state: { exit: Exit | undefined } = { exit: undefined }
  const process = startProcess({
    ns: host.ns,
    sockets: host.sockets,
    command: command.value,
    cause: -1,
    onExit: (e) => {
      state.exit = e
    },
  })
  return {
    process,
    get exit() {
      return state.exit
    },
    set exit(e) {
      state.exit = e
    },
  }
}

/** Runs a command to its end, 2000 virtual seconds at most: what the terminal shows, and the exit code. */
export function shell(
  wire: TestWire,
  host: TestHost,
  run: string,
): { output: string; code: number | undefined; exit: Exit | undefined } {
  const s = start(host, run)
  for (let i = 0; i < 20_000 && s.exit === undefined; i++) wire.run(100_000_000)
  return { output: s.process.output, code: s.exit?.exitCode, exit: s.exit }
}
