// `npm run bench`: the figures that the project promises, measured in one run on this machine. Machines are noisy: the
// ratios between two lines of one run mean more than any line. Peers are measured beside where ../shared/bench has them.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildWorld } from '../../src/cluster/build.ts'
import { kubectlYaml } from '../../src/cluster/testing-kubectl.ts'
import { DEFAULT_SCENARIO, LIBRARY } from '../../src/library/index.ts'
import { parseIptablesSave } from '../../src/linux/iptables-save.ts'
import { parseScenario } from '../../src/scenario/parse.ts'
import { run } from '../../src/sim/run.ts'
import { TraceReader } from '../../src/trace/reader.ts'
import { Timeline } from '../../src/trace/timeline.ts'
import { chunksOf, TraceAssembler } from '../../src/trace/wire.ts'
import { chain, forward, LINKS } from './forward.ts'
import { largeClusters } from './large.ts'
import { type Line, median, millions, milliseconds, perSecond, print } from './measure.ts'
import { kubeRules } from './rules.ts'

const PEERS = '../shared/bench'
const PACKETS = 100_000

function engine(): Line[] {
  const plain = chain()
  let steps = 0
  const hops = perSecond(5, () => {
    steps = forward(plain, PACKETS).events.length
    return PACKETS * LINKS
  })
  const lines: Line[] = [
    { what: 'plain UDP, recording on', value: millions(hops), beside: 'link hops; goal 0.5 M/s' },
    {
      what: '  steps recorded',
      value: millions((hops / (PACKETS * LINKS)) * steps),
      beside: `${(steps / PACKETS).toFixed(1)} a packet`,
    },
  ]
  const rules = chain(kubeRules(1000, '10.244.2.2:9999'))
  const withRules = perSecond(3, () => {
    forward(rules, PACKETS, '10.96.0.10', 53)
    return PACKETS * LINKS
  })
  lines.push({
    what: 'with 1,000 Services and conntrack in both routers',
    value: millions(withRules),
    beside: 'link hops, one flow',
  })
  lines.push({ what: 'memory of a trace (its columns)', value: `${memory(plain).toFixed(1)} MB`, beside: 'per 100,000 steps' })
  lines.push(...miniEngine(hops))
  return lines
}

/** Bytes of the columns and rows that a trace keeps, in MB per 100,000 steps. Record deltas and payloads come on top: they are few and shared. */
function memory(world: ReturnType<typeof chain>): number {
  const { events, cells, packets } = forward(world, 20_000)
  const bytes = (table: object) =>
    Object.values(table).reduce<number>((n, column) => n + (ArrayBuffer.isView(column) ? column.byteLength : 0), 0)
  return (bytes(events) + bytes(cells) + bytes(packets)) / events.length / 10
}

function miniEngine(hops: number): Line[] {
  const script = join(PEERS, 'node/engine.mjs')
  if (!existsSync(script)) return []
  const { stdout } = spawnSync(process.execPath, ['--expose-gc', script], { encoding: 'utf8', timeout: 120_000 })
  const found = /trace cols: .*?([\d.]+) M link hops/.exec(stdout ?? '')
  if (found === null) return []
  const peer = Number(found[1]) * 1e6
  return [
    {
      what: 'engine.mjs, a bare loop with a column trace',
      value: millions(peer),
      beside: `this engine: ${(hops / peer).toFixed(2)} of it; goal 0.15`,
    },
  ]
}

function timeline(): Line[] {
  const reader = new TraceReader(forward(chain(kubeRules(300, '10.244.2.2:9999')), 300, '10.96.0.10', 53))
  const steps = reader.length
  const view = new Timeline(reader)
  const namespaces = view.at(-1).list('netns')
  let random = 12345
  const somewhere = () => {
    random = (Math.imul(random, 1103515245) + 12345) >>> 0
    return random % steps
  }
  /** What the page reads after a seek: every inspector's list of one namespace. */
  const look = (k: number) => {
    const at = view.at(k)
    const ns = namespaces[k % namespaces.length]?.id
    return (
      at.list('neighbour', ns).length + at.list('fdb', ns).length + at.list('conntrack', ns).length + at.list('socket', ns).length
    )
  }
  const seeks = 2000
  const seek = milliseconds(7, () => {
    let n = 0
    for (let i = 0; i < seeks; i++) n += look(somewhere())
    return n
  })
  let k = 0
  const step = milliseconds(7, () => {
    let n = 0
    for (let i = 0; i < seeks; i++) {
      k = (k + 1) % steps
      n += look(k)
    }
    return n
  })
  const records = reader.trace.initial.size
  return [
    {
      what: 'random seek, with four lists read',
      value: `${((seek / seeks) * 1000).toFixed(1)} µs`,
      beside: `${steps} steps, ${records} records; goal 300 µs`,
    },
    { what: 'single step, with four lists read', value: `${((step / seeks) * 1000).toFixed(1)} µs`, beside: 'goal 10 µs' },
  ]
}

