import { err } from '../base/result.ts'
import { Engine } from './engine.ts'
import type { Reply, Request } from './protocol.ts'

// The worker's entry: the engine between two ends of a message port.

interface WorkerScope {
  postMessage(message: Reply, transfer: readonly ArrayBuffer[]): void
  addEventListener(type: 'message', listener: (event: { readonly data: Request }) => void): void
}
const scope = globalThis as unknown as WorkerScope

const engine = new Engine({
  reply: (message, transfer) => scope.postMessage(message, transfer),
  clock: () => performance.now(),
  salt: crypto.getRandomValues(new Uint32Array(4)).join('-'),
})

// One after the other: calls must not interleave in the middle of a stream.
let queue: Promise<void> = Promise.resolve()
scope.addEventListener('message', ({ data: request }) => {
  queue = queue.then(async () => {
    let result: Awaited<ReturnType<Engine['answer']>>
    try {
      result = await engine.answer(request)
    } catch (e) {
      // Only our own bugs throw: the page says so instead of waiting for ever.
      result = err({ kind: 'crash', message: e instanceof Error ? `${e.message}\n${e.stack ?? ''}` : String(e) })
    }
    scope.postMessage({ id: request.id, kind: 'end', result }, [])
  })
})
