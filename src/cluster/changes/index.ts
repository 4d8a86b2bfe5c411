import { err, ok, type Result } from '../../base/result.ts'
import type { InputError, ScenarioDocument } from '../../scenario/document.ts'
import type { WorldChange } from '../../world/changes.ts'
import type { World } from '../../world/world.ts'
import { inputError } from '../errors.ts'
import { fillIn } from '../fill-in.ts'
import { Course } from './course.ts'

/**
 * What the scheduled changes of a document come to, in the order in which it happens: the control plane fills in what follows
 * from the objects, runtime and network plugin make and remove namespaces, kube-proxy syncs on every node. `world` is the one
 * that `buildWorld` made of the same document.
 *
 * A pod that is applied runs and is ready at once, or when its readiness probe is first tried. One that is deleted is terminating,
 * and serves, until its grace period is over; then it is killed and its namespace goes. kube-proxy is idle when a journey begins.
 * Errors carry paths of the document: `changes[0].apply[1].spec.nodeName`.
 */
export function worldChanges(doc: ScenarioDocument, world: World): Result<WorldChange[], InputError[]> {
  if (doc.changes === undefined || doc.changes.length === 0) return ok([])
  const errors = checkReferences(doc)
  if (errors.length > 0) return err(errors)
  const cluster = fillIn(doc)
  if (!cluster.ok) return err(cluster.error)
  return new Course(doc, world, cluster.value).run()
}

function checkReferences(doc: ScenarioDocument): InputError[] {
  const count = doc.journeys.length
  return (doc.changes ?? []).flatMap((c, i) => {
    const path = `changes[${i}]`
    if (c.journey >= count) {
      const known = count === 0 ? 'a journey, of which there is none' : `a journey from 0 to ${count - 1}`
      return [inputError(`${path}.journey`, `found ${c.journey}; expected ${known}`)]
    }
    if ((c.apply ?? []).length + (c.delete ?? []).length + (c.unplug ?? []).length === 0)
      return [inputError(path, 'changes nothing; expected apply, delete or unplug')]
    return []
  })
}
