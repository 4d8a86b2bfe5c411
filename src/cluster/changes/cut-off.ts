import { textAt } from '../../base/fields.ts'
import type { InputError, Manifest, ScheduledChange } from '../../scenario/document.ts'
import { deviceId, netnsId, objectId } from '../../world/ids.ts'
import type { DeviceRecord } from '../../world/records.ts'
import type { World } from '../../world/world.ts'
import { inputError, listed } from '../errors.ts'
import { hasSpeakers } from '../metallb/layer2.ts'
import { SECOND, type When } from './agenda.ts'
import type { Played } from './played.ts'

/**
 * A silent member is missed by memberlist's next probe (ProbeInterval, 1 s) and is dead when nobody has heard of it for as long as
 * suspicion lasts (SuspicionMult 4, with so few members 4 s): DefaultLANConfig of hashicorp/memberlist, as MetalLB has it.
 */
const UNHEARD_AFTER = 5 * SECOND
/** --node-monitor-grace-period of the kube-controller-manager (50 s since Kubernetes 1.32). */
const NODE_MONITOR_GRACE_PERIOD = 50 * SECOND

/** Nodes whose cable is pulled, and when others take notice. */
export class CutOff {
  /** Nodes that hear nothing and answer nothing. */
  readonly unplugged: Set<string>
  /** Of these, those that the other nodes miss. */
  readonly unheard: Set<string>
  readonly #played: Played

  constructor(played: Played) {
    this.#played = played
    this.unplugged = new Set(played.doc.cluster.unplugged)
    this.unheard = new Set(played.doc.cluster.unplugged)
  }

  unplug(node: string, { journey, at }: When): void {
    const { now, out, agenda, cluster } = this.#played
    const port = portBehind(node, now)
    if (port === undefined) return
    this.unplugged.add(node)
    this.#played.change({ id: port.id, from: port, to: { ...port, up: false } })
    out.push({ kind: 'unplug', journey, at, netns: node, record: netnsId(node), port: port.id })
    if (hasSpeakers(cluster.objects)) agenda.add({ journey, at: at + UNHEARD_AFTER, due: { kind: 'unheard', node } })
    agenda.add({ journey, at: at + NODE_MONITOR_GRACE_PERIOD, due: { kind: 'not-ready', node } })
  }

  /** Nodes that are not there or are cut off already, and pods of nodes whose kubelets hear of nothing. `path`: the change's. */
  refusals(change: ScheduledChange, path: string): InputError[] {
    const { cluster, objects } = this.#played
    const names = cluster.nodes.map((n) => n.name)
    const left = names.filter((n) => !this.unplugged.has(n))
    const errors: InputError[] = []
    change.unplug?.forEach((node, i) => {
      if (left.includes(node)) return
      const why = names.includes(node) ? `${node} is cut off already` : `there is no node "${node}"`
      errors.push(inputError(`${path}.unplug[${i}]`, `${why}; expected ${listed(left)}`))
    })
    const nodeOf = (m: Manifest | undefined) => textAt(m, 'spec', 'nodeName') ?? ''
    const refuse = (at: string, node: string) =>
      errors.push(inputError(at, `${node} is cut off by then, and its kubelet hears of nothing; expected a pod of another node`))
    change.apply?.forEach((m, i) => {
      if (m.kind === 'Pod' && this.unplugged.has(nodeOf(m))) refuse(`${path}.apply[${i}].spec.nodeName`, nodeOf(m))
    })
    change.delete?.forEach((d, i) => {
      const known = objects.get(objectId(d.kind, d.namespace ?? 'default', d.name))?.manifest
      if (d.kind === 'Pod' && this.unplugged.has(nodeOf(known))) refuse(`${path}.delete[${i}]`, nodeOf(known))
    })
    return errors
  }
}

/** The switch's port that a node's NIC is plugged into. */
function portBehind(node: string, world: World): DeviceRecord | undefined {
  const nic = world.get(deviceId(node, 'eth0'))
  const port =
    nic?.kind === 'device' && nic.link.kind === 'physical' && nic.link.peer !== undefined ? world.get(nic.link.peer) : undefined
  return port?.kind === 'device' ? port : undefined
}
