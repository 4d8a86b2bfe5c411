import { listAt, textAt } from '../../base/fields.ts'
import type { InputError, Manifest, ScenarioDocument } from '../../scenario/document.ts'
import { objectId } from '../../world/ids.ts'
import type { ObjectRecord } from '../../world/records.ts'

// The objects of a document as they stand at one moment of its run: as given and filled in, then changed by what is applied and
// deleted. EndpointSlices that the controllers made are never kept: they are made anew of what there is.

export interface KeptObject {
  readonly manifest: Manifest
  /** Where it stands in the document: `objects[3]`, `changes[0].apply[1]`. */
  readonly path: string
}

/** Objects by id, in the order in which they came. */
export type ObjectSet = ReadonlyMap<string, KeptObject>

/** Of an object that is named by kind, namespace and name. */
export const idOf = (kind: string, namespace: string | undefined, name: string): string =>
  objectId(kind, CLUSTER_SCOPED.has(kind) ? undefined : (namespace ?? 'default'), name)

const CLUSTER_SCOPED = new Set(['Node', 'Namespace', 'IngressClass'])
export const idOfManifest = (m: Manifest): string => idOf(m.kind, m.metadata.namespace, m.metadata.name)

/** What controllers make of the other objects at every moment. */
const MADE_ANEW: ReadonlySet<string> = new Set(['EndpointSlice', 'ServiceL2Status'])

/** What the API server holds when the run begins. `records` are the cluster's object records. */
export function initialObjects(records: readonly ObjectRecord[]): ObjectSet {
  const kept = records.filter((r) => !(MADE_ANEW.has(r.objectKind) && r.origin.component === 'control-plane'))
  return new Map(
    kept.map((r) => [r.id, { manifest: r.manifest as unknown as Manifest, path: r.origin.detail ?? 'objects' }] as const),
  )
}

/** The document with these objects: what follows from them is filled in again. */
export const documentWith = (
  doc: ScenarioDocument,
  objects: ObjectSet,
  unheard: ReadonlySet<string> = new Set(),
): ScenarioDocument => {
  const { changes: _, ...rest } = doc
  const cluster = unheard.size === 0 ? doc.cluster : { ...doc.cluster, unplugged: [...unheard] }
  return { ...rest, cluster, journeys: [], objects: [...objects.values()].map((o) => o.manifest) }
}

/** Errors of such a document, at the places where its objects really stand. */
export function placedErrors(errors: readonly InputError[], objects: ObjectSet): InputError[] {
  const paths = [...objects.values()].map((o) => o.path)
  return errors.map((e) => {
    const path = e.path?.replace(/^objects\[(\d+)\]/, (whole, i: string) => paths[Number(i)] ?? whole)
    return path === undefined ? e : { ...e, path }
  })
}

/** With `gone`, what the garbage collector removes because of it: objects that it owns, and theirs. */
export function withOwned(objects: ObjectSet, gone: readonly string[]): string[] {
  const all = new Set(gone)
  for (let found = true; found; ) {
    found = false
    for (const [id, { manifest }] of objects) {
      if (all.has(id)) continue
      const owners = listAt(manifest, 'metadata', 'ownerReferences').map((o) =>
        idOf(textAt(o, 'kind') ?? '', manifest.metadata.namespace, textAt(o, 'name') ?? ''),
      )
      if (!owners.some((o) => all.has(o))) continue
      all.add(id)
      found = true
    }
  }
  return [...all]
}
