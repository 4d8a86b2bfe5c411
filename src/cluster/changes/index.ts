import { err, ok, type Result } from '../../base/result.ts'
import type { InputError, ScenarioDocument } from '../../scenario/document.ts'
import type { WorldChange } from '../../world/changes.ts'
import type { RecordId } from '../../world/ids.ts'
import type { ObjectRecord, WorldRecord } from '../../world/records.ts'
import { applyDelta, type Delta, type World } from '../../world/world.ts'
import { buildWorld } from '../build.ts'
import { inputError } from '../errors.ts'
import { fillIn } from '../fill-in.ts'
import type { Cluster } from '../model.ts'
import {
  documentWith,
  graceOf,
  idOf,
  initialObjects,
  type KeptObject,
  type ObjectSet,
  placedErrors,
  readChange,
  terminating,
  withOwned,
} from './objects.ts'
import { attached, gonePods, newPods, processesOf, recordsOfPod } from './pods.ts'
import { type Synced, syncedOf, syncNode } from './proxy.ts'

const MS = 1_000_000
const SECOND = 1_000_000_000
/** From a change in the API server to kube-proxy's rules being loaded: the watch, the sync, iptables-restore. An idle cluster's figure. */
const SYNC_LAG = 20 * MS
/** KubeProxyConfiguration's minSyncPeriod: an idle kube-proxy syncs at once, and not again before this has passed (pkg/proxy/runner). */
const MIN_SYNC_PERIOD = 1 * SECOND
/** From the last container's end to the sandbox's: StopPodSandbox calls the network plugin. */
const SANDBOX_LAG = 100 * MS

