/** What a command did. 0: its work; 1: an `--expect` was not met; 2: bad input. */
export type ExitStatus = 0 | 1 | 2

export interface Io {
  out(text: string): void
  error(text: string): void
}

export interface Command {
  readonly name: string
  readonly usage: string
  readonly summary: string
  run(argv: readonly string[], io: Io): Promise<ExitStatus>
}

/** Bad usage: thrown inside a command, caught once in main.ts, printed as one line with the command's usage. */
export class UsageError extends Error {}