function transfer(): Line[] {
  const trace = forward(chain(), 2000)
  const longest: number[] = []
  const totals: number[] = []
  for (let i = 0; i < 7; i++) {
    let piece = 0
    const assembler = new TraceAssembler()
    const began = performance.now()
    for (const chunk of chunksOf(trace)) {
      const { transfer: buffers, ...rest } = structuredClone({ ...chunk, transfer: [] })
      void buffers
      const at = performance.now()
      assembler.add({ ...rest, transfer: [] } as typeof chunk)
      piece = Math.max(piece, performance.now() - at)
    }
    totals.push(performance.now() - began)
    longest.push(piece)
  }
  return [
    {
      what: `a trace of ${trace.events.length} steps to the page`,
      value: `${median(totals).toFixed(1)} ms`,
      beside: 'cut, cloned (a transfer copies less), put together',
    },
    { what: '  longest piece on the main thread', value: `${median(longest).toFixed(1)} ms`, beside: 'goal under 50 ms' },
  ]
}

async function documents(): Promise<Line[]> {
  const flagship = LIBRARY.find((e) => e.id === DEFAULT_SCENARIO)
  if (flagship === undefined) throw new Error('no flagship')
  const whole = milliseconds(41, () => {
    const world = buildWorld(flagship.document)
    if (!world.ok) throw new Error('the flagship does not build')
    return run(world.value, flagship.document.journeys, { seed: flagship.document.seed })
  })
  const text = kubectlYaml(10_000_000)
  const times: number[] = []
  for (let i = 0; i < 3; i++) {
    const began = performance.now()
    const doc = await parseScenario(text)
    if (!doc.ok || !buildWorld(doc.value).ok) throw new Error('10 MB of YAML do not build')
    times.push(performance.now() - began)
  }
  return [
    { what: 'flagship, document to complete trace, warm', value: `${whole.toFixed(1)} ms`, beside: 'goal 16 ms' },
    { what: '10 MB of kubectl YAML to a world', value: `${(median(times) / 1000).toFixed(2)} s`, beside: 'goal 1 s' },
  ]
}

function iptables(): Line[] {
  const dir = mkdtempSync(join(tmpdir(), 'hopscope-bench-'))
  try {
    const text = ruleFile()
    const mb = text.length / 1e6
    const parse = milliseconds(5, () => parseIptablesSave(text))
    const lines: Line[] = [
      {
        what: `iptables-save of 10,000 Services (${mb.toFixed(1)} MB)`,
        value: `${((mb / parse) * 1000).toFixed(1)} MB/s`,
        beside: `parsed in ${parse.toFixed(0)} ms`,
      },
    ]
    const file = join(dir, 'rules')
    writeFileSync(file, text)
    const times: number[] = []
    for (let i = 0; i < 3; i++) {
      const began = performance.now()
      const { status } = spawnSync('unshare', ['-n', 'iptables-legacy-restore', '--test', file], { timeout: 120_000 })
      if (status !== 0) return lines
      times.push(performance.now() - began)
    }
    const peer = median(times)
    lines.push({
      what: 'iptables-legacy-restore --test',
      value: `${((mb / peer) * 1000).toFixed(1)} MB/s`,
      beside: `this parser: ${(peer / parse).toFixed(2)} times as fast; goal 1`,
    })
    return lines
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** The shared generator's file where it is there, our own rules of the same size elsewhere. */
function ruleFile(): string {
  const script = join(PEERS, 'gen-kube-rules.py')
  if (existsSync(script)) {
    const made = spawnSync('python3', [script, '10000', '3'], { encoding: 'utf8', maxBuffer: 1 << 28, timeout: 120_000 })
    if (made.status === 0) return made.stdout
  }
  return kubeRules(10_000, '10.244.2.2:9999')
}

console.log(`Node ${process.version}, ${process.arch}`)
print('Engine (pod - bridge - router - router - bridge - pod)', engine())
print('Timeline', timeline())
print('Worker to page', transfer())
print('Documents', await documents())
print('Large clusters (ten nodes, three pods a Service): worker and page on one thread', await largeClusters())
print('Linux text', iptables())
