import { ipv4 } from '../../net/address.ts'
import { deviceId } from '../../world/ids.ts'
import { edgeDevice, edgePlace, onEdge } from '../fabric/balancer.ts'
import { LAN_LATENCY } from '../fabric/fabric.ts'
import type { Cluster, ClusterAlb } from '../model.ts'
import { machineMac } from '../names.ts'
import { objectOrigin } from '../objects.ts'
import type { NetnsBuilder, WorldBuilder } from '../world-builder.ts'

// A cloud's layer 7 load balancer. Unlike the one of layer 4 it ends the connections: what it sends to a target is its own, so
// the answers find their way back to it by its address, and no mark has to lead them.

const originOf = ({ ingress }: ClusterAlb, detail?: string) => objectOrigin('cloud', { kind: 'Ingress', ...ingress }, detail)

/** It hangs on the machine that routes for the nodes, after the balancers of layer 4. */
const deviceAt = (cluster: Cluster, i: number): string => edgeDevice(onEdge(cluster).length + i)

export function buildAlbs(world: WorldBuilder, cluster: Cluster): void {
  const { mtu } = cluster.config.network
  cluster.albs.forEach((alb, i) => {
    const origin = originOf(alb, 'ingressClassName: alb')
    const netns = world.netns(alb.place, 'load-balancer', origin)
    const peer = deviceId(edgePlace(cluster), deviceAt(cluster, i))
    netns.device('eth0', { mac: machineMac(alb.ip), mtu, link: { kind: 'physical', peer, latency: LAN_LATENCY }, origin })
    netns.address('eth0', { address: alb.ip, length: alb.segmentLength }, origin)
    for (const vip of alb.vips) netns.address('eth0', { address: vip, length: 32 }, originOf(alb, 'status.loadBalancer.ingress'))
    netns.route({ address: ipv4(0), length: 0 }, { via: alb.edgeIp, dev: 'eth0' }, origin)
    const { namespace, name } = alb.ingress
    netns.process(['alb', '--ingress', `${namespace}/${name}`, '-p', String(alb.port)], alb.place, origin)
    netns.finish()
  })
}

/** Devices, addresses and routes of the machine that routes for the nodes, towards these balancers. */
export function attachAlbs(edge: NetnsBuilder, cluster: Cluster): void {
  const { mtu } = cluster.config.network
  cluster.albs.forEach((alb, i) => {
    const origin = originOf(alb)
    const dev = deviceAt(cluster, i)
    const peer = deviceId(alb.place, 'eth0')
    edge.device(dev, { mac: machineMac(alb.edgeIp), mtu, link: { kind: 'physical', peer, latency: LAN_LATENCY }, origin })
    edge.address(dev, { address: alb.edgeIp, length: alb.segmentLength }, origin)
    for (const vip of alb.vips) edge.route({ address: vip, length: 32 }, { via: alb.ip, dev }, origin, 'static')
  })
}
