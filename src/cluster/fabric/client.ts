import { ipv4 } from '../../net/address.ts'
import type { Origin } from '../../world/records.ts'
import type { Cluster } from '../model.ts'
import { cloudMac, machineMac } from '../names.ts'
import type { WorldBuilder } from '../world-builder.ts'
import { fabricPort, LAN_LATENCY } from './fabric.ts'

/** Machines beside the nodes: attached and routed as a node is, without anything of Kubernetes on them. */
export function buildClients(world: WorldBuilder, cluster: Cluster): void {
  const isCloud = cluster.config.network.fabric === 'cloud'
  for (const client of cluster.clients) {
    const origin: Origin = { component: 'user', detail: `cluster.clients: ${client.name}` }
    const machine = world.netns(client.place, 'client', origin)
    machine.device('eth0', {
      mac: isCloud ? cloudMac(client.ip) : machineMac(client.ip),
      mtu: cluster.config.network.mtu,
      link: { kind: 'physical', peer: fabricPort(cluster, client.place), latency: LAN_LATENCY },
      origin,
    })
    machine.address('eth0', { address: client.ip, length: isCloud ? 32 : cluster.nodeSubnet.length }, origin)
    if (isCloud) machine.route({ address: cluster.gateway, length: 32 }, { dev: 'eth0' }, origin)
    machine.route({ address: ipv4(0), length: 0 }, { via: cluster.gateway, dev: 'eth0' }, origin)
    machine.finish()
  }
}
