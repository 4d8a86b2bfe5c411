import { describe, expect, it } from 'vitest'
import { ok } from '../base/result.ts'
import { WorkerClient, type WorkerLike } from './client.ts'
import type { Reply, Request } from './protocol.ts'

class FakeWorker implements WorkerLike {
  readonly asked: Request[] = []
  terminated = false
  #message: (event: { readonly data: Reply }) => void = () => {}
  #error: (event: { readonly message?: string }) => void = () => {}
  postMessage(message: Request): void {
    this.asked.push(message)
  }
  terminate(): void {
    this.terminated = true
  }
  addEventListener(type: 'message', listener: (event: { readonly data: Reply }) => void): void
  addEventListener(type: 'error', listener: (event: { readonly message?: string }) => void): void
  addEventListener(type: 'message' | 'error', listener: (event: never) => void): void {
    if (type === 'message') this.#message = listener as (event: { readonly data: Reply }) => void
    else this.#error = listener as (event: { readonly message?: string }) => void
  }
  reply(reply: Reply): void {
    this.#message({ data: reply })
  }
  fail(message: string): void {
    this.#error({ message })
  }
}

function stage() {
  const workers: FakeWorker[] = []
  const client = new WorkerClient(() => {
    const worker = new FakeWorker()
    workers.push(worker)
    return worker
  })
  const latest = () => {
    const worker = workers.at(-1)
    if (worker === undefined) throw new Error('no worker was started')
    return worker
  }
  return { client, workers, latest }
}

describe('the worker client', () => {
  it('gives each answer to the call that asked, whatever the order of the answers', async () => {
    const { client, latest } = stage()
    const a = client.call('validate', { text: 'a', file: 'a.yaml' })
    const b = client.call('validate', { text: 'b', file: 'b.yaml' })
    const [first, second] = latest().asked
    latest().reply({ id: second?.id ?? 0, kind: 'end', result: ok('b') })
    latest().reply({ id: first?.id ?? 0, kind: 'end', result: ok('a') })
    expect(await a.done).toEqual(ok('a'))
    expect(await b.done).toEqual(ok('b'))
  })

  it('hands on progress as it comes', async () => {
    const { client, latest } = stage()
    const seen: string[] = []
    const call = client.call('validate', { text: '', file: 'x' }, { onProgress: (p) => seen.push(`${p.phase} ${p.done}`) })
    latest().reply({ id: 1, kind: 'progress', progress: { phase: 'run', done: 5, total: 0 } })
    latest().reply({ id: 1, kind: 'end', result: ok('done') })
    await call.done
    expect(seen).toEqual(['run 5'])
  })

  it('cancels a run that cannot hear by ending its worker, and asks the calls behind it again', async () => {
    const { client, workers, latest } = stage()
    const long = client.call('validate', { text: 'long', file: 'x' })
    const behind = client.call('validate', { text: 'behind', file: 'x' })
    long.cancel()
    expect(await long.done).toEqual({ ok: false, error: { kind: 'cancelled' } })
    expect(workers.map((w) => w.terminated)).toEqual([true, false])
    const again = latest().asked[0]
    expect(again?.id).toBe(2)
    latest().reply({ id: 2, kind: 'end', result: ok('answered') })
    expect(await behind.done).toEqual(ok('answered'))
  })

  it('ignores what an ended worker still says', async () => {
    const { client, workers, latest } = stage()
    const seen: number[] = []
    client.call('validate', { text: 'long', file: 'x' }).cancel()
    const call = client.call('validate', { text: 'new', file: 'x' }, { onProgress: (p) => seen.push(p.done) })
    workers[0]?.reply({ id: 2, kind: 'progress', progress: { phase: 'run', done: 1, total: 0 } })
    latest().reply({ id: 2, kind: 'end', result: ok('new') })
    await call.done
    expect(seen).toEqual([])
  })

  it('says that the worker crashed instead of waiting for ever, and starts one only for the next call', async () => {
    const { client, workers, latest } = stage()
    const call = client.call('validate', { text: '', file: 'x' })
    latest().fail('out of memory')
    expect(await call.done).toEqual({ ok: false, error: { kind: 'crash', message: 'out of memory' } })
    expect(workers).toHaveLength(1)
    client.call('validate', { text: '', file: 'x' })
    expect(workers).toHaveLength(2)
  })
})
