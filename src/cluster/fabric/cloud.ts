import { ipv4 } from '../../net/address.ts'
import { deviceId } from '../../world/ids.ts'
import type { Origin } from '../../world/records.ts'
import { attachAlbs } from '../ingress/alb.ts'
import type { Cluster } from '../model.ts'
import { cloudMac } from '../names.ts'
import { objectOrigin } from '../objects.ts'
import { sitePlace, uplinkSegment } from '../site.ts'
import type { WorldBuilder } from '../world-builder.ts'
import { attachBalancers, balancerMarks, edgeDevice } from './balancer.ts'
import { fabricPort, LAN_LATENCY, podsElsewhere } from './fabric.ts'

// A cloud network as Google Compute Engine has it: every machine has a /32 and sends everything to the network's router,
// which carries the provider's route table, one route a node for its pod range.

const ORIGIN: Origin = { component: 'cloud', detail: 'cluster.network.fabric: cloud' }

export function buildRouter(world: WorldBuilder, cluster: Cluster): void {
  const { site } = cluster
  const uplink = uplinkSegment(site)
  const router = world.netns(sitePlace(site, 'router'), 'router', ORIGIN)
  const { mtu } = cluster.config.network
  router.device('eth0', {
    mac: cloudMac(cluster.gateway),
    mtu,
    link: { kind: 'physical', peer: fabricPort(cluster, router.name), latency: LAN_LATENCY },
    origin: ORIGIN,
  })
  router.device('eth1', {
    mac: cloudMac(uplink.near),
    mtu,
    link: { kind: 'physical', peer: deviceId(sitePlace(site, 'gateway'), 'eth0'), latency: LAN_LATENCY },
    origin: ORIGIN,
  })
  router.address('eth0', { address: cluster.gateway, length: cluster.nodeSubnet.length }, ORIGIN)
  router.address('eth1', { address: uplink.near, length: uplink.length }, ORIGIN)
  router.route({ address: ipv4(0), length: 0 }, { via: uplink.far, dev: 'eth1' }, ORIGIN)
  for (const node of cluster.nodes) {
    const origin: Origin = { component: 'cloud', object: { kind: 'Node', name: node.name }, detail: 'route table: spec.podCIDR' }
    router.route(node.podCIDR, { via: node.ip, dev: 'eth0' }, origin, 'static')
    for (const pod of podsElsewhere(node, cluster)) {
      const of = { kind: 'Pod', namespace: pod.namespace, name: pod.name }
      router.route(
        { address: pod.ip, length: 32 },
        { via: node.ip, dev: 'eth0' },
        objectOrigin('cloud', of, 'status.podIP'),
        'static',
      )
    }
  }
  attachBalancers(router, cluster)
  attachAlbs(router, cluster)
  router.sysctl('net.ipv4.ip_forward', 1, ORIGIN)
  // The router forwards between machines that could reach each other: it must not tell them so (ip_rt_send_redirect).
  for (const name of ['all', 'default', 'eth0', 'eth1', ...[...cluster.balancers, ...cluster.albs].map((_, i) => edgeDevice(i))])
    router.sysctl(`net.ipv4.conf.${name}.send_redirects`, 0, ORIGIN)
  router.tables(balancerMarks(cluster))
  router.finish()
}
