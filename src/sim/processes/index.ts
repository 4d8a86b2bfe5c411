export { type Command, PROGRAMS, parseArgv, parseCommand, serverOf } from './command.ts'
export type { CommandError } from './options.ts'
export type { Exit, Resolve } from './process.ts'
export { type ProcessContext, type RunningProcess, resolveLocally, serverSockets, startProcess } from './start.ts'
