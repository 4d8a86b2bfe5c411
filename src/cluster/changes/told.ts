import { at as fieldAt, listAt, textAt } from '../../base/fields.ts'
import type { Manifest, ScenarioDocument } from '../../scenario/document.ts'
import type { ObjectsChange } from '../../world/changes.ts'
import type { RecordId } from '../../world/ids.ts'
import type { ObjectRecord, Origin } from '../../world/records.ts'
import type { Delta, World } from '../../world/world.ts'
import { idOfManifest, type ObjectSet } from './objects.ts'

// How objects that change are told in the run: as records that differ, each with its kind of change and the place where it is shown.

/** Objects that `built` has new, changed or no longer: those that were `given`, in that order, then what follows from them. */
export function objectDeltas(
  built: World,
  { now, given, doc }: { readonly now: World; readonly given: readonly string[]; readonly doc: ScenarioDocument },
): Delta[] {
  const deltas: Delta[] = []
  for (const r of built.values()) {
    if (r.kind !== 'object') continue
    const known = now.get(r.id)
    const from = known?.kind === 'object' ? known : undefined
    if (from !== undefined && JSON.stringify(from.manifest) === JSON.stringify(r.manifest)) continue
    const filled = [...new Set([...(from?.filled ?? []), ...r.filled])]
    deltas.push({ id: r.id, from, to: { ...r, filled, origin: from?.origin ?? originOf(r, doc) } })
  }
  for (const r of now.values()) {
    if (r.kind === 'object' && !built.has(r.id)) deltas.push({ id: r.id, from: r, to: undefined })
  }
  const rank = (d: Delta) => (given.includes(d.id) ? given.indexOf(d.id) : given.length)
  return deltas.sort((a, b) => rank(a) - rank(b))
}

/** Objects are nowhere in the network: they are shown on their node, or else on the first, `elsewhere`. */
export function objectChange(delta: Delta, elsewhere: string): Pick<ObjectsChange, 'kind' | 'netns' | 'record'> {
  const object = (delta.to ?? delta.from) as ObjectRecord
  const node = placeFields.get(object.objectKind)
  const place = node === undefined ? undefined : textAt(object.manifest, ...node)
  const ends =
    delta.to?.kind === 'object' && isTerminating(delta.to) && !(delta.from?.kind === 'object' && isTerminating(delta.from))
  const kind = delta.to === undefined ? 'delete' : ends ? 'terminate' : 'apply'
  return { kind, netns: place ?? elsewhere, record: delta.id }
}

/** With what the control plane gave them: a pod keeps its node and its address, a Service its cluster IP. */
export const completed = (objects: ObjectSet, built: World): ObjectSet =>
  new Map(
    [...objects].map(([id, kept]) => {
      const record = built.get(id as RecordId)
      return [id, record?.kind === 'object' ? { ...kept, manifest: record.manifest as unknown as Manifest } : kept]
    }),
  )

/** Objects that belong to a node, and where they say so. */
const placeFields: ReadonlyMap<string, readonly string[]> = new Map([
  ['Pod', ['spec', 'nodeName']],
  ['Node', ['metadata', 'name']],
  ['ServiceL2Status', ['status', 'node']],
])

const isTerminating = (object: ObjectRecord): boolean => fieldAt(object.manifest, 'metadata', 'deletionTimestamp') !== undefined

/** The place in the document where the object was given; in the document that it was built from, it has another. */
function originOf(object: ObjectRecord, doc: ScenarioDocument): Origin {
  if (object.origin.component !== 'user') return object.origin
  const index = doc.changes?.findIndex((c) => c.apply?.some((m) => idOfManifest(m) === object.id)) ?? -1
  if (index >= 0) return { component: 'user', detail: `changes[${index}]` }
  const [owner] = listAt(object.manifest, 'metadata', 'ownerReferences')
  if (owner === undefined) return object.origin
  return { component: 'control-plane', detail: `${textAt(owner, 'kind')} ${object.namespace}/${textAt(owner, 'name')}` }
}
