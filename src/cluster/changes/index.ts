import { assertNever } from '../../base/assert-never.ts'
import { at as fieldAt, listAt, numberAt, objectAt, textAt } from '../../base/fields.ts'
import { err, ok, type Result } from '../../base/result.ts'
import type { InputError, Manifest, ScenarioDocument, ScheduledChange } from '../../scenario/document.ts'
import type { ConfigureChange, NftRecord, WorldChange } from '../../world/changes.ts'
import { chainId, deviceId, netnsId, nftTableId, objectId, type ProcessId, type RecordId, socketId } from '../../world/ids.ts'
import type {
  DeviceRecord,
  NetnsRecord,
  ObjectRecord,
  Origin,
  ProcessRecord,
  SocketRecord,
  WorldRecord,
} from '../../world/records.ts'
import { applyDelta, type Delta, type World } from '../../world/world.ts'
import { buildWorld } from '../build.ts'
import { inputError, listed } from '../errors.ts'
import { fillIn } from '../fill-in.ts'
import { hasSpeakers } from '../metallb/layer2.ts'
import type { Cluster, ClusterPod } from '../model.ts'
import { HOME } from '../site.ts'
import { type BalancerEdit, BalancerHealth, nextProbe } from './balancers.ts'
import { routeEdits } from './edits.ts'
import { hostPortEdits, staleHostPorts } from './host-ports.ts'
import {
  documentWith,
  graceOf,
  idOfManifest,
  initialObjects,
  type KeptObject,
  lost,
  type ObjectSet,
  placedErrors,
  podsReady,
  readChange,
  terminating,
  withOwned,
  withReady,
} from './objects.ts'
import { attached, gonePods, newPods, processesOf, recordsOfPod } from './pods.ts'
import { isHealthCheck, isOfPod, programEdits } from './programs.ts'
import { type Synced, syncedOf, syncNode } from './proxy.ts'
import { isReady, WORKLOADS, Workloads } from './workloads.ts'

const MS = 1_000_000
const SECOND = 1_000_000_000
/** From a change in the API server to kube-proxy's rules being loaded: the watch, the sync, iptables-restore. An idle cluster's figure. */
const SYNC_LAG = 20 * MS
/** KubeProxyConfiguration's minSyncPeriod: an idle kube-proxy syncs at once, and not again before this has passed (pkg/proxy/runner). */
const MIN_SYNC_PERIOD = 1 * SECOND
/**
 * A silent member is missed by memberlist's next probe (ProbeInterval, 1 s) and is dead when nobody has heard of it for as long as
 * suspicion lasts (SuspicionMult 4, with so few members 4 s): DefaultLANConfig of hashicorp/memberlist, as MetalLB has it.
 */
const UNHEARD_AFTER = 5 * SECOND
/** --node-monitor-grace-period of the kube-controller-manager (50 s since Kubernetes 1.32). */
const NODE_MONITOR_GRACE_PERIOD = 50 * SECOND
/** From the last container's end to the sandbox's: StopPodSandbox calls the network plugin. */
const SANDBOX_LAG = 100 * MS

