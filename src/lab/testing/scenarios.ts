import { playOf } from '../../cluster/play.ts'
import { LIBRARY } from '../../library/index.ts'
import type { JourneySpec, ScenarioDocument } from '../../scenario/document.ts'
import { run } from '../../sim/run.ts'
import { TraceReader } from '../../trace/reader.ts'
import type { Trace } from '../../trace/trace.ts'
import type { WorldChange } from '../../world/changes.ts'
import type { RecordId } from '../../world/ids.ts'
import type { WorldRecord } from '../../world/records.ts'
import type { World } from '../../world/world.ts'
import { rests } from '../compare/normalisations.ts'
import { type ComparableRun, engineRun } from '../compare/runs.ts'
import { CASES } from './cases.ts'
import { CHANGE_CASES } from './change-cases.ts'
import { DNS_CASES } from './dns-cases.ts'
import { IPVS_CASES } from './ipvs-cases.ts'
import { NFT_CASES } from './nft-cases.ts'
import { REACH_CASES } from './reach-cases.ts'
import { VXLAN_CASES } from './vxlan-cases.ts'

/** A scenario with the engine's run of it. */
export interface ScenarioRun {
  readonly id: string
  readonly title: string
  readonly world: World
  readonly journeys: readonly JourneySpec[]
  readonly changes: readonly WorldChange[]
  readonly trace: Trace
  readonly engine: ComparableRun
}

const DOCUMENTS: ReadonlyMap<string, ScenarioDocument> = new Map(
  [
    ...LIBRARY.filter((e) => e.unproven === undefined),
    ...CASES,
    ...VXLAN_CASES,
    ...IPVS_CASES,
    ...NFT_CASES,
    ...REACH_CASES,
    ...CHANGE_CASES,
    ...DNS_CASES,
  ].map((e) => [e.id, e.document]),
)

/** Ids of everything that is proven: the built-in scenarios in their order, then the test cases. */
export const SCENARIO_IDS: readonly string[] = [...DOCUMENTS.keys()]

export function scenarioRun(id: string): ScenarioRun {
  const document = DOCUMENTS.get(id)
  if (document === undefined) throw new Error(`there is no scenario ${id}; expected one of ${SCENARIO_IDS.join(', ')}`)
  return runDocument(id, document)
}

export function runDocument(id: string, document: ScenarioDocument): ScenarioRun {
  const play = playOf(document)
  if (!play.ok) throw new Error(`${id}: ${play.error.map((e) => e.message).join('; ')}`)
  const { journeys, changes } = play.value
  const world = rests('one-machine', onOneMachine(play.value.world))
  const trace = run(world, journeys, { seed: document.seed, changes })
  const engine = engineRun(new TraceReader(trace))
  return { id, title: document.title, world, journeys, changes, trace, engine }
}

function onOneMachine(world: World): World {
  const inside = (r: WorldRecord): WorldRecord =>
    r.kind === 'device' && r.link.kind === 'physical' ? { ...r, link: { ...r.link, inside: true } } : r
  return new Map<RecordId, WorldRecord>([...world].map(([id, r]) => [id, inside(r)]))
}
