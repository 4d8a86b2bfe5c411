import { egressRule } from '../../cni/bridge.ts'
import { portmapRules } from '../../cni/portmap.ts'
import { CANARY, FIREWALL, HINT, kubeletFirewall } from '../../kubelet.ts'
import type { Cluster, ClusterNode } from '../../model.ts'
import { derivedMac } from '../../names.ts'
import type { NetnsBuilder, WorldBuilder } from '../../world-builder.ts'
import { endpointsMap } from '../endpoints-map.ts'
import { proxyConfigOf, proxyObjects } from '../index.ts'
import type { IpFamily } from '../ip.ts'
import { made } from '../iptables/draft.ts'
import type { GeneratedTable } from '../rule.ts'
import { servicePorts } from '../service-map.ts'
import { type IpvsProxyConfig, type IpvsSync, syncIpvs } from './proxier.ts'
import { ipvsRecords } from './records.ts'
import { ipvsJumps } from './rules.ts'

// What kube-proxy in IPVS mode leaves on a node of the world.

/** The dummy device that has every virtual address, and stays down. */
export const KUBE_IPVS0 = 'kube-ipvs0'
const MTU = 1500

export const ipvsConfigOf = (self: ClusterNode, cluster: Cluster, family: IpFamily = 'IPv4'): IpvsProxyConfig => ({
  ...proxyConfigOf(self, cluster, family),
  scheduler: cluster.config.kubeProxy.scheduler ?? 'rr',
  randomFully: true,
})

/** The sync of every node of a cluster, each when it is asked for. */
export function clusterIpvs(cluster: Cluster): (self: ClusterNode) => IpvsSync {
  const { services, slices } = proxyObjects(cluster)
  const ports = servicePorts(services, 'IPv4')
  const endpoints = endpointsMap(slices, 'IPv4')
  const known = new Map<string, IpvsSync>()
  return (self) => {
    const sync = known.get(self.name) ?? syncIpvs(ports, endpoints, ipvsConfigOf(self, cluster))
    known.set(self.name, sync)
    return sync
  }
}

/** Entries that one sync makes: what a large cluster is measured by. */
export const ipvsSize = (sync: IpvsSync): number =>
  sync.nat.rules.length +
  sync.filter.rules.length +
  sync.ipsets.reduce((n, s) => n + s.entries.length, 0) +
  sync.virtualServers.reduce((n, v) => n + 1 + v.destinations.length, 0)

/** All tables of a node: kubelet's firewall and canaries, kube-proxy's chains, the network plugin's host ports and masquerade. */
export function ipvsNodeTables(self: ClusterNode, cluster: Cluster, { nat, filter }: IpvsSync): GeneratedTable[] {
  const portmap = portmapRules(self, cluster)
  const canaries = [CANARY, { name: 'KUBE-PROXY-CANARY', origin: made('notices when tables are flushed') }]
  return [
    { table: 'mangle', chains: [HINT, ...canaries], rules: [] },
    {
      table: 'nat',
      chains: [...nat.chains, ...canaries, ...portmap.chains],
      rules: [...portmap.prepended, ...ipvsJumps('nat').rules, ...nat.rules, ...portmap.appended, egressRule(cluster)],
    },
    {
      table: 'filter',
      chains: [...filter.chains, FIREWALL, ...canaries],
      rules: [...ipvsJumps('filter').rules, ...filter.rules, ...kubeletFirewall()],
    },
  ]
}

/** NewProxier(): what it sets so that IPVS works with what iptables does, and with `ipvs.strictARP` what keeps nodes from answering ARP for the virtual addresses. */
const SYSCTLS: readonly (readonly [key: string, value: number, detail: string])[] = [
  ['net.ipv4.vs.conntrack', 1, 'masquerading needs the entries of conntrack'],
  ['net.ipv4.vs.expire_nodest_conn', 1, 'connections to removed real servers end at once'],
  ['net.ipv4.vs.expire_quiescent_template', 1, 'session affinity ends with its endpoint'],
]
const STRICT_ARP: typeof SYSCTLS = [
  ['net.ipv4.conf.all.arp_ignore', 1, 'ipvs.strictARP'],
  ['net.ipv4.conf.all.arp_announce', 2, 'ipvs.strictARP'],
]

/** kube-ipvs0 with the virtual addresses. Before `finish`, which makes their local routes. */
export function buildIpvsDevice(node: NetnsBuilder, sync: IpvsSync): void {
  node.device(KUBE_IPVS0, {
    mac: derivedMac(`${node.name}/${KUBE_IPVS0}`),
    mtu: MTU,
    link: { kind: 'dummy' },
    up: false,
    origin: made('the dummy device of the virtual addresses'),
  })
  const firstOf = new Map(sync.virtualServers.toReversed().map((v) => [v.address.text, v.servicePort]))
  for (const address of sync.addresses) {
    if (address.family !== 'IPv4') continue
    node.address(KUBE_IPVS0, { address: address.value, length: 32 }, made('a virtual address', firstOf.get(address.text)))
  }
}

/** Sysctls, virtual servers, real servers and sets. */
export function buildIpvs(world: WorldBuilder, node: NetnsBuilder, cluster: Cluster, sync: IpvsSync): void {
  const set = cluster.config.kubeProxy.strictARP === true ? [...SYSCTLS, ...STRICT_ARP] : SYSCTLS
  for (const [key, value, detail] of set) node.sysctl(key, value, made(detail))
  for (const record of ipvsRecords(node.name, sync)) world.put(record)
}
