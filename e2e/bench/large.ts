import { serialize } from 'node:v8'
import { clusterIp, largeDocument } from '../../src/cluster/testing-large.ts'
import type { KubeProxyMode, ScenarioDocument } from '../../src/scenario/document.ts'
import { TraceAssembler, type TraceChunk } from '../../src/trace/wire.ts'
import { Engine } from '../../src/worker/engine.ts'
import type { World } from '../../src/world/world.ts'
import { type Line, median } from './measure.ts'

/** Commands of which the median counts; where each takes seconds, a few. */
const commandsOf = (services: number): number => (services > 1000 ? 3 : 9)

/** How long a person waits for a trace, from a document in the worker to a trace on the page, in ms of this one thread. */
interface Waits {
  /** Document to trace, everything still to be done. */
  readonly first: number
  /** Of it: world and run. */
  readonly world: number
  readonly run: number
  /** Another command in the same cluster. */
  readonly next: number
  readonly nextRun: number
  /** Bytes of the messages of each. */
  readonly sent: number
  readonly sentNext: number
  readonly steps: number
  readonly records: number
  /** Heap of the whole process, worker's side and page's side, with one trace, in bytes. */
  readonly heap: number
}

/** A command that asks the last Service of a large cluster: the first one, and each further one on the open page. */
export async function largeClusters(): Promise<Line[]> {
  const lines: Line[] = []
  for (const services of [1000, 10_000]) {
    for (const mode of ['iptables', 'nftables', 'ipvs'] as const)
      lines.push(...linesOf(services, mode, await measure(services, mode)))
  }
  return lines
}

function linesOf(services: number, mode: KubeProxyMode, w: Waits): Line[] {
  const ms = (n: number) => `${n.toFixed(0)} ms`
  const mb = (n: number) => `${(n / 1e6).toFixed(1)} MB`
  return [
    {
      what: `${services.toLocaleString('en')} Services, ${mode}: first trace`,
      value: ms(w.first),
      beside: `${w.records} records; world ${ms(w.world)}, run ${ms(w.run)}, ${mb(w.sent)} to the page, heap ${mb(w.heap)} in all`,
    },
    {
      what: '  next command in the same cluster',
      value: ms(w.next),
      beside: `${(w.first / w.next).toFixed(1)} times as fast; ${w.steps} steps, run ${ms(w.nextRun)}${services === 1000 ? ' (goal 100 ms)' : ''}, ${mb(w.sentNext)} to the page`,
    },
  ]
}

async function measure(services: number, mode: KubeProxyMode): Promise<Waits> {
  const document = largeDocument(services, mode)
  const page = new Page()
  const first = await page.open(document)
  const next: Opened[] = []
  // The last Service each time, for its chain is the longest; another seed, for nothing may be left of the run before.
  for (let i = 0; i < commandsOf(services); i++) next.push(await page.open({ ...document, seed: 2 + i }))
  if (!first.answered || next.some((n) => !n.answered)) throw new Error(`${clusterIp(services - 1)} does not answer`)
  globalThis.gc?.()
  const heap = process.memoryUsage().heapUsed
  // Asked last: until here both ends hold what they hold.
  if (page.engine.worlds.built !== 1) throw new Error('the next command built the world anew')
  return {
    first: first.ms,
    world: first.world,
    run: first.run,
    next: median(next.map((n) => n.ms)),
    nextRun: median(next.map((n) => n.run)),
    sent: first.bytes,
    sentNext: next[0]?.bytes ?? 0,
    steps: first.steps,
    records: first.records,
    heap,
  }
}

interface Opened {
  readonly ms: number
  readonly world: number
  readonly run: number
  readonly bytes: number
  readonly steps: number
  readonly records: number
  readonly answered: boolean
}

/** Both ends of the worker's border on one thread: what is sent is copied, as between two. */
class Page {
  #take: (chunk: TraceChunk) => void = () => {}
  #known: { readonly name: string; readonly world: World } | undefined
  readonly engine = new Engine({
    reply: (message) => {
      if (message.kind === 'stream') this.#take(message.item as TraceChunk)
    },
    clock: () => performance.now(),
    salt: '',
  })

  async open(document: ScenarioDocument): Promise<Opened> {
    const assembler = new TraceAssembler(this.#known?.world)
    const chunks: TraceChunk[] = []
    let trace: ReturnType<TraceAssembler['add']>
    this.#take = (chunk) => {
      const copy = structuredClone(chunk)
      chunks.push(copy)
      trace = assembler.add(copy) ?? trace
    }
    const began = performance.now()
    const source = structuredClone({ kind: 'document' as const, document })
    const have = this.#known === undefined ? {} : { have: this.#known.name }
    const answer = await this.engine.answer({ id: 1, method: 'open', params: { ...source, ...have } })
    const ms = performance.now() - began
    if (!answer.ok || trace === undefined) throw new Error('no trace')
    const { world, times } = answer.value as { world: string; times: { world: number; run: number } }
    this.#known = { name: world, world: trace.initial }
    return {
      ms,
      world: times.world,
      run: times.run,
      bytes: chunks.reduce((n, c) => n + serialize(c).length, 0),
      steps: trace.events.length,
      records: trace.initial.size,
      answered: trace.journeys[0]?.verdict.kind === 'answered',
    }
  }
}