/**
 * What the scheduled changes of a document come to, in the order in which it happens: the control plane fills in what follows
 * from the objects, runtime and network plugin make and remove namespaces, kube-proxy syncs on every node. `world` is the one
 * that `buildWorld` made of the same document.
 *
 * A pod that is applied runs and is ready at once. One that is deleted is terminating, and serves, until its grace period is
 * over; then it is killed and its namespace goes. kube-proxy is idle when a journey begins.
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
    if ((c.apply ?? []).length + (c.delete ?? []).length === 0)
      return [inputError(path, 'changes nothing; expected apply or delete')]
    return []
  })
}

/** `1500ms`, `2s`, `1.5m` in ns. */
export function durationOf(text: string): number {
  const [, number = '0', unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? []
  return Math.round(Number(number) * (unit === 'ms' ? MS : unit === 's' ? SECOND : 60 * SECOND))
}

/** A moment at which the API server's objects change. */
type Moment = { readonly journey: number; readonly at: number; readonly path: string } & (
  | { readonly kind: 'scheduled'; readonly index: number }
  | { readonly kind: 'grace-over'; readonly pods: readonly string[] }
)

class Course {
  readonly #doc: ScenarioDocument
  readonly #errors: InputError[] = []
  readonly #out: WorldChange[] = []
  /** The world at this moment, as far as changes reach into it. */
  readonly #now: Map<RecordId, WorldRecord>
  #objects: ObjectSet
  #cluster: Cluster
  #synced: Synced
  #moments: Moment[]
  /** When kube-proxy last synced, and in which journey. */
  #lastSync = { journey: -1, at: 0 }
  #nextSync: { readonly journey: number; readonly at: number } | undefined
  #after: World

  constructor(doc: ScenarioDocument, world: World, cluster: Cluster) {
    this.#doc = doc
    this.#now = new Map(world)
    this.#after = world
    this.#cluster = cluster
    this.#synced = syncedOf(cluster)
    this.#objects = initialObjects(cluster.objects)
    this.#moments = (doc.changes ?? []).map((c, index) => ({
      kind: 'scheduled',
      journey: c.journey,
      at: durationOf(c.at),
      path: `changes[${index}]`,
      index,
    }))
  }

  run(): Result<WorldChange[], InputError[]> {
    for (;;) {
      this.#moments.sort((a, b) => a.journey - b.journey || a.at - b.at)
      const next = this.#moments[0]
      const due = this.#nextSync
      if (due !== undefined && (next === undefined || due.journey < next.journey || due.at < next.at)) {
        this.#sync(due)
        continue
      }
      if (next === undefined || this.#errors.length > 0) break
      this.#moments.shift()
      if (next.kind === 'scheduled') this.#scheduled(next)
      else this.#graceOver(next)
    }
    return this.#errors.length > 0 ? err(this.#errors) : ok(this.#out)
  }

  #change(delta: Delta): Delta {
    applyDelta(this.#now, delta)
    return delta
  }

  #scheduled(m: Extract<Moment, { kind: 'scheduled' }>): void {
    const change = this.#doc.changes?.[m.index]
    if (change === undefined) return
    const { applied, deleted } = readChange(change, m.path, this.#objects, this.#errors)
    if (this.#errors.length > 0) return
    const objects = new Map<string, KeptObject>(this.#objects)
    for (const o of applied) objects.set(idOf(o.manifest.kind, o.manifest.metadata.namespace, o.manifest.metadata.name), o)
    const ending: string[] = []
    for (const id of withOwned(objects, deleted)) {
      const known = objects.get(id)
      if (known === undefined) continue
      if (known.manifest.kind === 'Pod' && graceOf(known.manifest) > 0) {
        objects.set(id, { ...known, manifest: terminating(known.manifest) })
        this.#moments.push({ ...m, kind: 'grace-over', at: m.at + graceOf(known.manifest) * SECOND, pods: [id] })
      } else if (known.manifest.kind === 'Pod') ending.push(id)
      else objects.delete(id)
    }
    this.#become(objects, m, new Set(deleted))
    if (ending.length > 0) this.#graceOver({ ...m, kind: 'grace-over', pods: ending })
  }

  /** SIGKILL, and the sandbox's end a little later. */
  #graceOver(m: Extract<Moment, { kind: 'grace-over' }>): void {
    const objects = new Map(this.#objects)
    for (const id of m.pods) objects.delete(id)
    const before = this.#after
    const built = this.#build(objects)
    if (built === undefined) return
    for (const netns of gonePods(before, built.world)) {
      const node = (netns.node ?? netns.id).slice('netns:'.length)
      const processes = processesOf(netns, this.#now)
      this.#out.push({ kind: 'kill', journey: m.journey, at: m.at, netns: node, record: netns.id, processes })
    }
    this.#become(objects, { ...m, at: m.at + SANDBOX_LAG }, new Set(m.pods), built)
  }

  #build(objects: ObjectSet): { world: World; cluster: Cluster } | undefined {
    const doc = documentWith(this.#doc, objects)
    const world = buildWorld(doc, { rulesOn: this.#nodesWithRules() })
    const cluster = fillIn(doc)
    if (world.ok && cluster.ok) return { world: world.value, cluster: cluster.value }
    this.#errors.push(...placedErrors(world.ok ? [] : world.error, objects))
    return undefined
  }

  /** On a large cluster the others have none, and get none. */
  #nodesWithRules(): string[] {
    return this.#cluster.nodes.map((n) => n.name).filter((n) => this.#now.has(`chain:${n}/nat/KUBE-SERVICES` as RecordId))
  }

  /** The API server's objects are these from `m.at` on: what follows from that, but for kube-proxy, which syncs when it may. */
  #become(objects: ObjectSet, m: Moment, deleted: ReadonlySet<string>, ready = this.#build(objects)): void {
    if (ready === undefined) return
    const { world, cluster } = ready
    const at = { journey: m.journey, at: m.at }
    for (const delta of this.#objectDeltas(world))
      this.#out.push({ ...at, ...this.#objectChange(delta, deleted), deltas: [this.#change(delta)] })
    for (const netns of gonePods(this.#now, world)) {
      for (const r of recordsOfPod(netns, this.#now)) this.#change({ id: r.id, from: r, to: undefined })
      this.#out.push({ kind: 'detach', ...at, netns: (netns.node ?? netns.id).slice('netns:'.length), record: netns.id })
    }
    for (const netns of newPods(this.#now, world)) {
      const change = attached(netns, world, this.#now)
      for (const r of change.records) this.#change({ id: r.id, from: undefined, to: r })
      this.#out.push({ kind: 'attach', ...at, ...change })
    }
    this.#objects = objects
    this.#after = world
    this.#cluster = cluster
    const earliest = m.at + SYNC_LAG
    const resting = this.#lastSync.journey === m.journey ? this.#lastSync.at + MIN_SYNC_PERIOD : 0
    this.#nextSync ??= { journey: m.journey, at: Math.max(earliest, resting) }
  }

  /** Objects that are new, changed or gone; those that were given come before those that follow from them. */
  #objectDeltas(world: World): Delta[] {
    const deltas: Delta[] = []
    for (const r of world.values()) {
      if (r.kind !== 'object') continue
      const known = this.#now.get(r.id)
      const from = known?.kind === 'object' ? known : undefined
      if (from !== undefined && JSON.stringify(from.manifest) === JSON.stringify(r.manifest)) continue
      deltas.push({
        id: r.id,
        from,
        to: { ...r, filled: [...new Set([...(from?.filled ?? []), ...r.filled])], origin: from?.origin ?? r.origin },
      })
    }
    for (const r of this.#now.values())
      if (r.kind === 'object' && !world.has(r.id)) deltas.push({ id: r.id, from: r, to: undefined })
    const derived = (d: Delta) => (d.to ?? d.from)?.origin.component === 'control-plane'
    return [...deltas.filter((d) => !derived(d)), ...deltas.filter(derived)]
  }

  #objectChange(delta: Delta, deleted: ReadonlySet<string>) {
    const object = (delta.to ?? delta.from) as ObjectRecord
    const pod = object.objectKind === 'Pod' ? object.manifest.spec : undefined
    const node = typeof pod === 'object' && pod !== null && 'nodeName' in pod ? String(pod.nodeName) : undefined
    const kind =
      delta.to === undefined ? ('delete' as const) : deleted.has(delta.id) ? ('terminate' as const) : ('apply' as const)
    // Objects are nowhere in the network: they are shown on their node, or else on the first.
    return { kind, netns: node ?? this.#cluster.nodes[0]?.name ?? '', record: delta.id }
  }

  #sync(due: { readonly journey: number; readonly at: number }): void {
    this.#nextSync = undefined
    this.#lastSync = due
    const rules = new Set(this.#nodesWithRules())
    for (const self of this.#cluster.nodes) {
      if (!rules.has(self.name)) continue
      const sync = syncNode(self, { cluster: this.#cluster, before: this.#synced, after: this.#after, now: this.#now })
      for (const t of sync.tables) for (const delta of t.deltas) this.#change(delta)
      this.#out.push({ kind: 'sync', ...due, ...sync })
    }
    this.#synced = syncedOf(this.#cluster)
  }
}
