import { describe, expect, it } from 'vitest'
import { playOf } from '../cluster/play.ts'
import { clusterIp, largeDocument } from '../cluster/testing-large.ts'
import type { ScenarioDocument } from '../scenario/document.ts'
import { run } from '../sim/run.ts'
import { traceHash } from '../trace/hash.ts'
import { TraceAssembler, type TraceChunk } from '../trace/wire.ts'
import type { World } from '../world/world.ts'
import { Engine } from './engine.ts'
import type { Method, Methods, Reply, Request } from './protocol.ts'

/** An engine behind a border that only lets copies pass, as a worker's does. */
class Desk {
  readonly replies: Reply[] = []
  readonly engine = new Engine({
    reply: (message) => this.replies.push(structuredClone(message)),
    clock: () => 0,
    salt: 'test',
  })
  #known: { readonly name: string; readonly world: World } | undefined
  #id = 0

  async ask<M extends Method>(method: M, params: Methods[M]['params']): Promise<Methods[M]['result']> {
    const request = structuredClone({ id: ++this.#id, method, params }) as Request
    const answer = await this.engine.answer(request)
    if (!answer.ok) throw new Error(JSON.stringify(answer.error))
    return answer.value as Methods[M]['result']
  }

  async open(source: Methods['open']['params']) {
    this.replies.length = 0
    const assembler = new TraceAssembler(this.#known?.world)
    const opened = await this.ask('open', { ...source, ...(this.#known === undefined ? {} : { have: this.#known.name }) })
    const chunks = this.replies.flatMap((r) => (r.kind === 'stream' ? [r.item as TraceChunk] : []))
    const trace = chunks.reduce<ReturnType<TraceAssembler['add']>>((_, chunk) => assembler.add(chunk), undefined)
    if (trace === undefined) throw new Error('no trace came')
    this.#known = { name: opened.world, world: trace.initial }
    return { trace, kinds: new Set(chunks.map((c) => c.kind)) }
  }
}

const cluster = largeDocument(12)
const asking = (i: number, more: Partial<ScenarioDocument> = {}): ScenarioDocument => ({
  ...cluster,
  ...more,
  journeys: [{ from: 'pod/client', run: `curl http://${clusterIp(i)}/` }],
})

function fresh(document: ScenarioDocument): string {
  const play = playOf(document)
  if (!play.ok) throw new Error(JSON.stringify(play.error))
  return traceHash(run(play.value.world, play.value.journeys, { seed: document.seed, changes: play.value.changes }))
}

describe('the engine', () => {
  it('builds the world once for many commands, sends it once, and answers as if each were the first', async () => {
    const desk = new Desk()
    for (const [n, i] of [11, 3, 11, 7].entries()) {
      const { trace, kinds } = await desk.open({ kind: 'document', document: asking(i) })
      expect(traceHash(trace)).toBe(fresh(asking(i)))
      expect([kinds.has('world'), kinds.has('known-world')]).toEqual([n === 0, n > 0])
    }
    expect(desk.engine.worlds.built).toBe(1)
  })

  it('uses that world for the lab, for the checks of a Service and for what is typed, as long as only commands differ', async () => {
    const desk = new Desk()
    const typed = (document: ScenarioDocument) => desk.ask('validate', { text: JSON.stringify(document), file: 'typed' })
    const source = { kind: 'document' as const, document: await typed(asking(1)) }
    await desk.open(source)
    await desk.ask('lab', source)
    await desk.ask('debug', { source, question: { namespace: 'default', name: 'app-3' } })
    await typed(asking(5, { title: 'another' }))
    expect(desk.engine.worlds.built).toBe(1)
    await typed(asking(5, { objects: cluster.objects.slice(0, -1) }))
    expect(desk.engine.worlds.built).toBe(2)
  })

  it('sends another world whole, and the first one again when it comes back', async () => {
    const desk = new Desk()
    const other = asking(2, { cluster: { ...cluster.cluster, kubeProxy: { mode: 'ipvs' } } })
    for (const document of [asking(2), other, asking(2)]) {
      const { trace, kinds } = await desk.open({ kind: 'document', document })
      expect(kinds.has('known-world')).toBe(false)
      expect(traceHash(trace)).toBe(fresh(document))
    }
    expect(desk.engine.worlds.built).toBe(2)
  })

  it('reads the tables of machines once for many commands on them', async () => {
    const desk = new Desk()
    const text =
      '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n    inet 127.0.0.1/8 scope host lo\n'
    const files = [{ name: 'node1/ip-addr.txt', text }]
    const first = await desk.open({ kind: 'files', files })
    const from = [...first.trace.initial.values()].find((r) => r.kind === 'netns')?.name ?? ''
    const ping = await desk.open({ kind: 'files', files, journeys: [{ from, run: 'ping -c1 127.0.0.1' }] })
    expect(ping.trace.journeys.map((j) => j.verdict.kind)).toEqual(['answered'])
    const again = await desk.open({ kind: 'files', files, journeys: [{ from, run: 'ping -c2 127.0.0.1' }] })
    expect(again.kinds.has('known-world')).toBe(true)
  })
})
