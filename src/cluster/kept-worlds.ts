import { err, ok, type Result } from '../base/result.ts'
import { sameJson } from '../base/same-json.ts'
import type { InputError, ScenarioDocument } from '../scenario/document.ts'
import type { WorldChange } from '../world/changes.ts'
import type { World } from '../world/world.ts'
import { type BuildOptions, planWorld, type WorldPlan } from './build.ts'
import { worldChanges } from './changes/index.ts'
import { checkJourneys, placedJourneys } from './places.ts'
import type { Play } from './play.ts'

/** Records of all kept worlds together, unless the last one alone has more: some hundred bytes each. */
const MOST_RECORDS = 300_000

/** What of a document no journey, no sentence and no moment of the page has to do with: all that its world can depend on. */
type Foundation = Omit<ScenarioDocument, 'title' | 'seed' | 'journeys' | 'changes' | 'view'>

/** One world of a document, and what changes in it on the way. */
interface KeptWorld {
  readonly demands: string
  readonly records: World
  readonly errors: readonly InputError[]
  changes:
    | {
        readonly given: ScenarioDocument['changes']
        /** Their commands: the addresses in them say which load balancers there are once a Service has come. */
        readonly commands: readonly string[]
        readonly found: Result<WorldChange[], InputError[]>
      }
    | undefined
}

interface KeptDocument {
  readonly foundation: Foundation
  readonly plan: WorldPlan
  readonly worlds: KeptWorld[]
}

/**
 * Worlds that were built, for the next command in the same cluster: a run writes nothing into the world that it starts from, so one
 * world starts many. What comes out is what buildWorld and worldChanges make of the document, errors too.
 */
export class KeptWorlds {
  /** Worlds that were really built, since the beginning. */
  built = 0
  /** Documents whose objects were really completed. */
  planned = 0
  /** The most recently used last. */
  #kept: KeptDocument[] = []

  /** As `buildWorld`. */
  world(doc: ScenarioDocument, { onProgress }: BuildOptions = {}): Result<World, InputError[]> {
    const kept = this.#world(doc, onProgress === undefined ? {} : { onProgress })
    return kept.ok ? ok(kept.value.records) : kept
  }

  /** As `worldChanges`. */
  changes(doc: ScenarioDocument, world: World): Result<WorldChange[], InputError[]> {
    const kept = this.#kept.flatMap((k) => k.worlds).find((w) => w.records === world)
    return kept === undefined ? worldChanges(doc, world) : changesOf(kept, doc)
  }

  /** As `playOf`. */
  play(doc: ScenarioDocument): Result<Play, InputError[]> {
    const world = this.world(doc)
    if (!world.ok) return world
    const changes = this.changes(doc, world.value)
    if (!changes.ok) return changes
    return ok({ world: world.value, journeys: placedJourneys(world.value, doc.journeys), changes: changes.value })
  }

  #world(doc: ScenarioDocument, options: Pick<BuildOptions, 'onProgress'>): Result<KeptWorld, InputError[]> {
    const kept = this.#document(doc)
    if (!kept.ok) return kept
    const { plan, worlds } = kept.value
    const demands = plan.demands(doc.journeys) ?? ''
    let world = worlds.find((w) => w.demands === demands)
    if (world === undefined) {
      this.built++
      world = { demands, ...plan.world(doc.journeys, options), changes: undefined }
      worlds.push(world)
    } else worlds.push(...worlds.splice(worlds.indexOf(world), 1))
    this.#forget()
    const wrong = checkJourneys(doc.journeys, world.records)
    return world.errors.length + wrong.length > 0 ? err([...world.errors, ...wrong]) : ok(world)
  }

  #document(doc: ScenarioDocument): Result<KeptDocument, InputError[]> {
    const foundation = foundationOf(doc)
    let kept = this.#kept.find((k) => sameJson(k.foundation, foundation) && k.plan.demands(doc.journeys) !== undefined)
    if (kept === undefined) {
      this.planned++
      const plan = planWorld(doc)
      if (!plan.ok) return plan
      kept = { foundation, plan: plan.value, worlds: [] }
    }
    this.#kept = [...this.#kept.filter((k) => k !== kept), kept]
    return ok(kept)
  }

  /** Lets go of what was not used for the longest time. */
  #forget(): void {
    let left = MOST_RECORDS
    for (const k of this.#kept.toReversed()) {
      for (const w of k.worlds.toReversed()) {
        if (left < MOST_RECORDS && w.records.size > left) k.worlds.splice(k.worlds.indexOf(w), 1)
        else left -= w.records.size
      }
    }
    const last = this.#kept.at(-1)
    this.#kept = this.#kept.filter((k) => k === last || k.worlds.length > 0)
  }
}

function changesOf(world: KeptWorld, doc: ScenarioDocument): Result<WorldChange[], InputError[]> {
  const { changes } = world
  const commands = doc.journeys.map((j) => j.run)
  if (changes !== undefined && sameJson(changes.commands, commands) && sameJson(changes.given, doc.changes)) return changes.found
  const found = worldChanges(doc, world.records)
  world.changes = { given: doc.changes, commands, found }
  return found
}

function foundationOf(doc: ScenarioDocument): Foundation {
  const { title: _title, seed: _seed, journeys: _journeys, changes: _changes, view: _view, ...foundation } = doc
  return foundation
}
