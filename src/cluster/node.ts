import { ipv4 } from '../net/address.ts'
import type { Origin } from '../world/records.ts'
import { attachPod, buildBridge, egressRule } from './cni/bridge.ts'
import { portmapRules } from './cni/portmap.ts'
import { nodeFiles, podFiles } from './dns.ts'
import { fabricPort, hostRoutes, LAN_LATENCY } from './fabric/fabric.ts'
import { iptablesConfigOf, jumpRules, type ProxyTables } from './kube-proxy/index.ts'
import { buildIpvs, buildIpvsDevice } from './kube-proxy/ipvs/node.ts'
import type { GeneratedTable } from './kube-proxy/rule.ts'
import { buildUserspace } from './kube-proxy/userspace/node.ts'
import { hasSpeakers } from './metallb/layer2.ts'
import type { Cluster, ClusterNode, ClusterPod } from './model.ts'
import { cloudMac, machineMac } from './names.ts'
import type { NodeRules } from './node-rules.ts'
import { objectOrigin } from './objects.ts'
import { serversOf } from './servers.ts'
import type { NetnsBuilder, WorldBuilder } from './world-builder.ts'

const SPEAKER: Origin = {
  component: 'runtime',
  object: { kind: 'DaemonSet', namespace: 'metallb-system', name: 'speaker' },
  detail: 'MetalLB, layer 2 mode',
}
const KUBELET: Origin = { component: 'kubelet', detail: 'iptables ownership' }

/** A node's root namespace, and the pods on it. */
export function buildNode(
  world: WorldBuilder,
  self: ClusterNode,
  cluster: Cluster,
  proxy: GeneratedTable[],
  { ipvs, userspace, nftables }: Pick<NodeRules, 'ipvs' | 'userspace' | 'nftables'> = {},
): void {
  const of = { kind: 'Node', name: self.name }
  const isCloud = cluster.config.network.fabric === 'cloud'
  const { mtu } = cluster.config.network
  const node = world.netns(self.name, 'node', objectOrigin('user', of))
  const origin = objectOrigin(isCloud ? 'cloud' : 'fabric', of, 'status.addresses')
  node.device('eth0', {
    mac: isCloud ? cloudMac(self.ip) : machineMac(self.ip),
    mtu,
    link: { kind: 'physical', peer: fabricPort(cluster, self.name), latency: LAN_LATENCY },
    origin,
  })
  node.address('eth0', { address: self.ip, length: isCloud ? 32 : cluster.nodeSubnet.length }, origin)
  buildBridge(node, self, mtu)
  if (ipvs !== undefined) buildIpvsDevice(node, ipvs)
  if (isCloud) node.route({ address: cluster.gateway, length: 32 }, { dev: 'eth0' }, origin)
  node.route({ address: ipv4(0), length: 0 }, { via: cluster.gateway, dev: 'eth0' }, origin)
  if (!isCloud) hostRoutes(node, self, cluster)

  const pods = cluster.podsOf(self)
  for (const pod of pods) {
    if (pod.hostNetwork) continue
    const inside = attachPod(world, node, pod, cluster)
    podFiles(inside, pod, cluster)
    startServers(inside, pod, cluster)
    inside.finish()
  }
  for (const pod of pods) if (pod.hostNetwork) startServers(node, pod, cluster)
  startHealthChecks(node, cluster)
  if (hasSpeakers(cluster.objects)) node.process(['speaker', '--port=7472'], self.name, SPEAKER)
  nodeFiles(node, self.ip, cluster)
  buildSysctls(node, cluster)
  if (ipvs !== undefined) buildIpvs(world, node, cluster, ipvs)
  if (userspace !== undefined) buildUserspace(world, node, userspace)
  node.tables(proxy)
  for (const record of nftables?.() ?? []) world.put(record)
  node.finish()
}

