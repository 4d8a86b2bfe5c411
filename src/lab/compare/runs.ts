import { printIptablesSave } from '../../linux/iptables-save.ts'
import { printNftRuleset } from '../../linux/nft/list.ts'
import type { TraceReader } from '../../trace/reader.ts'
import { Timeline } from '../../trace/timeline.ts'
import { pinnedPorts, pinsOf } from '../pins.ts'
import { compareCounters } from './counters.ts'
import type { Difference } from './difference.ts'
import { engineFrames } from './engine-frames.ts'
import { compareFrames, type FrameLines, frameLines } from './frames.ts'
import { compareNft } from './nft.ts'
import { rests } from './normalisations.ts'
import { natPorts, resolverPorts } from './ports.ts'
import { compareTables, engineTables, type NetnsTables } from './tables.ts'
import { flowPorts, walksWithoutFlowPorts } from './tunnel.ts'
import { compareWalks, engineWalks, type Walks } from './walks.ts'

/** One run of a scenario, by the engine or by a kernel, as far as two of them can be compared. */
export interface ComparableRun {
  /** Source ports of the journeys, then those that NAT chose, then those of resolvers: another run may have others in their place. */
  readonly ports: readonly number[]
  /** Exit status of each journey; -1 for one that was still waiting when everything was at rest. */
  readonly exits: readonly number[]
  readonly frames: FrameLines
  /** Rules that acted on each packet, by namespace name; empty when the lab did not trace. */
  readonly walks: Walks
  /** Tools' text by namespace name and section, `iptables-save` (with counters) among them. */
  readonly tables: ReadonlyMap<string, NetnsTables>
  /** What the machine was: kernel and tools. Empty for the engine. */
  readonly versions: readonly string[]
}

export interface RunComparison {
  readonly frames: number
  readonly rules: number
  readonly hits: number
  /** Base chains that packets walked. */
  readonly walks: number
  readonly entries: number
  readonly differences: readonly Difference[]
}

/** The engine's side of the comparison. */
export function engineRun(reader: TraceReader): ComparableRun {
  const view = new Timeline(reader).at(reader.length - 1)
  const tables = view.list('netns').map((ns) => {
    const sections = new Map(engineTables(view, ns.id))
    sections.set('iptables-save', printIptablesSave(view, ns.id, { counters: true, header: false }))
    if (view.list('nft-table', ns.id).length > 0) sections.set('nft list', printNftRuleset(view, ns.id))
    return [ns.name, sections] as const
  })
  const byNetns = new Map(tables)
  const frames = engineFrames(reader)
  return {
    ports: [...pinnedPorts(pinsOf(reader)), ...natPorts(byNetns), ...resolverPorts(frames)],
    exits: reader.trace.journeys.map((j) => j.exitCode),
    frames: frameLines(frames),
    walks: engineWalks(reader),
    tables: byNetns,
    versions: [],
  }
}

const flowPortsOf = (run: ComparableRun): ReadonlySet<number> =>
  flowPorts([...run.tables.values()].map((sections) => sections.get('conntrack') ?? ''))

const withoutTunnelPorts = (run: ComparableRun, ports: ReadonlySet<number>): Walks =>
  new Map([...run.walks].map(([ns, walks]) => [ns, walksWithoutFlowPorts(walks, ports)]))

/** Compares a run of the engine with a real one: frames of every device, counters of every rule, the tables at the end. */
export function compareRuns(engine: ComparableRun, recorded: ComparableRun): RunComparison {
  const kernel = withPorts(recorded, rests('chosen-ports', engine.ports))
  const ports = { engine: flowPortsOf(engine), kernel: flowPortsOf(kernel) }
  const differences: Difference[] = [
    ...compareExits(engine.exits, kernel.exits),
    ...compareFrames(engine.frames, kernel.frames),
    ...compareWalks(withoutTunnelPorts(engine, ports.engine), withoutTunnelPorts(kernel, ports.kernel)),
  ]
  let rules = 0
  let hits = 0
  let entries = 0
  for (const [netns, tables] of kernel.tables) {
    const ours = engine.tables.get(netns) ?? new Map<string, string>()
    const counters = compareCounters(netns, ours.get('iptables-save') ?? '', tables.get('iptables-save') ?? '')
    const others = compareTables(netns, ours, tables, ports)
    const nft = compareNft(netns, ours.get('nft list') ?? '', tables.get('nft list') ?? '')
    rules += counters.rules + nft.rules
    hits += counters.hits
    entries += others.entries + nft.entries
    differences.push(...counters.differences, ...nft.differences, ...others.differences)
  }
  return { frames: countLines(kernel.frames), walks: countLines(kernel.walks), rules, hits, entries, differences }
}

/** timeout(1) ends a command that goes on for ever with 124. */
const STOPPED = rests('stopped-commands', 124)

function compareExits(engine: readonly number[], kernel: readonly number[]): Difference[] {
  return kernel.flatMap((status, i) => {
    const ours = engine[i] === -1 ? STOPPED : engine[i]
    if (ours === status) return []
    return [{ what: 'journey', where: String(i + 1), engine: `exit ${ours ?? '-'}`, kernel: `exit ${status}` }]
  })
}

const countLines = (lists: ReadonlyMap<string, readonly unknown[]>): number =>
  [...lists.values()].reduce((sum, lines) => sum + lines.length, 0)

/** The same run with the other one's source ports: a recording may have been made with other choices. */
function withPorts(run: ComparableRun, ports: readonly number[]): ComparableRun {
  const change = new Map(run.ports.map((p, i) => [String(p), String(ports[i] ?? p)]))
  if ([...change].every(([a, b]) => a === b)) return run
  const pattern = new RegExp(`\\b(?:${[...change.keys()].join('|')})\\b`, 'g')
  const put = (text: string) => text.replaceAll(pattern, (p) => change.get(p) ?? p)
  const putLines = (lists: FrameLines): FrameLines =>
    new Map([...lists].map(([where, lines]) => [where, lines.map((l) => ({ ...l, text: put(l.text) }))]))
  return {
    ...run,
    ports,
    frames: putLines(run.frames),
    walks: putLines(run.walks),
    tables: new Map([...run.tables].map(([ns, t]) => [ns, new Map([...t].map(([name, text]) => [name, put(text)]))])),
  }
}
