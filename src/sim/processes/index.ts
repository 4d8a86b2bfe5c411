export { parseArgv, parseCommand } from './command.ts'
export type { Exit } from './process.ts'
export { serverSockets, startProcess } from './start.ts'
