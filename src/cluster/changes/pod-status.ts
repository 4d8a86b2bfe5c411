import { isObject, listAt, numberAt, textAt } from '../../base/fields.ts'
import type { Manifest } from '../../scenario/document.ts'
import { idOf, type ObjectSet } from './objects.ts'

// What pods and nodes are said to be: ready or not, on their way out.

/** v1.DefaultTerminationGracePeriodSeconds */
const GRACE = 30

/** Seconds that a pod has after its deletion: spec.terminationGracePeriodSeconds. */
export const graceOf = (pod: Manifest): number => numberAt(pod, 'spec', 'terminationGracePeriodSeconds') ?? GRACE

/**
 * What the node lifecycle controller makes of a node whose heartbeats have stopped: its Ready is Unknown, and none of its pods is ready
 * any more (MarkPodsNotReady). They are evicted five minutes later, which is beyond what is played here.
 */
export function lost(objects: ObjectSet, node: string): ObjectSet {
  const out = new Map(objects)
  const id = idOf('Node', undefined, node)
  const known = out.get(id)
  if (known !== undefined)
    out.set(id, { ...known, manifest: withReady(known.manifest, { status: 'Unknown', reason: 'NodeStatusUnknown' }) })
  return podsReady(out, node, false)
}

/** All pods of a node as ready, or not, as the node is. */
export function podsReady(objects: ObjectSet, node: string, ready: boolean): ObjectSet {
  const out = new Map(objects)
  for (const [id, kept] of objects) {
    if (kept.manifest.kind === 'Pod' && textAt(kept.manifest, 'spec', 'nodeName') === node)
      out.set(id, { ...kept, manifest: withReady(kept.manifest, { status: ready ? 'True' : 'False' }) })
  }
  return out
}

/** With another Ready condition. */
export function withReady(manifest: Manifest, ready: { readonly status: string; readonly reason?: string }): Manifest {
  const status = isObject(manifest.status) ? manifest.status : {}
  const others = listAt(status, 'conditions').filter((c) => textAt(c, 'type') !== 'Ready')
  return { ...manifest, status: { ...status, conditions: [...others, { type: 'Ready', ...ready }] } }
}

/** As the API server marks it. The date is of no meaning here: a run has none. */
export function terminating(pod: Manifest): Manifest {
  const metadata = { ...pod.metadata, deletionTimestamp: '1970-01-01T00:00:00Z', deletionGracePeriodSeconds: graceOf(pod) }
  return { ...pod, metadata }
}
