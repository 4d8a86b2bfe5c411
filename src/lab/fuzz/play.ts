import { run } from '../../sim/run.ts'
import { STEP } from '../../trace/columns.ts'
import { checkGrammar } from '../../trace/grammar.ts'
import { TraceReader } from '../../trace/reader.ts'
import type { World } from '../../world/world.ts'
import { type ComparableRun, engineRun } from '../compare/runs.ts'
import type { FuzzCase } from './case.ts'
import { caseWorld } from './world.ts'

/** What a command came to. */
export interface JourneyEnd {
  readonly exit: number
  readonly output: string
}

/** The engine's run of a case. */
export interface PlayedCase {
  readonly world: World
  readonly reader: TraceReader
  readonly run: ComparableRun
  readonly journeys: readonly JourneyEnd[]
  /** What the engine says it does not model, if a packet met it. */
  readonly undetermined: string | undefined
}

const MAX_STEPS = 100_000
/** What the driver waits after each command, and about what starting the next one takes. */
const PAUSE = 290_000_000

/** Throws where the trace breaks its grammar: a bug whatever the kernel does. */
export function playCase(c: FuzzCase): PlayedCase {
  const world = caseWorld(c)
  const reader = new TraceReader(run(world, c.journeys, { seed: c.seed, maxSteps: MAX_STEPS, pause: PAUSE }))
  const violations = checkGrammar(reader)
  if (violations.length > 0) throw new Error(`the trace breaks its grammar: ${violations.slice(0, 3).join('; ')}`)
  return {
    world,
    reader,
    run: engineRun(reader),
    journeys: reader.trace.journeys.map((j) => ({ exit: j.exitCode, output: j.output })),
    undetermined: reader.trace.truncated ?? undeterminedOf(reader),
  }
}

function undeterminedOf(reader: TraceReader): string | undefined {
  const { events: e, texts } = reader.trace
  for (let s = 0; s < e.length; s++) if (e.kind[s] === STEP.undetermined) return texts[e.a[s] ?? -1] ?? 'something'
  return undefined
}
