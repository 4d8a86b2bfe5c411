import { prng } from '../base/prng.ts'
import { boot, shelvesOf } from '../kernel/boot.ts'
import type { NetKernel } from '../kernel/kernel.ts'
import type { NetworkNamespace } from '../kernel/namespace.ts'
import { TraceRecorder } from '../trace/recorder.ts'
import type { JourneyResult, JourneyVerdict, Trace } from '../trace/trace.ts'
import type { PortalChange, WorldChange } from '../world/changes.ts'
import type { ProcessId } from '../world/ids.ts'
import type { ProcessRecord } from '../world/records.ts'
import type { World } from '../world/world.ts'
import { applyChange } from './apply-change.ts'
import { type Exit, parseArgv, parseCommand, startProcess } from './processes/index.ts'
import type { RunningProcess } from './processes/start.ts'
import { EventQueue } from './queue.ts'
import { startingWorld } from './starting-world.ts'
import { decided } from './verdict.ts'

/** One command to run: `from` is a namespace's name (`pod/client`, `node1`). */
export interface JourneyCommand {
  readonly from: string
  readonly container?: string
  readonly run: string
}

export interface RunOptions {
  readonly seed: number
  /** Virtual ns between one journey's rest and the next one's start: what a shell and its pauses take (1 ms). */
  readonly pause?: number
  /** The same after the last journey, where that is another time. */
  readonly rest?: number
  /** All machines share one CPU, as in a lab: a woken process runs when no frame is on its way. */
  readonly oneCpu?: boolean
  /** The run is cut short, and says so, at this many steps. */
  readonly maxSteps?: number
  /** What changes around the packets, in the order of journeys and of time. */
  readonly changes?: readonly WorldChange[]
  /** Called every few thousand steps; answering false cuts the run short. */
  readonly onProgress?: (steps: number) => boolean | undefined
}

const MAX_STEPS = 5_000_000
const PROGRESS_EVERY = 8192
const MS = 1_000_000
/** Programs that do nothing by themselves. */
const PASSIVE: ReadonlySet<string> = new Set(['httpd', 'udp-echo'])
const isPassive = (r: ProcessRecord): boolean => r.state === 'running' && PASSIVE.has(r.argv[0] ?? '')
/** Between one journey's rest and the next one's start. */
const PAUSE = 1 * MS
/** After a command has ended, what it left on the wire gets this long to come to rest. */
const SETTLE = 200 * MS

/**
 * Runs the journeys one after the other and records everything. Same world, journeys and seed, same trace.
 * A journey that cannot begin (no such place, an unknown command) has no steps, and its result says why.
 */
export function run(world: World, journeys: readonly JourneyCommand[], options: RunOptions): Trace {
  return new Run(world, options).all(journeys)
}

class Run {
  readonly #rec: TraceRecorder
  readonly #queue: EventQueue
  readonly #kernel: NetKernel
  readonly #options: RunOptions
  readonly #servers = new Map<ProcessId, RunningProcess>()
  /** Changes of this journey that have not come yet. */
  #coming = 0
  #nextReport = PROGRESS_EVERY
  #truncated: string | undefined

  constructor(world: World, options: RunOptions) {
    this.#options = options
    this.#queue = new EventQueue(options.oneCpu)
    this.#rec = new TraceRecorder(startingWorld(world))
    this.#kernel = boot(this.#rec, prng(options.seed), this.#queue)
    this.#startServers()
  }

