import { formatIpv4, type Ipv4, ipv4 } from '../../net/address.ts'
import { deviceId } from '../../world/ids.ts'
import type { Origin } from '../../world/records.ts'
import {
  ACCEPT,
  comment,
  DROP,
  dnatTo,
  fromHost,
  type GeneratedRule,
  inInterface,
  outInterface,
  rule,
  snatTo,
  toHost,
} from '../kube-proxy/rule.ts'
import type { Cluster, ClusterNode } from '../model.ts'
import { cloudMac, machineMac } from '../names.ts'
import type { WorldBuilder } from '../world-builder.ts'
import { UPLINK } from './cloud.ts'
import { fabricPort, LAN_LATENCY, WAN_LATENCY } from './fabric.ts'

// The way out: an Internet gateway that translates each node's address to an external one and back, one to one, and one
// host on the Internet.

const ORIGIN: Origin = { component: 'cloud', detail: 'Internet gateway' }
const INTERNET: Origin = { component: 'fabric', detail: 'a host on the Internet' }
/** RFC 5737 TEST-NET-2. */
const INTERNET_HOST = ipv4(0xc633640a)
const INTERNET_GATEWAY = ipv4(0xc6336401)
const INTERNET_LENGTH = 24
const MTU = 1500

export function buildGateway(world: WorldBuilder, cluster: Cluster): void {
  const isCloud = cluster.config.network.fabric === 'cloud'
  const inside: Ipv4 = isCloud ? UPLINK.gateway : cluster.gateway
  const gateway = world.netns('gateway', 'gateway', ORIGIN)
  gateway.device('eth0', {
    mac: isCloud ? cloudMac(inside) : machineMac(inside),
    mtu: cluster.config.network.mtu,
    link: {
      kind: 'physical',
      peer: isCloud ? deviceId('router', 'eth1') : fabricPort(cluster, 'gateway'),
      latency: LAN_LATENCY,
    },
    origin: ORIGIN,
  })
  gateway.device('eth1', {
    mac: machineMac(INTERNET_GATEWAY),
    mtu: MTU,
    link: { kind: 'physical', peer: deviceId('internet', 'eth0'), latency: WAN_LATENCY },
    origin: ORIGIN,
  })
  gateway.address('eth0', { address: inside, length: isCloud ? UPLINK.length : cluster.nodeSubnet.length }, ORIGIN)
  gateway.address('eth1', { address: INTERNET_GATEWAY, length: INTERNET_LENGTH }, ORIGIN)
  if (isCloud) gateway.route(cluster.nodeSubnet, { via: UPLINK.router, dev: 'eth0' }, ORIGIN, 'static')
  gateway.sysctl('net.ipv4.ip_forward', 1, ORIGIN)
  gateway.tables([
    { table: 'nat', chains: [], rules: cluster.nodes.flatMap(oneToOne) },
    { table: 'filter', chains: [], rules: knownSources(cluster) },
  ])
  gateway.finish()
}

function oneToOne(node: ClusterNode): GeneratedRule[] {
  const origin: Origin = {
    component: 'cloud',
    object: { kind: 'Node', name: node.name },
    detail: `external address ${formatIpv4(node.externalIp)}`,
  }
  const note = comment(`external address of ${node.name}`)
  return [
    rule('PREROUTING', origin, toHost(node.externalIp), inInterface('eth1'), note, dnatTo(node.ip)),
    rule('POSTROUTING', origin, fromHost(node.ip), outInterface('eth1'), note, snatTo(node.externalIp)),
  ]
}

/** The gateway knows machines, not pods: a source without an external address does not leave. */
function knownSources(cluster: Cluster): GeneratedRule[] {
  const road = [inInterface('eth0'), outInterface('eth1')]
  return [
    ...cluster.nodes.map((n) =>
      rule('FORWARD', { ...ORIGIN, object: { kind: 'Node', name: n.name } }, fromHost(n.ip), ...road, ACCEPT),
    ),
    rule('FORWARD', { ...ORIGIN, detail: 'no external address' }, ...road, comment('sources without an external address'), DROP),
  ]
}

export function buildInternet(world: WorldBuilder): void {
  const internet = world.netns('internet', 'internet', INTERNET)
  internet.device('eth0', {
    mac: machineMac(INTERNET_HOST),
    mtu: MTU,
    link: { kind: 'physical', peer: deviceId('gateway', 'eth1'), latency: WAN_LATENCY },
    origin: INTERNET,
  })
  internet.address('eth0', { address: INTERNET_HOST, length: INTERNET_LENGTH }, INTERNET)
  internet.route({ address: ipv4(0), length: 0 }, { via: INTERNET_GATEWAY, dev: 'eth0' }, INTERNET)
  internet.process(['httpd', '-p', '80'], 'internet', INTERNET)
  internet.finish()
}
