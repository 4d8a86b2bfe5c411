import type { WorldView } from '../world/world.ts'

/** What a command left: two streams and the exit status, as a shell has them. */
export interface CommandResult {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number
}

/** One moment, one namespace (id `netns:…`), the words after the command's name. */
export interface Call {
  readonly view: WorldView
  readonly netns: string
  /** The command's own name, as it was called. */
  readonly name: string
  readonly args: readonly string[]
}

export interface ConsoleCommand {
  readonly names: readonly string[]
  /** For `help`. */
  readonly usage: string
  readonly run: (call: Call) => CommandResult
}

export const printed = (stdout: string): CommandResult => ({ stdout, stderr: '', exitCode: 0 })
export const failed = (stderr: string, exitCode = 1): CommandResult => ({ stdout: '', stderr, exitCode })

/** What a recorded moment answers to a command that would change it: the kernel's EPERM, in iproute2's words. */
export const NOT_PERMITTED = failed('RTNETLINK answers: Operation not permitted\n', 2)
