import { parseNft } from '../../linux/nft/parse.ts'
import { type NftRecord, nftRecords } from '../../linux/nft/records.ts'
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
import type { BalancerPort, Cluster, ClusterBalancer, ClusterNode } from '../model.ts'
import { machineMac } from '../names.ts'
import { objectOrigin } from '../objects.ts'
import { sitePlace } from '../site.ts'
import type { NetnsBuilder, WorldBuilder } from '../world-builder.ts'
import { fabricPort, LAN_LATENCY } from './fabric.ts'

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

/** Balancers that hang on the machine which routes for the nodes: all but those that stand beside the nodes. */
export const onEdge = (cluster: Cluster): ClusterBalancer[] => cluster.balancers.filter((b) => b.delivery !== 'direct')

export function buildBalancers(world: WorldBuilder, cluster: Cluster): void {
  const hanging = onEdge(cluster)
  for (const balancer of cluster.balancers) {
    const i = hanging.indexOf(balancer)
    const peer = i < 0 ? fabricPort(cluster, balancer.place) : deviceId(edgePlace(cluster), edgeDevice(i))
    buildBalancer(world, cluster, balancer, peer)
  }
}

function buildBalancer(world: WorldBuilder, cluster: Cluster, balancer: ClusterBalancer, peer: DeviceId): void {
  const origin = originOf(balancer, 'type: LoadBalancer')
  const lb = world.netns(balancer.place, 'load-balancer', origin)
  const { mtu } = cluster.config.network
  lb.device('eth0', { mac: machineMac(balancer.ip), mtu, link: { kind: 'physical', peer, latency: LAN_LATENCY }, origin })
  lb.address('eth0', { address: balancer.ip, length: balancer.segmentLength }, origin)
  // What it only passes on is nobody's address there.
  if (balancer.delivery !== 'direct')
    for (const vip of balancer.vips)
      lb.address('eth0', { address: vip, length: 32 }, originOf(balancer, 'status.loadBalancer.ingress'))
  lb.route(ANY, { via: balancer.edgeIp, dev: 'eth0' }, origin)
  if (balancer.delivery === 'proxy') buildProxy(lb, balancer)
  else {
    lb.sysctl('net.ipv4.ip_forward', 1, origin)
    for (const name of ['all', 'default', 'eth0']) lb.sysctl(`net.ipv4.conf.${name}.send_redirects`, 0, origin)
    lb.tables(balancerTables(balancer, cluster))
  }
  for (const r of directRecords(balancer, cluster)) world.put(r)
  if (balancer.delivery === 'direct') routeDirectly(lb, balancer, cluster)
  lb.finish()
}

/** A balancer's rules, for the targets that it has. */
export const balancerTables = (balancer: ClusterBalancer, cluster: Cluster): GeneratedTable[] => {
  if (balancer.delivery !== 'node-port') return []
  const rules = [...balancer.ports.flatMap((p) => portRules(balancer, p)), ...onLinkRules(balancer, cluster)]
  return [{ table: 'nat', chains: [], rules }]
}

/** A balancer that ends connections: a process, and its targets in a file. */
function buildProxy(lb: NetnsBuilder, balancer: ClusterBalancer): void {
  const { namespace, name } = balancer.service
  const origin = originOf(balancer, 'ipMode: Proxy')
  lb.file(TARGETS, proxyTargetsText(balancer), origin)
  lb.process(['l4-proxy', '--service', `${namespace}/${name}`, '--targets', TARGETS], balancer.place, origin)
}

export const TARGETS = '/etc/l4-proxy/targets'

/** A line a port: `80 192.168.1.11:30080 192.168.1.12:30080`. */
export const proxyTargetsText = ({ ports }: ClusterBalancer): string =>
  ports.map((p) => `${[p.port, ...p.targets.map((n) => `${formatIpv4(n.ip)}:${p.nodePort}`)].join(' ')}\n`).join('')

/**
 * Direct server return: which node a packet goes to follows from its source alone, by a hash, and no connection is remembered (Maglev,
 * Katran and their like; nftables has jhash). A table of routes for each node has it as the next hop: the packet stays as it is.
 */
export function directRecords(balancer: ClusterBalancer, cluster: Cluster): NftRecord[] {
  if (balancer.delivery !== 'direct') return []
  const rules = balancer.ports.flatMap((p) =>
    balancer.vips.flatMap((vip) => {
      const to = `ip daddr ${formatIpv4(vip)} ${p.protocol} dport ${p.port}`
      const hash = `jhash ip saddr . ${p.protocol} sport mod ${p.targets.length} seed 0x${SEED.toString(16)}`
      return p.targets.length === 0
        ? [`${to} drop`]
        : [`${to} meta mark set ${hash} map { ${p.targets.map((n, i) => `${i} : ${markOfNode(n, cluster)}`).join(', ')} }`]
    }),
  )
  const text = `table ip balancer {\n chain prerouting {\n  type filter hook prerouting priority mangle; policy accept;\n${rules.map((r) => `  ${r}\n`).join('')} }\n}\n`
  const parsed = parseNft(text)
  if (!parsed.ok) throw new Error(`${balancer.place}: ${parsed.error.found}`)
  return nftRecords(balancer.place, parsed.value, () => originOf(balancer, 'direct server return'))
}

const SEED = 0x5eed

/** The mark of packets for a node; its routing table has 100 more. */
const markOfNode = (node: ClusterNode, { nodes }: Cluster): number => nodes.indexOf(node) + 1

function routeDirectly(lb: NetnsBuilder, balancer: ClusterBalancer, cluster: Cluster): void {
  for (const node of cluster.nodes) {
    const mark = markOfNode(node, cluster)
    const origin = originOf(balancer, `to ${node.name}, as it is`)
    lb.policyRule({ priority: 100 + mark, fwmark: mark, table: 100 + mark }, origin)
    lb.route(ANY, { via: node.ip, dev: 'eth0', table: 100 + mark }, origin, 'static')
  }
}

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
  for (const balancer of cluster.balancers) {
    if (balancer.delivery !== 'direct') continue
    for (const vip of balancer.vips)
      edge.route({ address: vip, length: 32 }, { via: balancer.ip, dev: 'eth0' }, originOf(balancer), 'static')
  }
  onEdge(cluster).forEach((balancer, i) => {
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
    // What it sends is its own: the answers find it by its address.
    if (balancer.delivery === 'proxy') return
    const back = originOf(balancer, 'answers go back through the balancer')
    edge.policyRule({ priority: 100 + i, fwmark: markOf(i), table: 100 + markOf(i) }, back)
    edge.route(ANY, { via: balancer.ip, dev: device, table: 100 + markOf(i) }, back, 'static')
  })
}

/** What marks the connections that a balancer opens to a node, and their answers; none without balancers. */
export function balancerMarks(cluster: Cluster): GeneratedTable[] {
  const opened = onEdge(cluster).flatMap((balancer, i) =>
    balancer.delivery === 'proxy'
      ? []
      : [
          rule(
            'PREROUTING',
            originOf(balancer, 'answers go back through the balancer'),
            inInterface(edgeDevice(i)),
            comment(`through ${balancer.place} (${balancer.vips.map(formatIpv4).join(', ')})`),
            ctstate(['NEW']),
            setConnmark(markOf(i)),
          ),
        ],
  )
  if (opened.length === 0) return []
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
