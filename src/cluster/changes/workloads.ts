import { listAt, numberAt, objectAt, stringsAt, textAt } from '../../base/fields.ts'
import type { Manifest } from '../../scenario/document.ts'
import { randomSuffix } from '../fill-workloads.ts'
import { idOfManifest, type KeptObject, type ObjectSet } from './objects.ts'

// The workload controllers in the middle of a journey (pkg/controller: deployment, replicaset, statefulset, daemon): what they do next
// for the pods that there are. ReplicaSets of a Deployment are not objects here; which of them a pod is of says its template.

/** Pods to make, and ids of pods to delete, in this order. */
export interface NextPods {
  readonly make: readonly Manifest[]
  readonly remove: readonly string[]
}

const NOTHING: NextPods = { make: [], remove: [] }

interface OwnPod {
  readonly id: string
  readonly manifest: Manifest
  readonly isReady: boolean
  readonly isTerminating: boolean
  /** Made of the workload's template as it is now. */
  readonly isCurrent: boolean
}

/** What a controller knows of its pods beyond the objects. */
export class Workloads {
  /** By pod id: the template that it was made of, as text. */
  readonly #templates = new Map<string, string>()
  /** Names that pods have had. */
  readonly #used = new Set<string>()
  /** By workload: the template that its first pods were made of. */
  readonly #first = new Map<string, string>()

  constructor(objects: ObjectSet) {
    for (const [id, { manifest }] of objects) {
      if (manifest.kind === 'Pod') this.#used.add(id)
      const template = templateOf(manifest)
      if (template === undefined) continue
      this.#first.set(id, template)
      for (const pod of podsOf(objects, manifest)) this.#templates.set(idOfManifest(pod), template)
    }
  }

