import { formatIpv4, ipv4 } from '../../net/address.ts'
import { type DeviceId, deviceId } from '../../world/ids.ts'
import type { Origin } from '../../world/records.ts'
import {
  comment,
  ctstate,
  dnatToPort,
  dport,
  type GeneratedRule,
  type GeneratedTable,
  hasConnmark,
  inInterface,
  masquerade,
  protocol,
  restoreConnmark,
  rule,
  setConnmark,
  source,
  statisticRandom,
  toHost,
} from '../kube-proxy/rule.ts'
import type { BalancerPort, Cluster, ClusterBalancer } from '../model.ts'
import { machineMac } from '../names.ts'
import { objectOrigin } from '../objects.ts'
import { sitePlace } from '../site.ts'
import type { NetnsBuilder, WorldBuilder } from '../world-builder.ts'
import { LAN_LATENCY } from './fabric.ts'

// A cloud's layer 4 load balancer, of the pass-through kind with node ports as targets: it rewrites the destination, keeps the
// source, and remembers the connection. The answer has to come back through it, or the client would get it from a node that it
// never called. Real clouds see to that in the hypervisors' switches, by flow; here the machine that routes for the nodes does the
// same with what Linux has for it: a connection mark for what came from the balancer, and a route of its own for marked answers.

const ANY = { address: ipv4(0), length: 0 }

/** The edge's devices towards its balancers come after eth0 and eth1. */
export const edgeDevice = (index: number): string => `eth${index + 2}`
export const edgePlace = (cluster: Cluster): string =>
  sitePlace(cluster.site, cluster.config.network.fabric === 'cloud' ? 'router' : 'gateway')
/** Connection mark, fwmark and, 100 higher, the number of the routing table. */
const markOf = (index: number): number => index + 1

const originOf = ({ service }: ClusterBalancer, detail?: string): Origin =>
  objectOrigin('cloud', { kind: 'Service', ...service }, detail)

export function buildBalancers(world: WorldBuilder, cluster: Cluster): void {
  cluster.balancers.forEach((balancer, i) => {
    buildBalancer(world, cluster, { balancer, edge: deviceId(edgePlace(cluster), edgeDevice(i)) })
  })
}

function buildBalancer(
  world: WorldBuilder,
  cluster: Cluster,
  { balancer, edge }: { balancer: ClusterBalancer; edge: DeviceId },
): void {
  const origin = originOf(balancer, 'type: LoadBalancer')
  const lb = world.netns(balancer.place, 'load-balancer', origin)
  const { mtu } = cluster.config.network
  lb.device('eth0', {
    mac: machineMac(balancer.ip),
    mtu,
    link: { kind: 'physical', peer: edge, latency: LAN_LATENCY },
    origin,
  })
  lb.address('eth0', { address: balancer.ip, length: balancer.segmentLength }, origin)
  for (const vip of balancer.vips) {
    lb.address('eth0', { address: vip, length: 32 }, originOf(balancer, 'status.loadBalancer.ingress'))
  }
  lb.route(ANY, { via: balancer.edgeIp, dev: 'eth0' }, origin)
  lb.sysctl('net.ipv4.ip_forward', 1, origin)
  lb.sysctl('net.ipv4.conf.all.send_redirects', 0, origin)
  lb.sysctl('net.ipv4.conf.default.send_redirects', 0, origin)
  lb.sysctl('net.ipv4.conf.eth0.send_redirects', 0, origin)
  lb.tables(balancerTables(balancer, cluster))
  lb.finish()
}

/** A balancer's rules, for the targets that it has. */
export const balancerTables = (balancer: ClusterBalancer, cluster: Cluster): GeneratedTable[] => [
  {
    table: 'nat',
    chains: [],
    rules: [...balancer.ports.flatMap((p) => portRules(balancer, p)), ...onLinkRules(balancer, cluster)],
  },
]

/** One rule a target, each taking its share of the new connections that the rules before it left. */
function portRules(balancer: ClusterBalancer, p: BalancerPort): GeneratedRule[] {
  return balancer.vips.flatMap((vip) =>
    p.targets.map((node, i) => {
      const left = p.targets.length - i
      const to = [toHost(vip), protocol(p.protocol), dport(p.port)]
      const share = left > 1 ? [statisticRandom((1 / left).toFixed(10))] : []
      const note = comment(`${node.name}, node port ${p.nodePort}`)
      const origin = originOf(balancer, `target ${i + 1} of ${p.targets.length}: ${node.name}`)
      return rule('PREROUTING', origin, ...to, note, ...share, dnatToPort(node.ip, p.nodePort))
    }),
  )
}

/** A client of the nodes' own segment would be answered over that segment, past the balancer: for it alone the source is rewritten. */
function onLinkRules(balancer: ClusterBalancer, cluster: Cluster): GeneratedRule[] {
  if (cluster.config.network.fabric === 'cloud') return []
  const origin = originOf(balancer, 'clients on the nodes’ own segment')
  return [rule('POSTROUTING', origin, source(cluster.nodeSubnet), comment('clients beside the nodes'), masquerade(false))]
}

/** Devices, addresses and routes of the machine that routes for the nodes, towards the balancers that hang on it. */
export function attachBalancers(edge: NetnsBuilder, cluster: Cluster): void {
  const { mtu } = cluster.config.network
  cluster.balancers.forEach((balancer, i) => {
    const origin = originOf(balancer)
    const device = edgeDevice(i)
    edge.device(device, {
      mac: machineMac(balancer.edgeIp),
      mtu,
      link: { kind: 'physical', peer: deviceId(balancer.place, 'eth0'), latency: LAN_LATENCY },
      origin,
    })
    edge.address(device, { address: balancer.edgeIp, length: balancer.segmentLength }, origin)
    for (const vip of balancer.vips) edge.route({ address: vip, length: 32 }, { via: balancer.ip, dev: device }, origin, 'static')
    const back = originOf(balancer, 'answers go back through the balancer')
    edge.policyRule({ priority: 100 + i, fwmark: markOf(i), table: 100 + markOf(i) }, back)
    edge.route(ANY, { via: balancer.ip, dev: device, table: 100 + markOf(i) }, back, 'static')
  })
}

/** What marks the connections that a balancer opens to a node, and their answers; none without balancers. */
export function balancerMarks(cluster: Cluster): GeneratedTable[] {
  if (cluster.balancers.length === 0) return []
  const opened = cluster.balancers.map((balancer, i) =>
    rule(
      'PREROUTING',
      originOf(balancer, 'answers go back through the balancer'),
      inInterface(edgeDevice(i)),
      comment(`through ${balancer.place} (${balancer.vips.map(formatIpv4).join(', ')})`),
      ctstate(['NEW']),
      setConnmark(markOf(i)),
    ),
  )
  const origin: Origin = { component: 'cloud', detail: 'answers go back through the balancer' }
  const answers = rule(
    'PREROUTING',
    origin,
    inInterface('eth0'),
    comment('answers take the way they came'),
    hasConnmark,
    restoreConnmark,
  )
  return [{ table: 'mangle', chains: [], rules: [...opened, answers] }]
}