/**
 * What the scheduled changes of a document come to, in the order in which it happens: the control plane fills in what follows
 * from the objects, runtime and network plugin make and remove namespaces, kube-proxy syncs on every node. `world` is the one
 * that `buildWorld` made of the same document.
 *
 * A pod that is applied runs and is ready at once, or when its readiness probe is first tried. One that is deleted is terminating, and serves, until its grace period is
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
    if ((c.apply ?? []).length + (c.delete ?? []).length + (c.unplug ?? []).length === 0)
      return [inputError(path, 'changes nothing; expected apply, delete or unplug')]
    return []
  })
}

/** `1500ms`, `2s`, `1.5m` in ns. */
export function durationOf(text: string): number {
  const [, number = '0', unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? []
  return Math.round(Number(number) * (unit === 'ms' ? MS : unit === 's' ? SECOND : 60 * SECOND))
}

interface When {
  readonly journey: number
  /** ns since the journey began. */
  readonly at: number
}

/** What is due, and when. */
interface Moment extends When {
  readonly due:
    | { readonly kind: 'scheduled'; readonly index: number }
    /** The pod's grace period is over. `id` is the object's. */
    | { readonly kind: 'kill'; readonly id: string }
    /** The sandbox of a killed pod goes; the object too, where it is still there. */
    | { readonly kind: 'detach'; readonly netns: NetnsRecord; readonly id?: string }
    /** The kubelet lets go of a pod that had no sandbox network of its own. */
    | { readonly kind: 'forget'; readonly id: string }
    | { readonly kind: 'sync' }
    /** The workload controllers look at what there is. */
    | { readonly kind: 'control' }
    /** A pod's readiness probe has had its answer. */
    | { readonly kind: 'ready'; readonly id: string }
    /** What does not depend on the API server notices that a node is gone: MetalLB's speakers. */
    | { readonly kind: 'unheard'; readonly node: string }
    /** The node lifecycle controller has waited long enough for a node's heartbeat. */
    | { readonly kind: 'not-ready'; readonly node: string }
    /** Load balancers ask the nodes for their health. */
    | { readonly kind: 'probe' }
}

/** The course of a document's run, as far as objects and what follows from them are concerned. */
class Course {
  readonly #doc: ScenarioDocument
  readonly #errors: InputError[] = []
  readonly #out: WorldChange[] = []
  /** The world at this moment, as far as changes reach into it. */
  readonly #now: Map<RecordId, WorldRecord>
  readonly #agenda: Moment[]
  /** Pods whose processes are dead and whose namespaces go in a moment. */
  readonly #killed = new Set<RecordId>()
  #objects: ObjectSet
  #cluster: Cluster
  /** The world as it is built of the objects of this moment. */
  #built: World
  #synced: Synced
  /** The cluster that every kube-proxy has seen: what its health checks answer by. */
  #seen: Cluster
  readonly #health: BalancerHealth
  readonly #workloads: Workloads
  /** Workloads that something has been done to: their controllers are at work. The others are taken to be content. */
  readonly #managed = new Set<string>()
  readonly #unplugged: Set<string>
  /** Of these, those that the other nodes miss. */
  readonly #unheard: Set<string>
  #lastSync: Moment | undefined

  constructor(doc: ScenarioDocument, world: World, cluster: Cluster) {
    this.#doc = doc
    this.#now = new Map(world)
    this.#built = world
    this.#cluster = cluster
    this.#synced = syncedOf(cluster)
    this.#seen = cluster
    this.#unplugged = new Set(doc.cluster.unplugged)
    this.#unheard = new Set(doc.cluster.unplugged)
    this.#health = new BalancerHealth(cluster, this.#unplugged)
    this.#objects = initialObjects(cluster.objects)
    this.#workloads = new Workloads(this.#objects)
    this.#agenda = (doc.changes ?? []).map((c, index) => ({
      journey: c.journey,
      at: durationOf(c.at),
      due: { kind: 'scheduled', index },
    }))
  }

  run(): Result<WorldChange[], InputError[]> {
    for (;;) {
      // Stable: what is due at one moment keeps the order in which it came up.
      this.#agenda.sort((a, b) => a.journey - b.journey || a.at - b.at)
      const next = this.#agenda.shift()
      if (this.#errors.length > 0) return err(this.#errors)
      if (next === undefined) return ok(this.#out)
      this.#meet(next)
    }
  }

  #meet(m: Moment): void {
    const { due } = m
    switch (due.kind) {
      case 'scheduled':
        this.#scheduled(m, due.index)
        return
      case 'kill':
        for (const netns of namespacesOf(due.id, this.#now)) this.#kill(netns, m, due.id)
        this.#killOnHost(due.id, m)
        return
      case 'detach':
        this.#detach(due.netns, m)
        if (due.id !== undefined) this.#become(without(this.#objects, due.id), m, [due.id])
        return
      case 'forget':
        this.#become(without(this.#objects, due.id), m, [due.id])
        return
      case 'sync':
        this.#sync(m)
        return
      case 'unheard':
        this.#unheard.add(due.node)
        this.#become(this.#objects, m, [])
        return
      case 'not-ready':
        this.#become(lost(this.#objects, due.node), m, [objectId('Node', undefined, due.node)])
        return
      case 'control':
        this.#control(m)
        return
      case 'ready': {
        const pod = this.#objects.get(due.id)
        if (pod === undefined) return
        const ready = { ...pod, manifest: withReady(pod.manifest, { status: 'True' }) }
        this.#become(new Map(this.#objects).set(due.id, ready), m, [due.id])
        return
      }
      case 'probe':
        this.#rebalance(this.#health.probe(this.#seen, this.#now), m)
        this.#wakeBalancers(m)
        return
      default:
        assertNever(due, 'what is due')
    }
  }

  #scheduled(m: Moment, index: number): void {
    const change = this.#doc.changes?.[index]
    if (change === undefined) return
    const path = `changes[${index}]`
    const { applied, deleted } = readChange(change, path, this.#objects, this.#errors)
    this.#refuseCutOff(change, path)
    if (this.#errors.length > 0) return
    for (const node of change.unplug ?? []) this.#unplug(node, m)
    if (applied.length + deleted.length === 0) return
    let objects = new Map<string, KeptObject>(this.#objects)
    for (const o of applied) {
      const id = idOfManifest(o.manifest)
      if (WORKLOADS.includes(o.manifest.kind)) this.#managed.add(id)
      objects.set(id, objects.has(id) ? o : { ...o, manifest: this.#starting(o.manifest, m) })
      if (o.manifest.kind === 'Node') objects = new Map(podsReady(objects, o.manifest.metadata.name, isReady(o.manifest)))
    }
    for (const id of deleted) for (const owner of ownersOf(objects.get(id)?.manifest)) this.#managed.add(owner)
    for (const id of withOwned(objects, deleted)) this.#delete(objects, id, m)
    this.#become(objects, m, [...applied.map((o) => idOfManifest(o.manifest)), ...deleted])
  }

  /** A pod gets its grace period; everything else is gone. */
  #delete(objects: Map<string, KeptObject>, id: string, m: When): void {
    const known = objects.get(id)
    if (known === undefined) return
    this.#managed.delete(id)
    const grace = known.manifest.kind === 'Pod' ? graceOf(known.manifest) : 0
    if (grace === 0) objects.delete(id)
    else {
      objects.set(id, { ...known, manifest: terminating(known.manifest) })
      this.#agenda.push({ journey: m.journey, at: m.at + grace * SECOND, due: { kind: 'kill', id } })
    }
  }

  /** A new pod with a readiness probe is not ready before the probe's first answer, which is taken to be a good one. */
  #starting(manifest: Manifest, { journey, at }: When): Manifest {
    const delay = manifest.kind === 'Pod' ? readinessDelay(manifest) : undefined
    if (delay === undefined) return manifest
    this.#agenda.push({ journey, at: at + delay * SECOND, due: { kind: 'ready', id: idOfManifest(manifest) } })
    return withReady(manifest, { status: 'False', reason: 'ContainersNotReady' })
  }

  /** They see every change, and act on those that concern what they manage. */
  #wakeControllers({ journey, at }: When): void {
    const waiting = this.#agenda.some((m) => m.due.kind === 'control' && m.journey === journey && m.at === at)
    if (this.#managed.size > 0 && !waiting) this.#agenda.push({ journey, at, due: { kind: 'control' } })
  }

  /** The workload controllers, as long as they find something to do. */
  #control(m: Moment): void {
    const objects = new Map(this.#objects)
    const made: string[] = []
    const nodes = this.#cluster.nodes.map((n) => n.name)
    for (let acted = true; acted; ) {
      acted = false
      for (const id of this.#managed) {
        const workload = objects.get(id)
        if (workload === undefined) continue
        const { make, remove } = this.#workloads.next(workload, objects, nodes)
        for (const pod of make)
          objects.set(idOfManifest(pod), { manifest: this.#starting(pod, m), path: `${workload.path}.spec.template` })
        for (const pod of remove) this.#delete(objects, pod, m)
        made.push(...make.map(idOfManifest), ...remove)
        acted ||= make.length + remove.length > 0
      }
    }
    if (made.length > 0) this.#become(objects, m, made)
  }

  #refuseCutOff(change: ScheduledChange, path: string): void {
    const names = this.#cluster.nodes.map((n) => n.name)
    change.unplug?.forEach((node, i) => {
      const why = !names.includes(node)
        ? `there is no node "${node}"`
        : this.#unplugged.has(node)
          ? `${node} is cut off already`
          : ''
      const left = names.filter((n) => !this.#unplugged.has(n))
      if (why !== '') this.#errors.push(inputError(`${path}.unplug[${i}]`, `${why}; expected ${listed(left)}`))
    })
    const nodeOf = (m: Manifest | undefined) => textAt(m, 'spec', 'nodeName') ?? ''
    const refuse = (at: string, node: string) =>
      this.#errors.push(
        inputError(at, `${node} is cut off by then, and its kubelet hears of nothing; expected a pod of another node`),
      )
    change.apply?.forEach((m, i) => {
      if (m.kind === 'Pod' && this.#unplugged.has(nodeOf(m))) refuse(`${path}.apply[${i}].spec.nodeName`, nodeOf(m))
    })
    change.delete?.forEach((d, i) => {
      const known = this.#objects.get(objectId(d.kind, d.namespace ?? 'default', d.name))?.manifest
      if (d.kind === 'Pod' && this.#unplugged.has(nodeOf(known))) refuse(`${path}.delete[${i}]`, nodeOf(known))
    })
  }

  #unplug(node: string, { journey, at }: When): void {
    const port = portBehind(node, this.#now)
    if (port === undefined) return
    this.#unplugged.add(node)
    this.#change({ id: port.id, from: port, to: { ...port, up: false } })
    this.#out.push({ kind: 'unplug', journey, at, netns: node, record: netnsId(node), port: port.id })
    if (hasSpeakers(this.#cluster.objects)) this.#agenda.push({ journey, at: at + UNHEARD_AFTER, due: { kind: 'unheard', node } })
    this.#agenda.push({ journey, at: at + NODE_MONITOR_GRACE_PERIOD, due: { kind: 'not-ready', node } })
    this.#wakeBalancers({ journey, at })
  }

  /** SIGKILL; the sandbox goes a little later, and then the kubelet lets go of the object. */
  #kill(netns: NetnsRecord, { journey, at }: Moment, id?: string): void {
    this.#killed.add(netns.id)
    this.#out.push({ kind: 'kill', journey, at, ...placeOf(netns), processes: processesOf(netns, this.#now) })
    const due = { kind: 'detach', netns, ...(id === undefined ? {} : { id }) } as const
    this.#agenda.push({ journey, at: at + SANDBOX_LAG, due })
  }

  #detach(netns: NetnsRecord, { journey, at }: Moment): void {
    for (const r of recordsOfPod(netns, this.#now)) this.#change({ id: r.id, from: r, to: undefined })
    this.#out.push({ kind: 'detach', journey, at, ...placeOf(netns) })
    this.#mapHostPorts({ journey, at }, netns)
  }

  /** A pod on the host's network: its processes die, and there is nothing else to take away. */
  #killOnHost(id: string, { journey, at }: When): void {
    const object = this.#now.get(id as RecordId)
    if (object?.kind !== 'object' || fieldAt(object.manifest, 'spec', 'hostNetwork') !== true) return
    const own = [...this.#now.values()].filter(
      (r): r is ProcessRecord =>
        r.kind === 'process' && r.origin.object?.name === object.name && r.origin.object.namespace === object.namespace,
    )
    this.#killProcesses(own, { journey, at })
    this.#agenda.push({ journey, at: at + SANDBOX_LAG, due: { kind: 'forget', id } })
  }

  #killProcesses(own: readonly ProcessRecord[], { journey, at }: When): void {
    const [first] = own
    if (first === undefined) return
    const netns = first.netns.slice('netns:'.length)
    this.#out.push({ kind: 'kill', journey, at, netns, record: first.netns, processes: own.map((p) => p.id) })
    for (const p of own) this.#change({ id: p.id, from: p, to: undefined })
  }

  /** The portmap plugin has run on the node of a pod that has come or gone. */
  #mapHostPorts(when: When, netns: NetnsRecord, world: World = this.#built, pod?: ClusterPod): void {
    const node = (netns.node ?? netns.id).slice('netns:'.length)
    const table = hostPortEdits(node, this.#now, world)
    const stale = pod === undefined ? [] : staleHostPorts(pod)
    if (table === undefined && stale.length === 0) return
    this.#configure({ netns: node, record: netns.id, tables: table === undefined ? [] : [table], deltas: [], stale }, when)
  }

  #configure(edit: Omit<ConfigureChange, keyof When | 'kind'>, { journey, at }: When): void {
    for (const t of edit.tables) for (const delta of t.deltas) this.#change(delta)
    for (const delta of edit.deltas) this.#change(delta)
    if (edit.nft !== undefined) this.#replaceNft(edit.netns, edit.nft)
    this.#out.push({ kind: 'configure', journey, at, ...edit })
  }

  #replaceNft(netns: string, wanted: readonly NftRecord[]): void {
    for (const r of [...this.#now.values()])
      if (r.kind.startsWith('nft-') && 'netns' in r && r.netns === netnsId(netns))
        this.#change({ id: r.id, from: r, to: undefined })
    for (const r of wanted) this.#change({ id: r.id, from: undefined, to: r })
  }

  #rebalance(edits: readonly BalancerEdit[], when: When): void {
    for (const edit of edits) this.#configure(edit, when)
  }

  /** Balancers ask all the time; here they do as long as an answer would change something. */
  #wakeBalancers({ journey, at }: When): void {
    if (this.#health.isSettled(this.#seen) || this.#agenda.some((m) => m.due.kind === 'probe' && m.journey === journey)) return
    this.#agenda.push({ journey, at: nextProbe(at), due: { kind: 'probe' } })
  }

  /** Containers on the host's network, as they follow from the objects. */
  #runOnHosts(world: World, when: When): void {
    for (const { name } of this.#cluster.nodes) {
      const { starts, stops } = programEdits(name, { now: this.#now, built: world }, isOfPod)
      // Those of a pod whose grace period runs are in the new world too: what is not has none left.
      this.#killProcesses(stops, when)
      const byPod = new Map<string, ProcessRecord[]>()
      for (const p of starts) {
        const { namespace, name: pod = '' } = p.origin.object ?? {}
        const id = objectId('Pod', namespace ?? 'default', pod)
        byPod.set(id, [...(byPod.get(id) ?? []), p])
      }
      for (const [id, servers] of byPod) {
        for (const p of servers) this.#change({ id: p.id, from: undefined, to: p })
        this.#out.push({ kind: 'start', ...when, netns: name, record: id as RecordId, servers })
      }
    }
  }

  /** Routes to pods with addresses of their own, on every machine that routes to them. */
  #route(world: World, record: RecordId, when: When): void {
    for (const r of [...this.#now.values()]) {
      if (r.kind !== 'netns' || r.role === 'pod' || !world.has(r.id)) continue
      const deltas = routeEdits(r.name, this.#now, world)
      if (deltas.length > 0) this.#configure({ netns: r.name, record, tables: [], deltas }, when)
    }
  }

  #attach(netns: NetnsRecord, world: World, { journey, at }: Moment): void {
    const change = attached(netns, world, this.#now)
    for (const r of change.records) this.#change({ id: r.id, from: undefined, to: r })
    this.#out.push({ kind: 'attach', journey, at, ...placeOf(netns), ...change })
  }

  /**
   * The API server's objects are these from now on, and what follows from that: objects that controllers make, pods that come
   * and go, a sync of kube-proxy as soon as it may. `given`: ids of what was applied and deleted, in that order.
   */
  #become(objects: ObjectSet, m: Moment, given: readonly string[]): void {
    const doc = documentWith(this.#doc, objects, this.#unheard)
    const world = buildWorld(doc, { rulesOn: this.#nodesWithRules(), workloads: false })
    const cluster = fillIn(doc, HOME, { workloads: false })
    if (!world.ok || !cluster.ok) {
      this.#errors.push(...placedErrors(world.ok ? [] : world.error, objects))
      return
    }
    const deltas = this.#objectDeltas(world.value, given)
    for (const delta of deltas) {
      this.#out.push({ journey: m.journey, at: m.at, ...this.#objectChange(delta), deltas: [this.#change(delta)] })
    }
    // Without a grace period the object is gone at once, and the kubelet hears of it.
    for (const netns of gonePods(this.#now, world.value)) if (!this.#killed.has(netns.id)) this.#kill(netns, m)
    const when = { journey: m.journey, at: m.at }
    for (const netns of newPods(this.#now, world.value)) {
      this.#attach(netns, world.value, m)
      const pod = cluster.value.pods.find((p) => p.place === netns.name)
      this.#mapHostPorts(when, netns, world.value, pod)
    }
    this.#objects = completed(objects, world.value)
    this.#wakeControllers(when)
    this.#built = world.value
    this.#cluster = cluster.value
    this.#runOnHosts(world.value, when)
    this.#route(world.value, (given[0] ?? world.value.keys().next().value) as RecordId, when)
    this.#rebalance(this.#health.register(cluster.value, this.#now), when)
    if (deltas.some(concernsProxy)) this.#wakeProxy(m)
  }

  /** One sync stands for all changes until it comes. */
  #wakeProxy({ journey, at }: Moment): void {
    if (this.#agenda.some((m) => m.due.kind === 'sync' && m.journey === journey)) return
    const last = this.#lastSync?.journey === journey ? this.#lastSync.at + MIN_SYNC_PERIOD : 0
    this.#agenda.push({ journey, at: Math.max(at + SYNC_LAG, last), due: { kind: 'sync' } })
  }

  #sync(m: Moment): void {
    this.#lastSync = m
    const rules = new Set(this.#nodesWithRules())
    for (const self of this.#cluster.nodes) {
      if (!rules.has(self.name) || this.#unplugged.has(self.name)) continue
      const sync = syncNode(self, { cluster: this.#cluster, before: this.#synced, built: this.#built, now: this.#now })
      // Endpoints are not in the rules of userspace mode: the process reads them for each connection, and there is nothing to sync.
      const isUserspace = this.#doc.cluster.kubeProxy.mode === 'userspace'
      if (isUserspace && sync.tables.length + sync.stale.length === 0 && sync.portals === undefined) continue
      for (const s of sync.portals?.closes ?? []) this.#change({ id: s.id, from: s, to: undefined })
      const { portals } = sync
      const opened = portals?.opens.map((s) => this.#keep(self.name, s, portals.process)) ?? []
      const servers = programEdits(self.name, { now: this.#now, built: this.#built }, isHealthCheck)
      for (const p of servers.starts) this.#change({ id: p.id, from: undefined, to: p })
      for (const p of servers.stops) this.#change({ id: p.id, from: p, to: undefined })
      for (const t of sync.tables) for (const delta of t.deltas) this.#change(delta)
      for (const delta of sync.ipvs?.deltas ?? []) this.#change(delta)
      const programs = {
        ...(portals === undefined ? {} : { portals: { ...portals, opens: opened } }),
        ...(servers.starts.length === 0 ? {} : { starts: servers.starts }),
        ...(servers.stops.length === 0 ? {} : { stops: servers.stops.map((p) => p.id) }),
      }
      this.#out.push({ kind: 'sync', journey: m.journey, at: m.at, ...sync, ...programs })
    }
    this.#synced = syncedOf(this.#cluster)
    this.#seen = this.#cluster
    this.#wakeBalancers(m)
  }

  /** A socket of a process that runs: under an id that nothing has had. */
  #keep(node: string, socket: SocketRecord, process: ProcessId): SocketRecord {
    let n = 1001
    while (this.#now.has(socketId(node, n))) n++
    const to = { ...socket, id: socketId(node, n), process }
    this.#change({ id: to.id, from: undefined, to })
    return to
  }

  #change(delta: Delta): Delta {
    applyDelta(this.#now, delta)
    return delta
  }

  /** On a large cluster the others have none, and get none. */
  #nodesWithRules(): string[] {
    return this.#cluster.nodes
      .map((n) => n.name)
      .filter(
        (n) =>
          this.#now.has(chainId(n, 'nat', 'KUBE-SERVICES')) ||
          this.#now.has(chainId(n, 'nat', 'KUBE-PORTALS-CONTAINER')) ||
          this.#now.has(nftTableId(n, 'ip/kube-proxy')),
      )
  }

  /** Objects that are new, changed or gone: those that were given, as they were given, then what follows from them. */
  #objectDeltas(world: World, given: readonly string[]): Delta[] {
    const deltas: Delta[] = []
    for (const r of world.values()) {
      if (r.kind !== 'object') continue
      const known = this.#now.get(r.id)
      const from = known?.kind === 'object' ? known : undefined
      if (from !== undefined && JSON.stringify(from.manifest) === JSON.stringify(r.manifest)) continue
      const filled = [...new Set([...(from?.filled ?? []), ...r.filled])]
      deltas.push({ id: r.id, from, to: { ...r, filled, origin: from?.origin ?? originOf(r, this.#doc) } })
    }
    for (const r of this.#now.values()) {
      if (r.kind === 'object' && !world.has(r.id)) deltas.push({ id: r.id, from: r, to: undefined })
    }
    const rank = (d: Delta) => (given.includes(d.id) ? given.indexOf(d.id) : given.length)
    return deltas.sort((a, b) => rank(a) - rank(b))
  }

  #objectChange(delta: Delta) {
    const object = (delta.to ?? delta.from) as ObjectRecord
    const node = placeFields.get(object.objectKind)
    const place = node === undefined ? undefined : textAt(object.manifest, ...node)
    const ends =
      delta.to?.kind === 'object' && isTerminating(delta.to) && !(delta.from?.kind === 'object' && isTerminating(delta.from))
    const kind = delta.to === undefined ? ('delete' as const) : ends ? ('terminate' as const) : ('apply' as const)
    // Objects are nowhere in the network: they are shown on their node, or else on the first.
    return { kind, netns: place ?? this.#cluster.nodes[0]?.name ?? '', record: delta.id }
  }
}

/** What kube-proxy watches, beside its own node. */
const concernsProxy = ({ from, to }: Delta): boolean => {
  const record = to ?? from
  return record?.kind === 'object' && (record.objectKind === 'Service' || record.objectKind === 'EndpointSlice')
}

/** Objects that belong to a node, and where they say so. */
const placeFields: ReadonlyMap<string, readonly string[]> = new Map([
  ['Pod', ['spec', 'nodeName']],
  ['Node', ['metadata', 'name']],
  ['ServiceL2Status', ['status', 'node']],
])

const isTerminating = (object: ObjectRecord): boolean => fieldAt(object.manifest, 'metadata', 'deletionTimestamp') !== undefined

/** Shown on the pod's node, whose runtime it is that acts. */
const placeOf = (netns: NetnsRecord) => ({ netns: (netns.node ?? netns.id).slice('netns:'.length), record: netns.id })

/** The namespace of a pod, by the id of its object. */
function namespacesOf(id: string, world: World): NetnsRecord[] {
  const pod = world.get(id as RecordId)
  if (pod?.kind !== 'object') return []
  const isOf = (r: WorldRecord): r is NetnsRecord =>
    r.kind === 'netns' && r.role === 'pod' && r.origin.object?.name === pod.name && r.origin.object.namespace === pod.namespace
  return [...world.values()].filter(isOf)
}

/** The switch's port that a node's NIC is plugged into. */
function portBehind(node: string, world: World): DeviceRecord | undefined {
  const nic = world.get(deviceId(node, 'eth0'))
  const port =
    nic?.kind === 'device' && nic.link.kind === 'physical' && nic.link.peer !== undefined ? world.get(nic.link.peer) : undefined
  return port?.kind === 'device' ? port : undefined
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

function without(objects: ObjectSet, id: string): ObjectSet {
  const rest = new Map(objects)
  rest.delete(id)
  return rest
}

/** With what the control plane gave them: a pod keeps its node and its address, a Service its cluster IP. */
const completed = (objects: ObjectSet, world: World): ObjectSet =>
  new Map(
    [...objects].map(([id, kept]) => {
      const record = world.get(id as RecordId)
      return [id, record?.kind === 'object' ? { ...kept, manifest: record.manifest as unknown as Manifest } : kept]
    }),
  )

/** The place in the document where the object was given; in the document that it was built from, it has another. */
function originOf(object: ObjectRecord, doc: ScenarioDocument): Origin {
  if (object.origin.component !== 'user') return object.origin
  const index = doc.changes?.findIndex((c) => c.apply?.some((m) => idOfManifest(m) === object.id)) ?? -1
  if (index >= 0) return { component: 'user', detail: `changes[${index}]` }
  const [owner] = listAt(object.manifest, 'metadata', 'ownerReferences')
  if (owner === undefined) return object.origin
  return { component: 'control-plane', detail: `${textAt(owner, 'kind')} ${object.namespace}/${textAt(owner, 'name')}` }
}