  /** What the controller of one workload does now. To be asked again until it is nothing. */
  next(workload: KeptObject, objects: ObjectSet, nodes: readonly string[]): NextPods {
    const { manifest } = workload
    const template = templateOf(manifest)
    if (template === undefined) return NOTHING
    const own = podsOf(objects, manifest).map((pod): OwnPod => {
      const id = idOfManifest(pod)
      return {
        id,
        manifest: pod,
        isReady: isReady(pod),
        isTerminating: objectAt(pod, 'metadata')?.deletionTimestamp !== undefined,
        isCurrent: (this.#templates.get(id) ?? this.#first.get(idOfManifest(manifest)) ?? template) === template,
      }
    })
    switch (manifest.kind) {
      case 'Deployment':
        return this.#deployment(manifest, own)
      case 'ReplicaSet':
        return this.#replicaSet(manifest, own)
      case 'StatefulSet':
        return this.#statefulSet(manifest, own)
      case 'DaemonSet':
        return this.#daemonSet(manifest, own, nodes)
      default:
        return NOTHING
    }
  }

  /** rolloutRolling(), rolloutRecreate(), and the scaling that both begin with. */
  #deployment(d: Manifest, own: readonly OwnPod[]): NextPods {
    const wanted = replicasOf(d)
    const alive = own.filter((p) => !p.isTerminating)
    const old = alive.filter((p) => !p.isCurrent)
    const current = alive.filter((p) => p.isCurrent)
    if (current.length > wanted) return { make: [], remove: victims(current, current.length - wanted) }
    if (textAt(d, 'spec', 'strategy', 'type') === 'Recreate') {
      if (old.length > 0) return { make: [], remove: old.map((p) => p.id) }
      // The new pods wait until nothing of the old ones runs any more.
      if (own.some((p) => !p.isCurrent)) return NOTHING
      return { make: this.#make(d, wanted - current.length), remove: [] }
    }
    const surge = share(d, 'maxSurge', wanted, Math.ceil)
    // Both at zero would never get anywhere (ResolveFenceposts).
    const unavailable = Math.max(share(d, 'maxUnavailable', wanted, Math.floor), surge === 0 ? 1 : 0)
    const room = old.length === 0 ? wanted - current.length : Math.min(wanted - current.length, wanted + surge - alive.length)
    if (room > 0) return { make: this.#make(d, room), remove: [] }
    const ready = alive.filter((p) => p.isReady).length
    // Old pods that do not serve are no loss (cleanupUnhealthyReplicas); of the others as many as can be spared.
    const idle = old.filter((p) => !p.isReady)
    const spare = Math.max(0, ready - (wanted - unavailable))
    return {
      make: [],
      remove: [
        ...idle.map((p) => p.id),
        ...victims(
          old.filter((p) => p.isReady),
          spare,
        ),
      ],
    }
  }

  #replicaSet(d: Manifest, own: readonly OwnPod[]): NextPods {
    const alive = own.filter((p) => !p.isTerminating)
    const missing = replicasOf(d) - alive.length
    return missing >= 0 ? { make: this.#make(d, missing), remove: [] } : { make: [], remove: victims(alive, -missing) }
  }

  /** OrderedReady: one after the other, upwards when pods come, downwards when they go or are replaced. */
  #statefulSet(d: Manifest, own: readonly OwnPod[]): NextPods {
    const wanted = replicasOf(d)
    const byOrdinal = new Map(own.map((p) => [Number(/-(\d+)$/.exec(p.manifest.metadata.name)?.[1]), p]))
    for (let i = 0; i < wanted; i++) {
      const pod = byOrdinal.get(i)
      if (pod === undefined) return { make: [this.#pod(d, `${d.metadata.name}-${i}`)], remove: [] }
      if (pod.isTerminating || !pod.isReady) return NOTHING
    }
    const last = Math.max(-1, ...byOrdinal.keys())
    const surplus = byOrdinal.get(last)
    if (last >= wanted && surplus !== undefined) return surplus.isTerminating ? NOTHING : { make: [], remove: [surplus.id] }
    if (textAt(d, 'spec', 'updateStrategy', 'type') === 'OnDelete') return NOTHING
    for (let i = wanted - 1; i >= 0; i--) {
      const pod = byOrdinal.get(i)
      if (pod?.isCurrent === false) return { make: [], remove: [pod.id] }
    }
    return NOTHING
  }

  /** RollingUpdate with maxUnavailable 1: a node's old pod goes when all others serve, and the new one comes once it is gone. */
  #daemonSet(d: Manifest, own: readonly OwnPod[], nodes: readonly string[]): NextPods {
    const nodeOf = (p: OwnPod) => textAt(p.manifest, 'spec', 'nodeName')
    const missing = nodes.filter((n) => !own.some((p) => nodeOf(p) === n))
    if (missing.length > 0) return { make: missing.map((n) => this.#pod(d, this.#name(d, d.metadata.name, n), n)), remove: [] }
    if (textAt(d, 'spec', 'updateStrategy', 'type') === 'OnDelete' || own.some((p) => p.isTerminating || !p.isReady))
      return NOTHING
    const old = own.find((p) => !p.isCurrent)
    return old === undefined ? NOTHING : { make: [], remove: [old.id] }
  }

  #make(d: Manifest, count: number): Manifest[] {
    const base = d.kind === 'Deployment' ? `${d.metadata.name}-${this.#hash(d)}` : d.metadata.name
    return Array.from({ length: Math.max(0, count) }, () => this.#pod(d, this.#name(d, base)))
  }

  /** The part of a ReplicaSet's name that says the template: of the first one as fill-workloads.ts has it. */
  #hash(d: Manifest): string {
    const key = keyOf(d)
    const template = templateOf(d) ?? ''
    return randomSuffix(this.#first.get(idOfManifest(d)) === template ? key : `${key}/${template}`, 9)
  }

  /** A name that no pod has had. */
  #name(d: Manifest, base: string, more = ''): string {
    for (let i = 0; ; i++) {
      const name = `${base}-${randomSuffix(`${keyOf(d)}/${more}${base.length > d.metadata.name.length ? '' : base}${i}`, 5)}`
      if (!this.#used.has(idOfManifest({ ...d, kind: 'Pod', metadata: { ...d.metadata, name } }))) return name
    }
  }

  #pod(d: Manifest, name: string, nodeName?: string): Manifest {
    const template = objectAt(d, 'spec', 'template') ?? {}
    const governing = textAt(d, 'spec', 'serviceName')
    const identity =
      d.kind === 'StatefulSet' ? { hostname: name, ...(governing === undefined ? {} : { subdomain: governing }) } : {}
    const pod: Manifest = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace: d.metadata.namespace ?? 'default',
        labels: stringsAt(template, 'metadata', 'labels'),
        ownerReferences: [{ apiVersion: d.apiVersion, kind: d.kind, name: d.metadata.name, controller: true }],
      },
      spec: {
        ...structuredClone(objectAt(template, 'spec') ?? {}),
        ...identity,
        ...(nodeName === undefined ? {} : { nodeName }),
      },
    }
    const id = idOfManifest(pod)
    this.#used.add(id)
    this.#templates.set(id, templateOf(d) ?? '')
    return pod
  }
}

export const WORKLOADS: readonly string[] = ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet']

const keyOf = (d: Manifest): string => `${d.kind}/${d.metadata.namespace ?? 'default'}/${d.metadata.name}`
const replicasOf = (d: Manifest): number => numberAt(d, 'spec', 'replicas') ?? 1

function templateOf(m: Manifest): string | undefined {
  const template = WORKLOADS.includes(m.kind) ? objectAt(m, 'spec', 'template') : undefined
  return template === undefined ? undefined : JSON.stringify(template)
}

/** Pods that a workload's selector matches. */
function podsOf(objects: ObjectSet, workload: Manifest): Manifest[] {
  const wanted = Object.entries(stringsAt(workload, 'spec', 'selector', 'matchLabels'))
  const namespace = workload.metadata.namespace ?? 'default'
  if (wanted.length === 0) return []
  return [...objects.values()].flatMap(({ manifest }) => {
    if (manifest.kind !== 'Pod' || (manifest.metadata.namespace ?? 'default') !== namespace) return []
    const labels = stringsAt(manifest, 'metadata', 'labels')
    return wanted.every(([k, v]) => labels[k] === v) ? [manifest] : []
  })
}

/** A pod that says nothing of it is taken to be ready, as everywhere here. */
export function isReady(pod: Manifest): boolean {
  const ready = listAt(pod, 'status', 'conditions').find((c) => textAt(c, 'type') === 'Ready')
  return ready === undefined || textAt(ready, 'status') === 'True'
}

/** Which pods of many go: those that do not serve, then the youngest (ActivePodsWithRanks). */
const victims = (pods: readonly OwnPod[], count: number): string[] =>
  [...pods.filter((p) => !p.isReady), ...pods.filter((p) => p.isReady).reverse()].slice(0, Math.max(0, count)).map((p) => p.id)

/** `spec.strategy.rollingUpdate`: a number or a share, 25% when it is not said. */
function share(d: Manifest, field: 'maxSurge' | 'maxUnavailable', replicas: number, round: (n: number) => number): number {
  const given = objectAt(d, 'spec', 'strategy', 'rollingUpdate')?.[field] ?? '25%'
  if (typeof given === 'number') return given
  const percent = /^(\d+)%$/.exec(String(given))?.[1]
  return percent === undefined ? 0 : round((Number(percent) * replicas) / 100)
}
