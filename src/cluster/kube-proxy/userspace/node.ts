import { formatIpv4, IPV4_ANY } from '../../../net/address.ts'
import { processId, socketId } from '../../../world/ids.ts'
import type { Origin } from '../../../world/records.ts'
import { egressRule } from '../../cni/bridge.ts'
import { portmapRules } from '../../cni/portmap.ts'
import type { Cluster, ClusterNode } from '../../model.ts'
import type { NetnsBuilder, WorldBuilder } from '../../world-builder.ts'
import { proxyObjects } from '../index.ts'
import { parseIpSloppy } from '../ip.ts'
import { made } from '../iptables/draft.ts'
import type { GeneratedTable } from '../rule.ts'
import { servicePorts } from '../service-map.ts'
import { syncUserspace, type UserspaceConfig, type UserspaceSync } from './proxier.ts'

// What kube-proxy in userspace mode leaves on a node of the world: rules, its process, and the process's sockets.

export function userspaceConfigOf(self: ClusterNode): UserspaceConfig {
  const hostIP = parseIpSloppy(formatIpv4(self.ip))
  if (hostIP === undefined) throw new Error(`${self.name} has no address`)
  return { nodeName: self.name, hostIP }
}

/** The sync of every node of a cluster, each when it is asked for. */
export function clusterUserspace(cluster: Cluster): (self: ClusterNode) => UserspaceSync {
  const ports = servicePorts(proxyObjects(cluster).services, 'IPv4')
  const known = new Map<string, UserspaceSync>()
  return (self) => {
    const sync = known.get(self.name) ?? syncUserspace(ports, userspaceConfigOf(self))
    known.set(self.name, sync)
    return sync
  }
}

const KUBELET: Origin = { component: 'kubelet', detail: 'iptables ownership' }

/** All tables of a node. NodePort rules match broadly and have to come last, even after the network plugin's. */
export function userspaceNodeTables(
  self: ClusterNode,
  cluster: Cluster,
  { nat, filter, jumps }: UserspaceSync,
): GeneratedTable[] {
  const canary = {
    name: 'KUBE-KUBELET-CANARY',
    origin: { component: 'kubelet', detail: 'notices when tables are flushed' },
  } as const
  const portmap = portmapRules(self, cluster)
  const of = (table: string, list: UserspaceSync['jumps']['first']) => list.filter((j) => j.table === table).map((j) => j.rule)
  return [
    { table: 'mangle', chains: [{ name: 'KUBE-IPTABLES-HINT', origin: KUBELET }, canary], rules: [] },
    {
      table: 'nat',
      chains: [...nat.chains, canary, ...portmap.chains],
      rules: [
        ...of('nat', jumps.first),
        ...portmap.prepended,
        ...nat.rules,
        ...portmap.appended,
        ...of('nat', jumps.last),
        egressRule(cluster),
      ],
    },
    { table: 'filter', chains: [...filter.chains, canary], rules: [...of('filter', jumps.first), ...filter.rules] },
  ]
}

const SOMAXCONN = 4096

/** The process and its sockets. The origin of a socket says which service port it is for: the process reads it there. */
export function buildUserspace(world: WorldBuilder, node: NetnsBuilder, { sockets }: UserspaceSync): void {
  const index = node.process(['kube-proxy', '--proxy-mode=userspace'], node.name, made('--proxy-mode'))
  sockets.forEach(({ port, number, what }, i) => {
    const tcp = port.protocol === 'tcp'
    world.put({
      kind: 'socket',
      id: socketId(node.name, i + 1),
      netns: node.id,
      protocol: tcp ? 'tcp' : 'udp',
      local: { address: IPV4_ANY, port: number },
      state: tcp ? 'LISTEN' : 'UNCONN',
      receiveQueue: 0,
      sendQueue: tcp ? SOMAXCONN : 0,
      process: processId(node.name, index),
      origin: made(port.portName === '' ? what : `${what} ${port.portName}`, port),
    })
  })
}
