// Small hand-recorded traces for tests of everything that reads one. Nothing of the page or the engine imports this.

export { recordServiceTrace, serviceWorld } from './testing/service-trace.ts'
export { Tape } from './testing/tape.ts'
export { ip } from './testing/world-builder.ts'
