import type { Prng } from '../../base/prng.ts'
import type { Owner, SocketsApi } from '../../kernel/sockets/index.ts'
import type { Namespace, Timer } from '../../kernel/types.ts'
import { STEP } from '../../trace/columns.ts'
import { PROCESS_EVENTS, type ProcessEvent } from '../../trace/step.ts'
import type { JourneyVerdict, StepAt } from '../../trace/trace.ts'
import type { PortalChange } from '../../world/changes.ts'
import { fileId } from '../../world/ids.ts'
import type { ProcessRecord } from '../../world/records.ts'

export interface Exit {
  readonly exitCode: number
  readonly verdict: JourneyVerdict
}

export interface ProcessParts {
  readonly ns: Namespace
  readonly sockets: SocketsApi
  readonly record: ProcessRecord
  readonly onExit: (exit: Exit) => void
}

const EVENT = Object.fromEntries(PROCESS_EVENTS.map((e, i) => [e, i])) as Record<ProcessEvent, number>

/** 128 + 9, as a shell reports it. */
const SIGKILLED = 137

/** A running program's hold on its namespace: sockets, the clock, the terminal. Every `cause` is the seq that led to the call. */
export class Process {
  readonly ns: Namespace
  readonly sockets: SocketsApi
  readonly owner: Owner
  exited = false
  /** Of kube-proxy in userspace mode: Services have come and gone. */
  onPortals: ((change: PortalChange, cause: number) => void) | undefined = undefined
  #record: ProcessRecord
  readonly #onExit: (exit: Exit) => void
  readonly #at: StepAt
  readonly #timers = new Set<Timer>()
  readonly #cleanups: ((cause: number) => void)[] = []
  #streams = 0

  constructor(parts: ProcessParts) {
    this.ns = parts.ns
    this.sockets = parts.sockets
    this.#record = parts.record
    this.#onExit = parts.onExit
    this.owner = { id: parts.record.id, ref: parts.ns.kernel.rec.ref(parts.record.id) }
    this.#at = { packet: -1, cause: -1, netns: parts.ns.ref, device: -1 }
  }

  get id() {
    return this.#record.id
  }
  get output(): string {
    return this.#record.output
  }
  /** gethostname(2): a pod's name, a node's name. */
  get hostname(): string {
    return this.ns.name.slice(this.ns.name.lastIndexOf('/') + 1)
  }
  /** The text of a file of this namespace as it is now, undefined when there is none. */
  readFile(path: string): string | undefined {
    const record = this.ns.kernel.rec.world.get(fileId(this.ns.name, path))
    return record?.kind === 'file' ? record.content : undefined
  }

  /** A stream of random numbers of its own, another one at each call. */
  rng(label: string): Prng {
    return this.ns.kernel.rng.fork(`${label} ${this.id} ${this.#streams++}`)
  }

  /** Virtual ns. */
  get now(): number {
    return this.ns.kernel.now
  }

  step(event: ProcessEvent, text: string, cause: number): number {
    const { rec } = this.ns.kernel
    this.#at.cause = cause
    return rec.step(STEP.process, this.#at, this.owner.ref, EVENT[event], rec.text(text))
  }

  /** A proxy's choice: `object` is the id of what decided (an Ingress, a Service), `service` `NS/NAME:PORT`. */
  routed(choice: { object?: string; rule: string; service?: string; endpoint?: string }, cause: number): number {
    const { rec } = this.ns.kernel
    this.#at.cause = cause
    const object = choice.object === undefined ? -1 : rec.ref(choice.object)
    const to = `${choice.service ?? ''} ${choice.endpoint ?? ''}`.trim()
    return rec.step(STEP.proxyRoute, this.#at, this.owner.ref, object, rec.text(choice.rule), rec.text(to))
  }

  /** Bytes that a proxy moves from one socket (recorder ref) to another. */
  copied(move: { from: number; to: number; bytes: number }, cause: number): number {
    this.#at.cause = cause
    return this.ns.kernel.rec.step(STEP.proxyCopy, this.#at, this.owner.ref, move.from, move.to, move.bytes)
  }

  /** Writes to the terminal: one step a line. Lines keep their ends; the last one may lack it. */
  write(text: string, cause: number): void {
    for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
      this.step('output', line.replace(/\r?\n$/, ''), cause)
      this.#update({ ...this.#record, output: this.#record.output + line })
    }
  }

  print(line: string, cause: number): void {
    this.write(`${line}\n`, cause)
  }

  /** `delay` in ns. The callback gets the seq of the timer's step. */
  after(delay: number, what: string, cause: number, fn: (cause: number) => void): Timer {
    const timer = this.ns.kernel.schedule(delay, () => {
      this.#timers.delete(timer)
      if (this.exited) return
      const { rec } = this.ns.kernel
      this.#at.cause = cause
      fn(rec.step(STEP.timer, this.#at, rec.text(what), this.owner.ref))
    })
    this.#timers.add(timer)
    return timer
  }

  /**
   * The process's next system call, after one that sent something: with the only CPU, the frames go as far as they get before the
   * first call comes back (local_bh_enable(), do_softirq()); with a CPU of its own nothing comes between.
   */
  nextCall(fn: () => void): void {
    this.ns.kernel.schedule(
      0,
      () => {
        if (!this.exited) fn()
      },
      'task',
    )
  }

  /** Calls `fn` whenever the API server's objects have changed: a watch. */
  onObjects(fn: (cause: number) => void): void {
    const watch = (cause: number) => {
      if (!this.exited) fn(cause)
    }
    this.ns.kernel.objectWatches?.add(watch)
    this.atExit(() => void this.ns.kernel.objectWatches?.delete(watch))
  }

  /** Runs when the process ends, for the sockets that it holds. */
  atExit(cleanup: (cause: number) => void): void {
    this.#cleanups.push(cleanup)
  }

  exit(exitCode: number, verdict: JourneyVerdict, cause: number): void {
    if (this.exited) return
    this.exited = true
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    for (const cleanup of this.#cleanups) cleanup(cause)
    this.step('exit', `exit ${exitCode}`, cause)
    this.#update({ ...this.#record, state: 'exited', exitCode })
    this.#onExit({ exitCode, verdict })
  }

  /** SIGKILL: the kernel closes what it had open. */
  kill(cause: number): void {
    if (this.exited) return
    this.exited = true
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    const seq = this.step('exit', 'killed (SIGKILL)', cause)
    this.#update({ ...this.#record, state: 'exited', exitCode: SIGKILLED })
    for (const cleanup of this.#cleanups) cleanup(seq)
    this.#onExit({ exitCode: SIGKILLED, verdict: failed('killed') })
  }

  #update(to: ProcessRecord): void {
    this.ns.kernel.rec.change({ id: to.id, from: this.#record, to })
    this.#record = to
  }
}

/** The verdict of a process that got what it wanted. */
export const ANSWERED: JourneyVerdict = { kind: 'answered' }

export const failed = (error: string, decidedBy?: number): JourneyVerdict => ({
  kind: 'failed',
  error,
  ...(decidedBy === undefined ? {} : { decidedBy }),
})
