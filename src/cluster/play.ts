import { err, ok, type Result } from '../base/result.ts'
import type { InputError, JourneySpec, ScenarioDocument } from '../scenario/document.ts'
import type { WorldChange } from '../world/changes.ts'
import type { World } from '../world/world.ts'
import { type BuildOptions, buildWorld } from './build.ts'
import { worldChanges } from './changes/index.ts'
import { placedJourneys } from './places.ts'

/** All that a run of a document needs. */
export interface Play {
  readonly world: World
  readonly journeys: readonly JourneySpec[]
  readonly changes: readonly WorldChange[]
}

/** A document's world, its journeys with their places as the engine names them, and what changes on the way. Errors carry paths. */
export function playOf(doc: ScenarioDocument, options: BuildOptions = {}): Result<Play, InputError[]> {
  const world = buildWorld(doc, options)
  if (!world.ok) return err(world.error)
  const changes = worldChanges(doc, world.value)
  if (!changes.ok) return err(changes.error)
  return ok({ world: world.value, journeys: placedJourneys(world.value, doc.journeys), changes: changes.value })
}