function startServers(netns: NetnsBuilder, pod: ClusterPod, cluster: Cluster): void {
  for (const s of serversOf(pod, cluster)) {
    netns.process(
      s.argv,
      pod.node.name,
      objectOrigin('runtime', { kind: 'Pod', namespace: pod.namespace, name: pod.name }, s.detail),
      s.container,
    )
  }
}

/** What load balancers ask whether this node has an endpoint of a Service with externalTrafficPolicy Local. */
function startHealthChecks(node: NetnsBuilder, cluster: Cluster): void {
  for (const { namespace, name, port } of cluster.healthChecks) {
    const origin = objectOrigin('kube-proxy', { kind: 'Service', namespace, name }, 'spec.healthCheckNodePort')
    node.process(['kube-proxy', 'healthcheck', `${namespace}/${name}`, String(port)], node.name, origin)
  }
}

/** What components set, and the kernel's own defaults that decide a packet's way. */
function buildSysctls(node: NetnsBuilder, cluster: Cluster): void {
  const kernel: Origin = { component: 'kernel' }
  const nftables = cluster.config.kubeProxy.mode === 'nftables'
  const set: readonly (readonly [string, string | number, Origin])[] = [
    ['net.ipv4.ip_forward', 1, { component: 'cni', detail: 'the bridge plugin: isGateway' }],
    ['net.ipv4.conf.all.rp_filter', 0, kernel],
    ['net.ipv4.conf.default.rp_filter', 0, kernel],
    // Lets node ports answer on 127.0.0.1; the KUBE-FIREWALL chain guards what that opens. With nftables they do not.
    ...(nftables
      ? []
      : ([
          ['net.ipv4.conf.all.route_localnet', 1, { component: 'kube-proxy', detail: '--iptables-localhost-nodeports' }],
        ] as const)),
    nftables
      ? [
          'net.bridge.bridge-nf-call-iptables',
          1,
          { component: 'user', detail: 'bridged traffic passes the IP hooks, nftables too' },
        ]
      : ['net.bridge.bridge-nf-call-iptables', 1, { component: 'kube-proxy', detail: 'iptables mode sees bridged traffic' }],
    [
      'net.netfilter.nf_conntrack_tcp_timeout_established',
      86400,
      { component: 'kube-proxy', detail: '--conntrack-tcp-timeout-established' },
    ],
    [
      'net.netfilter.nf_conntrack_tcp_timeout_close_wait',
      3600,
      { component: 'kube-proxy', detail: '--conntrack-tcp-timeout-close-wait' },
    ],
  ]
  for (const [key, value, origin] of set) node.sysctl(key, value, origin)
}

/** All tables of a node: kubelet's hint and canaries, kube-proxy's chains, the network plugin's masquerade. */
export function nodeTables(self: ClusterNode, cluster: Cluster, { filter, nat }: ProxyTables): GeneratedTable[] {
  const jumps = jumpRules(iptablesConfigOf(self, cluster))
  const jumpsOf = (table: string) => jumps.filter((j) => j.table === table).map((j) => j.rule)
  const portmap = portmapRules(self, cluster)
  const canaries = [
    { name: 'KUBE-KUBELET-CANARY', origin: { component: 'kubelet', detail: 'notices when tables are flushed' } },
    { name: 'KUBE-PROXY-CANARY', origin: { component: 'kube-proxy', detail: 'notices when tables are flushed' } },
  ] as const
  return [
    { table: 'mangle', chains: [{ name: 'KUBE-IPTABLES-HINT', origin: KUBELET }, ...canaries], rules: [] },
    {
      table: 'nat',
      chains: [...nat.chains, ...canaries, ...portmap.chains],
      rules: [...portmap.prepended, ...jumpsOf('nat'), ...nat.rules, ...portmap.appended, egressRule(cluster)],
    },
    { table: 'filter', chains: [...filter.chains, ...canaries], rules: [...jumpsOf('filter'), ...filter.rules] },
  ]
}
