import { assertNever } from '../../base/assert-never.ts'
import { err, ok, type Result } from '../../base/result.ts'
import type { InputError, ScenarioDocument } from '../../scenario/document.ts'
import type { WorldChange } from '../../world/changes.ts'
import { objectId, type RecordId } from '../../world/ids.ts'
import type { World } from '../../world/world.ts'
import { buildWorld } from '../build.ts'
import { fillIn } from '../fill-in.ts'
import type { Cluster } from '../model.ts'
import { HOME } from '../site.ts'
import { durationOf, type Moment, type When } from './agenda.ts'
import { readChange } from './api-server.ts'
import { Cloud } from './cloud.ts'
import { ControlPlane, type NextObjects } from './control-plane.ts'
import { CutOff } from './cut-off.ts'
import { concernsProxy, KubeProxies } from './kube-proxies.ts'
import { Kubelets } from './kubelets.ts'
import { machineRefusals } from './machines.ts'
import { documentWith, type ObjectSet, placedErrors } from './objects.ts'
import { Played } from './played.ts'
import { lost } from './pod-status.ts'
import { completed, objectChange, objectDeltas } from './told.ts'

/** The course of a document's run, as far as objects and what follows from them are concerned: who acts when, and after whom. */
export class Course {
  readonly #played: Played
  readonly #controlPlane: ControlPlane
  readonly #kubelets: Kubelets
  readonly #proxies: KubeProxies
  readonly #cutOff: CutOff
  readonly #cloud: Cloud
  readonly #errors: InputError[] = []

  constructor(doc: ScenarioDocument, world: World, cluster: Cluster) {
    this.#played = new Played(doc, world, cluster)
    this.#controlPlane = new ControlPlane(this.#played)
    this.#kubelets = new Kubelets(this.#played)
    this.#proxies = new KubeProxies(this.#played)
    this.#cutOff = new CutOff(this.#played)
    this.#cloud = new Cloud(this.#played, this.#cutOff.unplugged)
    doc.changes?.forEach((c, index) => {
      this.#played.agenda.add({ journey: c.journey, at: durationOf(c.at), due: { kind: 'scheduled', index } })
    })
  }

  /** What happens, in order. Errors: the first moment's that cannot be. */
  run(): Result<WorldChange[], InputError[]> {
    for (;;) {
      const next = this.#played.agenda.next()
      if (this.#errors.length > 0) return err(this.#errors)
      if (next === undefined) return ok(this.#played.out)
      this.#meet(next)
    }
  }

  #meet({ due, journey, at }: Moment): void {
    const when = { journey, at }
    switch (due.kind) {
      case 'scheduled':
        this.#scheduled(due.index, when)
        return
      case 'kill':
        this.#kubelets.endOfGrace(due.id, when)
        return
      case 'detach':
        this.#kubelets.detach(due.netns, when)
        if (due.id !== undefined) this.#forget(due.id, when)
        return
      case 'forget':
        this.#forget(due.id, when)
        return
      case 'sync':
        this.#proxies.sync(when, this.#cutOff.unplugged)
        this.#cloud.wakeBalancers(this.#proxies.seen, when)
        return
      case 'unheard':
        this.#cutOff.unheard.add(due.node)
        this.#become({ objects: this.#played.objects, given: [] }, when)
        return
      case 'not-ready':
        this.#become({ objects: lost(this.#played.objects, due.node), given: [objectId('Node', undefined, due.node)] }, when)
        return
      case 'control':
        this.#become(this.#controlPlane.control(when), when)
        return
      case 'ready':
        this.#become(this.#controlPlane.ready(due.id), when)
        return
      case 'probe':
        this.#cloud.probe(this.#proxies.seen, when)
        return
      default:
        assertNever(due, 'what is due')
    }
  }

  #scheduled(index: number, when: When): void {
    const change = this.#played.doc.changes?.[index]
    if (change === undefined) return
    const path = `changes[${index}]`
    const read = readChange(change, path, this.#played.objects, this.#errors)
    this.#errors.push(...this.#cutOff.refusals(change, path))
    if (this.#errors.length > 0) return
    for (const node of change.unplug ?? []) {
      this.#cutOff.unplug(node, when)
      this.#cloud.wakeBalancers(this.#proxies.seen, when)
    }
    if (read.applied.length + read.deleted.length === 0) return
    const { objects, cluster } = this.#played
    this.#become(this.#controlPlane.take(read, when), when)
    this.#errors.push(...machineRefusals(change, path, { from: { objects, cluster }, to: this.#played }))
  }

  /** The kubelet lets go of a pod that has ended. */
  #forget(id: string, when: When): void {
    this.#become({ objects: without(this.#played.objects, id), given: [id] }, when)
  }

  /**
   * The API server's objects are these from now on, and what follows from that: objects that controllers make, pods that come
   * and go, a sync of kube-proxy as soon as it may. Undefined: they stay as they are.
   */
  #become(next: NextObjects | undefined, when: When): void {
    if (next === undefined) return
    const played = this.#played
    const { objects, given } = next
    const doc = documentWith(played.doc, objects, this.#cutOff.unheard)
    const options = { workloads: false, journeys: played.doc.journeys } as const
    const world = buildWorld(doc, { rulesOn: played.nodesWithRules(), ...options })
    const cluster = fillIn(doc, HOME, options)
    if (!world.ok || !cluster.ok) {
      this.#errors.push(...placedErrors(world.ok ? [] : world.error, objects))
      return
    }
    const deltas = objectDeltas(world.value, { now: played.now, given, doc: played.doc })
    const first = played.cluster.nodes[0]?.name ?? ''
    for (const delta of deltas) played.out.push({ ...when, ...objectChange(delta, first), deltas: [played.change(delta)] })
    this.#kubelets.stop(world.value, when)
    this.#kubelets.start(world.value, cluster.value, when)
    played.objects = completed(objects, world.value)
    played.built = world.value
    played.cluster = cluster.value
    this.#controlPlane.wakeControllers(when)
    this.#kubelets.runOnHosts(world.value, when)
    this.#cloud.route((given[0] ?? world.value.keys().next().value) as RecordId, when)
    this.#cloud.register(when)
    if (deltas.some(concernsProxy)) this.#proxies.wake(when)
  }
}

function without(objects: ObjectSet, id: string): ObjectSet {
  const rest = new Map(objects)
  rest.delete(id)
  return rest
}
