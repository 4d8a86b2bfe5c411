import { contains } from '../../net/address.ts'
import { type DeviceId, deviceId } from '../../world/ids.ts'
import type { Origin } from '../../world/records.ts'
import type { Cluster, ClusterNode, ClusterPod } from '../model.ts'
import { derivedMac, portName } from '../names.ts'
import { objectOrigin } from '../objects.ts'
import { sitePlace } from '../site.ts'
import type { NetnsBuilder, WorldBuilder } from '../world-builder.ts'

// The switch that the machines are plugged into: a bridge that only switches, without an address of its own.

/** One way through a cable, in nanoseconds: 50 µs between a machine and its switch, 5 ms to the Internet. */
export const LAN_LATENCY = 50_000
export const WAN_LATENCY = 5_000_000

const FABRIC = 'fabric'
const BRIDGE = 'br0'
const AGEING = 300_000_000_000
const ORIGIN: Origin = { component: 'fabric', detail: 'cluster.network.fabric' }

/** The port that a machine's NIC is plugged into. Nodes come first, in their order, then what else is attached. */
export function fabricPort(cluster: Cluster, machine: string): DeviceId {
  const i = machinesOf(cluster).indexOf(machine)
  return deviceId(sitePlace(cluster.site, FABRIC), portOf(machine, i))
}

/** A switch's port is called as the machine on it, without where it is: `laptop` for client/laptop. */
const portOf = (machine: string, index: number): string => portName(machine.slice(machine.lastIndexOf('/') + 1), index)

/** `l2`: the gateway is on the nodes' own segment. `cloud`: a router stands between them. */
const machinesOf = (cluster: Cluster): string[] => [
  ...cluster.nodes.map((n) => n.name),
  sitePlace(cluster.site, cluster.config.network.fabric === 'cloud' ? 'router' : 'gateway'),
  ...cluster.clients.map((c) => c.place),
  ...cluster.balancers.filter((b) => b.delivery === 'direct').map((b) => b.place),
]

export function buildFabric(world: WorldBuilder, cluster: Cluster): void {
  const place = sitePlace(cluster.site, FABRIC)
  const fabric = world.netns(place, 'switch', ORIGIN)
  const { mtu } = cluster.config.network
  fabric.device(BRIDGE, { mac: derivedMac(`${place}/br0`), mtu, link: { kind: 'bridge', ageing: AGEING }, origin: ORIGIN })
  machinesOf(cluster).forEach((machine, i) => {
    const name = portOf(machine, i)
    fabric.device(name, {
      mac: derivedMac(`${place}/${name}`),
      mtu,
      link: { kind: 'physical', peer: deviceId(machine, 'eth0'), latency: LAN_LATENCY },
      ...(cluster.config.unplugged?.includes(machine) === true ? { up: false } : {}),
      master: { bridge: BRIDGE },
      origin: ORIGIN,
    })
  })
  // A switch has no IP stack to pass frames to.
  fabric.sysctl('net.bridge.bridge-nf-call-iptables', 0, ORIGIN)
  fabric.sysctl('net.ipv4.ip_forward', 0, ORIGIN)
  fabric.finish()
}

/** Pods whose address is not of their node's range: everybody needs a route of its own to them. */
export const podsElsewhere = (node: ClusterNode, cluster: Cluster): ClusterPod[] =>
  cluster.podsOf(node).filter((p) => !p.hostNetwork && !contains(node.podCIDR, p.ip))

/** Routes of a node to the pods of the others, on one segment: the other node is the next hop. */
export function hostRoutes(node: NetnsBuilder, self: ClusterNode, cluster: Cluster): void {
  for (const other of cluster.nodes) {
    if (other === self) continue
    const origin: Origin = { component: 'cni', object: { kind: 'Node', name: other.name }, detail: 'spec.podCIDR via InternalIP' }
    node.route(other.podCIDR, { via: other.ip, dev: 'eth0' }, origin)
    for (const pod of podsElsewhere(other, cluster)) {
      const of = { kind: 'Pod', namespace: pod.namespace, name: pod.name }
      node.route({ address: pod.ip, length: 32 }, { via: other.ip, dev: 'eth0' }, objectOrigin('cni', of, 'status.podIP'))
    }
  }
}
