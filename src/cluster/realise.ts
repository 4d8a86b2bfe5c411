import { formatIpv4, type Ipv4, parseIpv4 } from '../net/address.ts'
import type { JourneySpec } from '../scenario/document.ts'
import type { Origin } from '../world/records.ts'
import { clusterDns } from './dns.ts'
import { behindProxies } from './ingress/behind.ts'
import type { ProxyTables } from './kube-proxy/index.ts'
import { comment, type GeneratedTable, rule, unmodelled } from './kube-proxy/rule.ts'
import type { Cluster, ClusterNode, ClusterService } from './model.ts'

// kube-proxy writes every Service on every node. On a large cluster that is nearly the whole world, and a journey passes two or
// three nodes: the rules of the others are left out, and a packet that meets such a node after all ends as `undetermined`.

/** Up to this many rules in all, every node gets its own. */
export const MAX_RULES = 60_000

/** Nodes that the journeys can pass: where they start, where the addresses that they name are, and where these lead to. */
export function nodesOnTheWay(cluster: Cluster, journeys: readonly JourneySpec[]): ReadonlySet<ClusterNode> {
  const byPlace = new Map<string, ClusterNode>(cluster.nodes.map((n) => [n.name, n]))
  const byAddress = new Map<Ipv4, ClusterNode>(cluster.nodes.flatMap((n) => [[n.ip, n] as const, [n.externalIp, n] as const]))
  for (const p of cluster.pods) {
    byPlace.set(p.place, p.node)
    byPlace.set(`pod/${p.namespace}/${p.name}`, p.node)
    byAddress.set(p.ip, p.node)
  }
  const nodes = new Set<ClusterNode>()
  const add = (n: ClusterNode | undefined) => n !== undefined && nodes.add(n)
  for (const j of journeys) {
    add(byPlace.get(j.from))
    for (const [, text = '', port] of j.run.matchAll(/(\d+\.\d+\.\d+\.\d+)(?::(\d+))?/g)) {
      const address = parseIpv4(text)
      if (!address.ok) continue
      const met = [address.value, ...endpointsBehind(cluster, address.value, Number(port ?? 0))]
      for (const a of [...met, ...behindProxies(cluster, new Set(met))]) add(byAddress.get(a))
    }
    for (const a of endpointsNamed(cluster, j.run)) add(byAddress.get(a))
  }
  return nodes
}

/** Endpoints of the Services that a command may mean by name, in whatever namespace, and of the DNS that it asks. */
function endpointsNamed(cluster: Cluster, run: string): Ipv4[] {
  const dns = clusterDns(cluster)
  if (dns === undefined) return []
  // `web`, `web.shop.svc.cluster.local`, `db-0.db`, `_http._tcp.web`: one of the first labels is the Service.
  const labels = new Set((run.match(/[a-z0-9_-]+(?:\.[a-z0-9_-]+)*/gi) ?? []).flatMap((word) => word.split('.').slice(0, 3)))
  const named = cluster.services.filter((s) => labels.has(s.name) || s.clusterIP === dns)
  return named.flatMap((s) => endpointsOf(cluster, s))
}

/** Endpoints of the Services that an address, or a node port, can stand for. */
function endpointsBehind(cluster: Cluster, address: Ipv4, port: number): Ipv4[] {
  const services = cluster.services.filter(
    (s) => s.clusterIP === address || s.externalVips.includes(address) || (port > 0 && s.ports.some((p) => p.nodePort === port)),
  )
  return services.flatMap((service) => endpointsOf(cluster, service))
}

const endpointsOf = (cluster: Cluster, service: ClusterService): Ipv4[] =>
  cluster.slices
    .filter((s) => s.namespace === service.namespace && s.service === service.name)
    .flatMap((s) => s.endpoints.map((e) => e.address))

export const ruleCount = ({ filter, nat }: ProxyTables): number => filter.rules.length + nat.rules.length

const LEFT_OUT: Origin = { component: 'kube-proxy', detail: 'left out: no journey passes this node' }

/** What stands for the rules that were left out: the first thing that any packet of this node's IP stack meets. */
export function leftOutTables(count: number): GeneratedTable[] {
  const note = comment(`${count} rules of kube-proxy are left out here: no journey passes this node`)
  const stop = (chain: string) => rule(chain, LEFT_OUT, note, unmodelled('KUBE-PROXY-LEFT-OUT'))
  return [{ table: 'mangle', chains: [], rules: [stop('PREROUTING'), stop('OUTPUT')] }]
}

export const leftOutNote = (nodes: readonly ClusterNode[], count: number): string =>
  `kube-proxy's rules (${count} a node) are left out on ${nodes.length} nodes that no journey passes, ${nodes
    .slice(0, 3)
    .map((n) => `${n.name} (${formatIpv4(n.ip)})`)
    .join(', ')}${nodes.length > 3 ? ' …' : ''}; a packet that comes there all the same ends as undetermined`
