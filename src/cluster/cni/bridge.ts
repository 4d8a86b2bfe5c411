import { contains, type Ipv4, ipv4 } from '../../net/address.ts'
import { netnsId } from '../../world/ids.ts'
import type { Origin } from '../../world/records.ts'
import { gatewayOf } from '../ipam.ts'
import { comment, destination, dstType, type GeneratedRule, masquerade, rule } from '../kube-proxy/rule.ts'
import type { Cluster, ClusterNode, ClusterPod } from '../model.ts'
import { cniMac, derivedMac, vethName } from '../names.ts'
import { objectOrigin } from '../objects.ts'
import type { NetnsBuilder, WorldBuilder } from '../world-builder.ts'

// The plain bridge network, as kubenet set it up with the CNI bridge, host-local and loopback plugins: one bridge a node
// that is the gateway of the node's range, one veth pair a pod.

export const BRIDGE = 'cbr0'
/** brctl's default ageing, in nanoseconds (BR_DEFAULT_AGEING_TIME). */
const AGEING = 300_000_000_000

const ANY = { address: ipv4(0), length: 0 }

export function buildBridge(node: NetnsBuilder, of: ClusterNode, mtu: number): void {
  const origin = objectOrigin('cni', { kind: 'Node', name: of.name }, 'spec.podCIDR')
  const gateway = gatewayOf(of.podCIDR)
  node.device(BRIDGE, { mac: cniMac(gateway), mtu, link: { kind: 'bridge', ageing: AGEING }, origin })
  node.address(BRIDGE, { address: gateway, length: of.podCIDR.length }, origin)
}

/** A pod's namespace with its end of the veth pair, and the other end as a port of the node's bridge. */
export function attachPod(world: WorldBuilder, node: NetnsBuilder, pod: ClusterPod, cluster: Cluster): NetnsBuilder {
  const { mtu } = cluster.config.network
  const of = { kind: 'Pod', namespace: pod.namespace, name: pod.name }
  const origin = objectOrigin('cni', of)
  const veth = vethName(pod.place)

  const inside = world.netns(pod.place, 'pod', objectOrigin('runtime', of), {
    node: netnsId(pod.node.name),
    // The pause container holds the namespace; the others join it.
    containers: [
      { name: 'pause', image: PAUSE_IMAGE },
      ...pod.containers.map((c) => ({ name: c.name, ...(c.image === undefined ? {} : { image: c.image }) })),
    ],
  })
  const eth0 = { mac: cniMac(pod.ip), mtu, link: { kind: 'veth', peer: node.deviceId(veth) }, origin } as const
  inside.device('eth0', eth0)
  node.device(veth, {
    mac: derivedMac(`${pod.node.name}/${veth}`),
    mtu,
    link: { kind: 'veth', peer: inside.deviceId('eth0') },
    master: { bridge: BRIDGE, hairpin: cluster.config.network.hairpinMode ?? false },
    origin,
  })

  const gateway = gatewayOf(pod.node.podCIDR)
  if (contains(pod.node.podCIDR, pod.ip)) {
    inside.address('eth0', { address: pod.ip, length: pod.node.podCIDR.length }, objectOrigin('cni', of, 'status.podIP'))
    inside.route(ANY, { via: gateway, dev: 'eth0' }, objectOrigin('cni', of, 'the bridge plugin: isDefaultGateway'))
  } else attachElsewhere(node, inside, pod, gateway)
  return inside
}

/** An address from outside the node's range: a host route to it, and the gateway reached on the link. */
function attachElsewhere(node: NetnsBuilder, inside: NetnsBuilder, pod: ClusterPod, gateway: Ipv4): void {
  const origin = objectOrigin('cni', { kind: 'Pod', namespace: pod.namespace, name: pod.name }, 'status.podIP')
  inside.address('eth0', { address: pod.ip, length: 32 }, origin)
  inside.route({ address: gateway, length: 32 }, { dev: 'eth0' }, origin)
  inside.route(ANY, { via: gateway, dev: 'eth0' }, origin)
  node.route({ address: pod.ip, length: 32 }, { dev: BRIDGE }, origin)
}

const PAUSE_IMAGE = 'registry.k8s.io/pause:3.10'

/** kubenet's ensureMasqRule: what leaves the cluster's range takes the node's address. */
export function egressRule(cluster: Cluster): GeneratedRule {
  const origin: Origin = { component: 'cni', detail: 'cluster.podCIDR: masquerade traffic that leaves the cluster' }
  return rule(
    'POSTROUTING',
    origin,
    comment('kubenet: SNAT for outbound traffic from cluster'),
    dstType('LOCAL', true),
    destination(cluster.podCIDR, true),
    masquerade(false),
  )
}
