import { at as fieldAt } from '../../base/fields.ts'
import { objectId, type RecordId } from '../../world/ids.ts'
import type { NetnsRecord, ProcessRecord, WorldRecord } from '../../world/records.ts'
import type { World } from '../../world/world.ts'
import type { Cluster, ClusterPod } from '../model.ts'
import { MS, type When } from './agenda.ts'
import { hostPortEdits, staleHostPorts } from './host-ports.ts'
import type { Played } from './played.ts'
import { attached, gonePods, newPods, processesOf, recordsOfPod } from './pods.ts'
import { isOfPod, programEdits } from './programs.ts'

/** From the last container's end to the sandbox's: StopPodSandbox calls the network plugin. */
const SANDBOX_LAG = 100 * MS

/** The kubelets of all nodes, with runtime and network plugin: pods get their sandboxes and processes, and lose them. */
export class Kubelets {
  readonly #played: Played
  /** Pods whose processes are dead and whose namespaces go in a moment. */
  readonly #killed = new Set<RecordId>()

  constructor(played: Played) {
    this.#played = played
  }

  /** The grace period of a pod is over. `id` is the object's. */
  endOfGrace(id: string, when: When): void {
    for (const netns of namespacesOf(id, this.#played.now)) this.#kill(netns, when, id)
    this.#killOnHost(id, when)
  }

  /** Pods that `built` no longer has: without a grace period the object is gone at once, and the kubelet hears of it. */
  stop(built: World, when: When): void {
    for (const netns of gonePods(this.#played.now, built)) if (!this.#killed.has(netns.id)) this.#kill(netns, when)
  }

  /** Pods that `built`, the world of `cluster`, has beyond those that are there. */
  start(built: World, cluster: Cluster, when: When): void {
    for (const netns of newPods(this.#played.now, built)) {
      this.#attach(netns, built, when)
      const pod = cluster.pods.find((p) => p.place === netns.name)
      this.#mapHostPorts(when, netns, built, pod)
    }
  }

  /** A pod's namespace goes, and everything in it. */
  detach(netns: NetnsRecord, { journey, at }: When): void {
    const { now, out } = this.#played
    for (const r of recordsOfPod(netns, now)) this.#played.change({ id: r.id, from: r, to: undefined })
    out.push({ kind: 'detach', journey, at, ...placeOf(netns) })
    this.#mapHostPorts({ journey, at }, netns)
  }

  /** Containers on the host's network, as they follow from the objects. */
  runOnHosts(built: World, when: When): void {
    for (const { name } of this.#played.cluster.nodes) {
      const { starts, stops } = programEdits(name, { now: this.#played.now, built }, isOfPod)
      // Those of a pod whose grace period runs are in the new world too: what is not has none left.
      this.#played.kill(stops, when)
      const byPod = new Map<string, ProcessRecord[]>()
      for (const p of starts) {
        const { namespace, name: pod = '' } = p.origin.object ?? {}
        const id = objectId('Pod', namespace ?? 'default', pod)
        byPod.set(id, [...(byPod.get(id) ?? []), p])
      }
      for (const [id, servers] of byPod) {
        for (const p of servers) this.#played.change({ id: p.id, from: undefined, to: p })
        this.#played.out.push({ kind: 'start', ...when, netns: name, record: id as RecordId, servers })
      }
    }
  }

  /** SIGKILL; the sandbox goes a little later, and then the kubelet lets go of the object. */
  #kill(netns: NetnsRecord, { journey, at }: When, id?: string): void {
    const { now, out, agenda } = this.#played
    this.#killed.add(netns.id)
    out.push({ kind: 'kill', journey, at, ...placeOf(netns), processes: processesOf(netns, now) })
    const due = { kind: 'detach', netns, ...(id === undefined ? {} : { id }) } as const
    agenda.add({ journey, at: at + SANDBOX_LAG, due })
  }

  /** A pod on the host's network: its processes die, and there is nothing else to take away. */
  #killOnHost(id: string, { journey, at }: When): void {
    const { now, agenda } = this.#played
    const object = now.get(id as RecordId)
    if (object?.kind !== 'object' || fieldAt(object.manifest, 'spec', 'hostNetwork') !== true) return
    const own = [...now.values()].filter(
      (r): r is ProcessRecord =>
        r.kind === 'process' && r.origin.object?.name === object.name && r.origin.object.namespace === object.namespace,
    )
    this.#played.kill(own, { journey, at })
    agenda.add({ journey, at: at + SANDBOX_LAG, due: { kind: 'forget', id } })
  }

  #attach(netns: NetnsRecord, built: World, { journey, at }: When): void {
    const { now, out } = this.#played
    const change = attached(netns, built, now)
    for (const r of change.records) this.#played.change({ id: r.id, from: undefined, to: r })
    out.push({ kind: 'attach', journey, at, ...placeOf(netns), ...change })
  }

  /** The portmap plugin has run on the node of a pod that has come or gone. */
  #mapHostPorts(when: When, netns: NetnsRecord, built: World = this.#played.built, pod?: ClusterPod): void {
    const node = (netns.node ?? netns.id).slice('netns:'.length)
    const table = hostPortEdits(node, this.#played.now, built)
    const stale = pod === undefined ? [] : staleHostPorts(pod)
    if (table === undefined && stale.length === 0) return
    const tables = table === undefined ? [] : [table]
    this.#played.configure({ netns: node, record: netns.id, tables, deltas: [], stale }, when)
  }
}

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
