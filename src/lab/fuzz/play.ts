import { run } from '../../sim/run.ts'
import { STEP } from '../../trace/columns.ts'
import { checkGrammar } from '../../trace/grammar.ts'
import { TraceReader } from '../../trace/reader.ts'
import type { World } from '../../world/world.ts'
import { type ComparableRun, engineRun } from '../compare/runs.ts'
import type { FuzzCase } from './case.ts'
import { drawsTwice } from './draws-twice.ts'
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
  /** Why no kernel can be made to do the same, if so. */
  readonly refused: string | undefined
}

/** STEP.socketData's direction. */
const RECEIVE = 1
const MAX_STEPS = 100_000
const MS = 1_000_000
/** About what starting a command takes, ns. */
const START = 40 * MS

/**
 * What the driver waits after each command, ns. Where neighbours are probed after a second, longer than that: whether the
 * timer comes before or after the end would hang on the machine's load.
 */
export function settleOf(c: FuzzCase): number {
  const soon = c.hosts.some((h) => h.sysctls['net.ipv4.neigh.default.delay_first_probe_time'] === '1')
  return soon ? 1600 * MS : 250 * MS
}

/** Throws where the trace breaks its grammar: a bug whatever the kernel does. */
export function playCase(c: FuzzCase): PlayedCase {
  const world = caseWorld(c)
  const reader = new TraceReader(
    run(world, c.journeys, { seed: c.seed, maxSteps: MAX_STEPS, oneCpu: true, pause: settleOf(c) + START }),
  )
  const violations = checkGrammar(reader)
  if (violations.length > 0) throw new Error(`the trace breaks its grammar: ${violations.slice(0, 3).join('; ')}`)
  return {
    world,
    reader,
    run: engineRun(reader),
    journeys: reader.trace.journeys.map((j) => ({ exit: j.exitCode, output: j.output })),
    undetermined: reader.trace.truncated ?? undeterminedOf(reader),
    refused: refusalOf(reader),
  }
}

/** More datagrams than the journeys of a case give one server cause for. */
const STORM = 60

function refusalOf(reader: TraceReader): string | undefined {
  if (drawsTwice(reader)) return 'a flow draws twice at `statistic --mode random`, which its source port cannot pin'
  const { events: e, refs } = reader.trace
  const received = new Map<number, number>()
  for (let s = 0; s < e.length; s++) {
    const socket = e.a[s] ?? -1
    if (e.kind[s] === STEP.socketData && e.b[s] === RECEIVE) received.set(socket, (received.get(socket) ?? 0) + 1)
  }
  const storm = [...received].some(([socket, n]) => {
    const record = n > STORM ? reader.versions.near(refs[socket] ?? '', e.length - 1) : undefined
    return record?.kind === 'socket' && record.protocol === 'udp'
  })
  return storm ? 'udp-echo answers itself without end: how often is the speed of the machine' : undefined
}

function undeterminedOf(reader: TraceReader): string | undefined {
  const { events: e, texts } = reader.trace
  for (let s = 0; s < e.length; s++) if (e.kind[s] === STEP.undetermined) return texts[e.a[s] ?? -1] ?? 'something'
  return undefined
}
