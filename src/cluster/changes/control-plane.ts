import { listAt, numberAt, objectAt, textAt } from '../../base/fields.ts'
import type { Manifest } from '../../scenario/document.ts'
import { objectId } from '../../world/ids.ts'
import { SECOND, type When } from './agenda.ts'
import type { ReadChange } from './api-server.ts'
import { idOfManifest, type KeptObject, type ObjectSet, withOwned } from './objects.ts'
import type { Played } from './played.ts'
import { graceOf, podsReady, terminating, withReady } from './pod-status.ts'
import { isReady, WORKLOADS, Workloads } from './workloads.ts'

/** Objects as they are from now on. `given`: ids of those that were applied and deleted, in that order. */
export interface NextObjects {
  readonly objects: ObjectSet
  readonly given: readonly string[]
}

/** What API server and controllers make of objects that come, change and go; kubelets tell them of readiness. */
export class ControlPlane {
  readonly #played: Played
  readonly #workloads: Workloads
  /** Workloads that something has been done to: their controllers are at work. The others are taken to be content. */
  readonly #managed = new Set<string>()

  constructor(played: Played) {
    this.#played = played
    this.#workloads = new Workloads(played.objects)
  }

  /** The objects after `kubectl apply` and `kubectl delete`. */
  take({ applied, deleted }: ReadChange, when: When): NextObjects {
    let objects = new Map<string, KeptObject>(this.#played.objects)
    for (const o of applied) {
      const id = idOfManifest(o.manifest)
      if (WORKLOADS.includes(o.manifest.kind)) this.#managed.add(id)
      objects.set(id, objects.has(id) ? o : { ...o, manifest: this.#starting(o.manifest, when) })
      if (o.manifest.kind === 'Node') objects = new Map(podsReady(objects, o.manifest.metadata.name, isReady(o.manifest)))
    }
    for (const id of deleted) for (const owner of ownersOf(objects.get(id)?.manifest)) this.#managed.add(owner)
    for (const id of withOwned(objects, deleted)) this.#delete(objects, id, when)
    return { objects, given: [...applied.map((o) => idOfManifest(o.manifest)), ...deleted] }
  }

  /** A pod's readiness probe has succeeded. Undefined when the pod is gone by then. */
  ready(id: string): NextObjects | undefined {
    const pod = this.#played.objects.get(id)
    if (pod === undefined) return undefined
    const ready = { ...pod, manifest: withReady(pod.manifest, { status: 'True' }) }
    return { objects: new Map(this.#played.objects).set(id, ready), given: [id] }
  }

  /** Controllers see every change, and act on those that concern what they manage. */
  wakeControllers({ journey, at }: When): void {
    const { agenda } = this.#played
    if (this.#managed.size > 0 && !agenda.has('control', { journey, at })) agenda.add({ journey, at, due: { kind: 'control' } })
  }

  /** The workload controllers, as long as they find something to do. Undefined when they find nothing. */
  control(when: When): NextObjects | undefined {
    const objects = new Map(this.#played.objects)
    const made: string[] = []
    const nodes = this.#played.cluster.nodes.map((n) => n.name)
    for (let acted = true; acted; ) {
      acted = false
      for (const id of this.#managed) {
        const workload = objects.get(id)
        if (workload === undefined) continue
        const { make, remove } = this.#workloads.next(workload, objects, nodes)
        for (const pod of make)
          objects.set(idOfManifest(pod), { manifest: this.#starting(pod, when), path: `${workload.path}.spec.template` })
        for (const pod of remove) this.#delete(objects, pod, when)
        made.push(...make.map(idOfManifest), ...remove)
        acted ||= make.length + remove.length > 0
      }
    }
    return made.length === 0 ? undefined : { objects, given: made }
  }

  /** A pod gets its grace period; everything else is gone. */
  #delete(objects: Map<string, KeptObject>, id: string, { journey, at }: When): void {
    const known = objects.get(id)
    if (known === undefined) return
    this.#managed.delete(id)
    const grace = known.manifest.kind === 'Pod' ? graceOf(known.manifest) : 0
    if (grace === 0) objects.delete(id)
    else {
      objects.set(id, { ...known, manifest: terminating(known.manifest) })
      this.#played.agenda.add({ journey, at: at + grace * SECOND, due: { kind: 'kill', id } })
    }
  }

  /** A new pod with a readiness probe is not ready before the probe's first answer, which is taken to be a good one. */
  #starting(manifest: Manifest, { journey, at }: When): Manifest {
    const delay = manifest.kind === 'Pod' ? readinessDelay(manifest) : undefined
    if (delay === undefined) return manifest
    this.#played.agenda.add({ journey, at: at + delay * SECOND, due: { kind: 'ready', id: idOfManifest(manifest) } })
    return withReady(manifest, { status: 'False', reason: 'ContainersNotReady' })
  }
}

/** Workloads that a pod belongs to. */
const ownersOf = (manifest: Manifest | undefined): string[] =>
  listAt(manifest, 'metadata', 'ownerReferences').flatMap((o) => {
    const kind = textAt(o, 'kind') ?? ''
    return WORKLOADS.includes(kind) ? [objectId(kind, manifest?.metadata.namespace ?? 'default', textAt(o, 'name') ?? '')] : []
  })

/** Seconds until the slowest of a pod's readiness probes is first tried; undefined where there is none, or the status says it. */
function readinessDelay(pod: Manifest): number | undefined {
  if (listAt(pod, 'status', 'conditions').some((c) => textAt(c, 'type') === 'Ready')) return undefined
  const probes = listAt(pod, 'spec', 'containers').flatMap((c) => objectAt(c, 'readinessProbe') ?? [])
  return probes.length === 0 ? undefined : Math.max(...probes.map((p) => numberAt(p, 'initialDelaySeconds') ?? 0))
}
