import { contains, formatIpv4, type Ipv4, type Ipv4Prefix, ipv4 } from '../../net/address.ts'
import { deviceId } from '../../world/ids.ts'
import type { Origin } from '../../world/records.ts'
import { hasDns } from '../dns.ts'
import { buildInternetDns } from '../dns-internet.ts'
import { attachAlbs } from '../ingress/alb.ts'
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
import { externalSubnet, internetSegment, sitePlace, uplinkSegment } from '../site.ts'
import type { WorldBuilder } from '../world-builder.ts'
import { attachBalancers, balancerMarks } from './balancer.ts'
import { fabricPort, LAN_LATENCY, WAN_LATENCY } from './fabric.ts'

// The way out: an Internet gateway that translates each node's address to an external one and back, one to one, and one
// host on the Internet.

const ORIGIN: Origin = { component: 'cloud', detail: 'Internet gateway' }
const INTERNET: Origin = { component: 'fabric', detail: 'a host on the Internet' }
const MTU = 1500

/** `peered`: there are other clusters beyond the Internet host. */
export function buildGateway(world: WorldBuilder, cluster: Cluster, peered: boolean): void {
  const isCloud = cluster.config.network.fabric === 'cloud'
  const { site } = cluster
  const uplink = uplinkSegment(site)
  const outside = internetSegment(site)
  const inside: Ipv4 = isCloud ? uplink.far : cluster.gateway
  const gateway = world.netns(sitePlace(site, 'gateway'), 'gateway', ORIGIN)
  gateway.device('eth0', {
    mac: isCloud ? cloudMac(inside) : machineMac(inside),
    mtu: cluster.config.network.mtu,
    link: {
      kind: 'physical',
      peer: isCloud ? deviceId(sitePlace(site, 'router'), 'eth1') : fabricPort(cluster, gateway.name),
      latency: LAN_LATENCY,
    },
    origin: ORIGIN,
  })
  gateway.device('eth1', {
    mac: machineMac(outside.near),
    mtu: MTU,
    link: { kind: 'physical', peer: deviceId('internet', internetDevice(cluster)), latency: WAN_LATENCY },
    origin: ORIGIN,
  })
  gateway.address('eth0', { address: inside, length: isCloud ? uplink.length : cluster.nodeSubnet.length }, ORIGIN)
  gateway.address('eth1', { address: outside.near, length: outside.length }, ORIGIN)
  if (isCloud) {
    gateway.route(cluster.nodeSubnet, { via: uplink.near, dev: 'eth0' }, ORIGIN, 'static')
    for (const vip of vipsOf(cluster)) {
      gateway.route({ address: vip, length: 32 }, { via: uplink.near, dev: 'eth0' }, ORIGIN, 'static')
    }
  } else {
    attachBalancers(gateway, cluster)
    attachAlbs(gateway, cluster)
  }
  if (peered) gateway.route({ address: ipv4(0), length: 0 }, { via: outside.far, dev: 'eth1' }, ORIGIN)
  gateway.sysctl('net.ipv4.ip_forward', 1, ORIGIN)
  gateway.tables([
    ...(isCloud ? [] : balancerMarks(cluster)),
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
    ...vipsOf(cluster).map((vip) => rule('FORWARD', { ...ORIGIN, detail: 'load balancer' }, fromHost(vip), ...road, ACCEPT)),
    rule('FORWARD', { ...ORIGIN, detail: 'no external address' }, ...road, comment('sources without an external address'), DROP),
  ]
}

/** The Internet host has a NIC towards each cluster's gateway. */
const internetDevice = ({ site }: Cluster): string => `eth${site.index}`

const vipsOf = (cluster: Cluster): Ipv4[] => [...cluster.balancers, ...cluster.albs].flatMap((b) => b.vips)

/** One host that serves HTTP; with several clusters it is also the way from one to the other. */
export function buildInternet(world: WorldBuilder, clusters: readonly Cluster[]): void {
  const internet = world.netns('internet', 'internet', INTERNET)
  for (const cluster of clusters) {
    const { near, far, length } = internetSegment(cluster.site)
    const dev = internetDevice(cluster)
    internet.device(dev, {
      mac: machineMac(far),
      mtu: MTU,
      link: { kind: 'physical', peer: deviceId(sitePlace(cluster.site, 'gateway'), 'eth1'), latency: WAN_LATENCY },
      origin: INTERNET,
    })
    internet.address(dev, { address: far, length }, INTERNET)
    const isHome = cluster.site.index === 0
    if (isHome) internet.route({ address: ipv4(0), length: 0 }, { via: near, dev }, INTERNET)
    else for (const range of publicRanges(cluster)) internet.route(range, { via: near, dev }, INTERNET, 'static')
  }
  if (clusters.length > 1) internet.sysctl('net.ipv4.ip_forward', 1, INTERNET)
  internet.process(['httpd', '-p', '80'], 'internet', INTERNET)
  if (clusters.some(hasDns)) buildInternetDns(internet)
  internet.finish()
}

/** Where a cluster is found from outside: its nodes' external addresses and its load balancers. */
function publicRanges(cluster: Cluster): Ipv4Prefix[] {
  const external = externalSubnet(cluster.site)
  const single = [...cluster.nodes.map((n) => n.externalIp), ...vipsOf(cluster)].filter((a) => !contains(external, a))
  return [external, ...[...new Set(single)].map((address) => ({ address, length: 32 }))]
}
