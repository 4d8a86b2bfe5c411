import { ok } from '../base/result.ts'
import type { ScenarioDocument } from '../scenario/document.ts'
import { recordServiceTrace } from '../trace/testing.ts'
import { chunksOf } from '../trace/wire.ts'
import { WorkerClient, type WorkerLike } from '../worker/client.ts'
import type { Reply, Request } from '../worker/protocol.ts'
import { createAppStore } from './app.ts'
import { type ScenarioEntry, Scenarios } from './scenarios.ts'

export const documentNamed = (title: string): ScenarioDocument => ({
  hopscope: 1,
  title,
  seed: 1,
  cluster: {
    podCIDR: '10.244.0.0/16',
    serviceCIDR: '10.96.0.0/16',
    network: { plugin: 'bridge', fabric: 'l2', mtu: 1500 },
    kubeProxy: { mode: 'iptables' },
  },
  objects: [],
  overrides: {},
  journeys: [{ from: 'pod/client', run: 'curl http://10.96.0.10/' }],
})

/** Answers every `open` with one small recorded trace; a file that says `bad` is refused. */
class RecordedWorker implements WorkerLike {
  #listener: (event: { readonly data: Reply }) => void = () => {}
  postMessage(request: Request): void {
    queueMicrotask(() => this.#answer(request))
  }
  terminate(): void {
    this.#listener = () => {}
  }
  addEventListener(type: 'message', listener: (event: { readonly data: Reply }) => void): void
  addEventListener(type: 'error', listener: (event: { readonly message?: string }) => void): void
  addEventListener(type: 'message' | 'error', listener: (event: never) => void): void {
    if (type === 'message') this.#listener = listener as (event: { readonly data: Reply }) => void
  }
  #answer(request: Request): void {
    const { id } = request
    const send = (data: Reply) => this.#listener({ data })
    if (request.method !== 'open') return
    const source = request.params
    const text = source.kind === 'files' ? (source.files[0]?.text ?? '') : ''
    if (text.includes('bad')) {
      const error = { kind: 'input', message: 'it is bad', line: 3, path: 'objects[0]' } as const
      send({ id, kind: 'end', result: { ok: false, error: { kind: 'input', errors: [error] } } })
      return
    }
    for (const chunk of chunksOf(recordServiceTrace())) send({ id, kind: 'stream', item: chunk })
    const document = source.kind === 'document' ? source.document : documentNamed(source.files[0]?.name ?? '')
    send({
      id,
      kind: 'end',
      result: ok({
        document,
        imported: text.includes('tables') && source.kind === 'files' ? source.files : undefined,
        world: 'recorded',
        times: { parse: 0, world: 0, run: 0 },
      }),
    })
  }
}

const entryNamed = (id: string, title: string): ScenarioEntry => ({
  id,
  group: { id: 'services', title: { en: 'Services', zh: 'Service' } },
  title: { en: title, zh: title },
  intro: { en: '', zh: '' },
  document: documentNamed(title),
})
const ONE = entryNamed('one', 'One')

/** Two built-in scenarios, the first there at once. */
export const testScenarios = () => new Scenarios(ONE, async () => [ONE, entryNamed('two', 'Two')])

/** A store on a recorded worker, with two built-in scenarios. */
export function testStore(scenarios = testScenarios()) {
  return createAppStore({
    client: new WorkerClient(() => new RecordedWorker()),
    scenarios,
    clock: () => 0,
    pause: async () => {},
    storage: undefined,
    browserLanguage: 'en',
  })
}
