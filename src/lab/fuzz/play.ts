import { run } from '../../sim/run.ts'
import { STEP } from '../../trace/columns.ts'
import { checkGrammar } from '../../trace/grammar.ts'
import { TraceReader } from '../../trace/reader.ts'
import { PROCESS_EVENTS } from '../../trace/step.ts'
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
  /** What the driver waits after each command, ns. */
  readonly settles: readonly number[]
}

/** STEP.socketData's direction. */
const RECEIVE = 1
const MAX_STEPS = 100_000
const MS = 1_000_000
/** About what starting a command takes, ns. */
const START = 40 * MS

/** How late the kernel's timers may be that commands of a few seconds set (timer-wheel.ts), ns. */
const LATE = 300 * MS
/** What reading the tables takes at most, in which a capture goes on, ns. */
const READING = 100 * MS
/** How often the end is put off for a timer. */
const PUT_OFF = 12

/**
 * What the driver waits after a command at least, ns. Where neighbours are probed after a second, longer than that: whether the
 * timer comes before or after the end would hang on the machine's load.
 */
function settleOf(c: FuzzCase): number {
  const soon = c.hosts.some((h) => h.sysctls['net.ipv4.neigh.default.delay_first_probe_time'] === '1')
  return soon ? 1600 * MS : 250 * MS
}

/** Throws where the trace breaks its grammar: a bug whatever the kernel does. */
export function playCase(c: FuzzCase): PlayedCase {
  const world = caseWorld(c)
  const { reader, rest } = playToRest(c, world)
  const violations = checkGrammar(reader)
  if (violations.length > 0) throw new Error(`the trace breaks its grammar: ${violations.slice(0, 3).join('; ')}`)
  return {
    world,
    reader,
    run: engineRun(reader),
    journeys: reader.trace.journeys.map((j) => ({ exit: j.exitCode, output: j.output })),
    undetermined: reader.trace.truncated ?? undeterminedOf(reader),
    refused: refusalOf(reader),
    settles: settlesOf(c, reader, rest),
  }
}

/**
 * The end of a run is kept clear of timers: where one goes off shortly before it, the kernel's may be too late for it. `rest`: ns
 * between the last command's end and the run's, less what starting a command takes.
 */
function playToRest(c: FuzzCase, world: World): { readonly reader: TraceReader; readonly rest: number } {
  const pause = settleOf(c) + START
  const play = (rest: number) =>
    new TraceReader(run(world, c.journeys, { seed: c.seed, maxSteps: MAX_STEPS, oneCpu: true, pause, rest }))
  const usual = play(pause)
  const exit = exitsOf(usual).at(-1)
  const restEnd = usual.timeOf(usual.trace.journeys.at(-1)?.last ?? 0)
  const last = (reader: TraceReader) => reader.timeOf(reader.length - 1)
  if (exit === undefined || last(usual) <= exit + settleOf(c) - LATE / 2 || usual.trace.truncated !== undefined) {
    return { reader: usual, rest: settleOf(c) }
  }
  for (let i = 1; i <= PUT_OFF; i++) {
    const reader = play(pause + i * (LATE / 2))
    const end = restEnd + pause + i * (LATE / 2)
    if (last(reader) <= end - READING - LATE) return { reader, rest: end - READING - exit }
  }
  return { reader: usual, rest: settleOf(c) }
}

const EXIT = PROCESS_EVENTS.indexOf('exit')

/** When each command ended, virtual ns; undefined of one that did not. */
function exitsOf(reader: TraceReader): (number | undefined)[] {
  const { events: e, refs, journeys } = reader.trace
  const at = new Map<string, number>()
  for (let s = 0; s < e.length; s++) if (e.kind[s] === STEP.process && e.b[s] === EXIT) at.set(refs[e.a[s] ?? -1] ?? '', s)
  return journeys.map((j) => {
    const seq = at.get(j.process)
    return seq === undefined ? undefined : reader.timeOf(seq)
  })
}

/** What the driver waits for the next command to begin when it does in the engine, which lets what is on its way come to rest first. */
function settlesOf(c: FuzzCase, reader: TraceReader, rest: number): number[] {
  const exits = exitsOf(reader)
  return reader.trace.journeys.map((_, i) => {
    const next = reader.trace.journeys[i + 1]
    const exit = exits[i]
    if (next === undefined) return Math.max(settleOf(c), rest)
    return exit === undefined ? settleOf(c) : Math.max(settleOf(c), reader.timeOf(next.first) - exit - START)
  })
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