  all(journeys: readonly JourneyCommand[]): Trace {
    const results: JourneyResult[] = []
    for (const [index, journey] of journeys.entries()) {
      if (this.#truncated !== undefined) break
      results.push(this.#journey(journey, index))
      const { pause = PAUSE, rest = pause } = this.#options
      this.#idle(index === journeys.length - 1 ? rest : pause)
    }
    const trace = this.#rec.seal(results, this.#truncated)
    return { ...trace, journeys: results.map((j) => ({ ...j, verdict: decided(trace, j) })) }
  }

  /** What only answers may wait until somebody asks: of a large cluster nearly all servers are never asked. */
  #startServers(): void {
    const shelves = shelvesOf(this.#rec.initial)
    const passive = (ns: NetworkNamespace) => {
      for (const r of shelves.get(ns.record.id)?.list('process') ?? []) {
        if (isPassive(r)) ns.whenSockets(() => this.#serve(r, -1))
      }
    }
    for (const ns of [...this.#kernel.namespaces.values()]) passive(ns)
    this.#kernel.onUp = passive
    for (const shelf of shelves.values()) {
      for (const r of shelf.list('process')) if (r.state === 'running' && !isPassive(r)) this.#serve(r, -1)
    }
  }

  #serve(record: ProcessRecord, cause: number): void {
    const ns = this.#kernel.namespaces.get(record.netns.slice('netns:'.length))
    const command = parseArgv(record.argv)
    // What is no program of ours (a pause container, an imported daemon) just stands there.
    if (ns === undefined || !command.ok) return
    this.#servers.set(record.id, startProcess({ ns, sockets: ns.sockets, command: command.value, record, cause }))
  }

  #kill(process: ProcessId, cause: number): void {
    const record = this.#rec.world.get(process)
    // One that nobody has asked for anything yet begins here.
    if (record?.kind === 'process') void this.#kernel.namespaces.get(record.netns.slice('netns:'.length))?.sockets
    this.#servers.get(process)?.kill(cause)
  }

  #stop(process: ProcessId, cause: number): void {
    const record = this.#rec.world.get(process)
    if (record?.kind === 'process') void this.#kernel.namespaces.get(record.netns.slice('netns:'.length))?.sockets
    this.#servers.get(process)?.stop(cause)
  }

  /** The changes of a journey come at their times. Those of its very beginning come before its command. */
  #schedule(journey: number): void {
    const host = {
      kernel: this.#kernel,
      serve: (record: ProcessRecord, cause: number) => this.#serve(record, cause),
      kill: (process: ProcessId, cause: number) => this.#kill(process, cause),
      stop: (process: ProcessId, cause: number) => this.#stop(process, cause),
      portals: (change: PortalChange, cause: number) => this.#servers.get(change.process)?.portals(change, cause),
    }
    for (const change of this.#options.changes ?? []) {
      if (change.journey !== journey) continue
      if (change.at === 0) {
        applyChange(change, host)
        continue
      }
      this.#coming++
      this.#queue.schedule(change.at, () => {
        this.#coming--
        applyChange(change, host)
      })
    }
  }

  #journey(journey: JourneyCommand, index: number): JourneyResult {
    const first = this.#rec.last + 1
    this.#schedule(index)
    const ns = this.#kernel.namespaces.get(journey.from)
    if (ns === undefined) return refused(journey, first, `there is no ${journey.from} here`)
    const command = parseCommand(journey.run)
    if (!command.ok) return refused(journey, first, command.error.message)
    let exit: Exit | undefined
    const container = journey.container ?? ns.record.containers?.find((c) => c.name !== 'pause')?.name
    const process = startProcess({
      ns,
      sockets: ns.sockets,
      command: command.value,
      ...(container === undefined ? {} : { container }),
      cause: -1,
      onExit: (e) => {
        exit = e
      },
    })
    this.#until(() => exit !== undefined && this.#coming === 0)
    const rest = this.#queue.now + SETTLE
    this.#until(() => this.#queue.inFlight === 0 && (this.#queue.peek() ?? Number.POSITIVE_INFINITY) > rest)
    // Without an exit the network is at rest and the command waits for something that cannot come, or the run was cut short.
    const waiting: JourneyVerdict =
      this.#truncated === undefined ? { kind: 'failed', error: 'no answer' } : { kind: 'undetermined', what: this.#truncated }
    return {
      from: journey.from,
      run: journey.run,
      process: process.id,
      first,
      last: this.#rec.last,
      exitCode: exit?.exitCode ?? -1,
      output: process.output,
      notes: command.value.runnable.notes,
      verdict: exit?.verdict ?? waiting,
    }
  }

  /** Runs events until `done` or there are none left. */
  #until(done: () => boolean): void {
    const { maxSteps = MAX_STEPS, onProgress } = this.#options
    const queue = this.#queue
    const rec = this.#rec
    while (!done() && this.#truncated === undefined) {
      const time = queue.peek()
      if (time === undefined) return
      rec.now = time
      queue.step()
      if (rec.last >= maxSteps) this.#truncated = `it took more than ${maxSteps} steps`
      if (rec.last >= this.#nextReport) {
        this.#nextReport = rec.last + PROGRESS_EVERY
        if (onProgress?.(rec.last + 1) === false) this.#truncated = 'it was cancelled'
      }
    }
  }

  /** Lets time pass; what is due in it happens. */
  #idle(duration: number): void {
    const end = this.#queue.now + duration
    this.#until(() => (this.#queue.peek() ?? Number.POSITIVE_INFINITY) > end)
    this.#queue.now = end
    this.#rec.now = end
  }
}

const refused = (journey: JourneyCommand, first: number, error: string): JourneyResult => ({
  from: journey.from,
  run: journey.run,
  process: '',
  first,
  last: first - 1,
  exitCode: 127,
  output: `${error}\n`,
  notes: [],
  verdict: { kind: 'failed', error },
})
