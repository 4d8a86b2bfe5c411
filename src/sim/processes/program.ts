import type { Result } from '../../base/result.ts'
import type { Ipv4 } from '../../net/address.ts'
import type { CommandError } from './options.ts'
import type { Process } from './process.ts'

export interface Listening {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  readonly backlog: number
  /** All addresses when it is not said. */
  readonly address?: Ipv4
}

/** A program with its command line understood, ready to run. */
export interface Runnable {
  /** A client ends by itself; a server runs until the run ends. */
  readonly role: 'client' | 'server'
  /** What was decided for the user, in plain words: a default that the real program does not have. */
  readonly notes: readonly string[]
  /** The port that a server listens on, and others. */
  readonly listens?: Listening
  readonly alsoListens?: readonly Listening[]
  start(process: Process, cause: number): void
}

export interface Program {
  readonly name: string
  /** One line: what the program takes. */
  readonly usage: string
  /** `stdin` is what a pipe brings, undefined without one. */
  prepare(argv: readonly string[], stdin: string | undefined): Result<Runnable, CommandError>
}
