import { err, type Result } from '../base/result.ts'
import type { Method, Methods, Progress, Reply, Request, WorkerFailure } from './protocol.ts'

/** The part of a Worker that the client needs: what tests put in its place. */
export interface WorkerLike {
  postMessage(message: Request): void
  terminate(): void
  addEventListener(type: 'message', listener: (event: { readonly data: Reply }) => void): void
  addEventListener(type: 'error', listener: (event: { readonly message?: string }) => void): void
}

export interface CallOptions<M extends Method> {
  readonly onProgress?: (progress: Progress) => void
  readonly onItem?: (item: Methods[M]['stream']) => void
}

export interface Call<M extends Method> {
  readonly done: Promise<Result<Methods[M]['result'], WorkerFailure>>
  /** Ends this call now, whatever the engine is doing; idempotent. */
  cancel(): void
}

interface Pending {
  readonly request: Request
  readonly settle: (result: Result<Methods[Method]['result'], WorkerFailure>) => void
  readonly onProgress: ((progress: Progress) => void) | undefined
  readonly onItem: ((item: Methods[Method]['stream']) => void) | undefined
}

/**
 * Calls into the worker. A run is one long synchronous loop that no message can reach, so cancelling ends the worker and
 * starts another; calls that were waiting behind the cancelled one are asked again there.
 */
export class WorkerClient {
  readonly #spawn: () => WorkerLike
  /** Undefined after a crash, until the next call: a worker that cannot start must not be started in a loop. */
  #worker: WorkerLike | undefined
  #pending = new Map<number, Pending>()
  #next = 1

  constructor(spawn: () => WorkerLike) {
    this.#spawn = spawn
    this.#worker = this.#start()
  }

  call<M extends Method>(method: M, params: Methods[M]['params'], options: CallOptions<M> = {}): Call<M> {
    const id = this.#next++
    const request = { id, method, params } as Request
    const done = new Promise<Result<Methods[M]['result'], WorkerFailure>>((resolve) => {
      this.#pending.set(id, {
        request,
        settle: resolve as Pending['settle'],
        onProgress: options.onProgress,
        onItem: options.onItem as Pending['onItem'],
      })
    })
    this.#worker ??= this.#start()
    this.#worker.postMessage(request)
    return { done, cancel: () => this.#cancel(id) }
  }

  #start(): WorkerLike {
    const worker = this.#spawn()
    worker.addEventListener('message', (event) => {
      if (worker === this.#worker) this.#receive(event.data)
    })
    worker.addEventListener('error', (event) => {
      if (worker === this.#worker) this.#crash(event.message ?? 'the worker could not start')
    })
    return worker
  }

  #receive(reply: Reply): void {
    const pending = this.#pending.get(reply.id)
    if (pending === undefined) return
    if (reply.kind === 'progress') pending.onProgress?.(reply.progress)
    else if (reply.kind === 'stream') pending.onItem?.(reply.item)
    else {
      this.#pending.delete(reply.id)
      pending.settle(reply.result)
    }
  }

  #cancel(id: number): void {
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    this.#pending.delete(id)
    pending.settle(err({ kind: 'cancelled' }))
    this.#worker?.terminate()
    this.#worker = this.#start()
    for (const other of this.#pending.values()) this.#worker.postMessage(other.request)
  }

  #crash(message: string): void {
    const lost = [...this.#pending.values()]
    this.#pending.clear()
    this.#worker?.terminate()
    this.#worker = undefined
    for (const pending of lost) pending.settle(err({ kind: 'crash', message }))
  }
}
