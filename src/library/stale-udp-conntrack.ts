import type { ScheduledChange } from '../scenario/document.ts'
import type { LibraryEntry } from './entry.ts'
import { BROKEN, SERVICES } from './groups.ts'
import { clientPod, cluster, scenario, TWO_NODES } from './parts.ts'

const ECHO_IP = '10.96.0.7'

const echoPod = (name: string, podIP: string, nodeName = 'node2') => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app: 'echo' } },
  spec: {
    nodeName,
    // Gone at once, as with kubectl delete --grace-period=0 --force.
    terminationGracePeriodSeconds: 0,
    containers: [
      { name: 'echo', image: 'registry.k8s.io/e2e-test-images/agnhost:2.53', ports: [{ containerPort: 7, protocol: 'UDP' }] },
    ],
  },
  status: { podIP },
})

const SERVICE = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'echo' },
  spec: { clusterIP: ECHO_IP, selector: { app: 'echo' }, ports: [{ port: 7, protocol: 'UDP' }] },
}

/** One datagram from a port that stays the same, as a resolver or a metrics client that keeps its socket open. */
const ask = (text: string) => ({ from: 'pod/client', run: `echo ${text} | nc -u -p 40000 -w 2 ${ECHO_IP} 7` })

const MOVED: readonly ScheduledChange[] = [
  { journey: 0, at: '1s', apply: [echoPod('echo-b', '10.244.1.3', 'node1')], delete: [{ kind: 'Pod', name: 'echo-a' }] },
]

const OBJECTS = [
  ...TWO_NODES,
  clientPod('client', 'node1', '10.244.1.2'),
  echoPod('echo-a', '10.244.2.2'),
  clientPod('other', 'node2', '10.244.2.3'),
  SERVICE,
]

export const staleUdpConntrack: LibraryEntry = {
  id: 'stale-udp-conntrack',
  group: SERVICES,
  badge: 'answered',
  title: { en: 'The endpoint of a UDP Service moves', zh: 'UDP Service 的端点迁移' },
  intro: {
    en: 'A client keeps asking a UDP Service from one source port. UDP has no beginning and no end: as long as packets come, conntrack keeps the entry of the first one, and with it the endpoint that was chosen then.\nAfter the first answer the only endpoint, echo-a on node2, is deleted, and echo-b on node1 takes its place. kube-proxy writes the new rules on every node, and then deletes the UDP entries whose replies would come from no serving endpoint (conntrack -D). So the next datagram of the same client is NEW again, asks the nat table, and reaches echo-b.',
    zh: '客户端从同一个源端口不断访问一个 UDP Service。UDP 没有开始也没有结束：只要还有包到来，conntrack 就保留首个包建立的条目，以及当时选中的端点。\n首次应答之后，唯一的端点 node2 上的 echo-a 被删除，由 node1 上的 echo-b 取代。kube-proxy 在每个节点上写入新规则，随后删除那些应答方已不是可用端点的 UDP 条目（conntrack -D）。于是同一客户端的下一个数据报重新成为 NEW，查询 nat 表，到达 echo-b。',
  },
  document: scenario({
    title: 'The endpoint of a UDP Service moves',
    objects: OBJECTS,
    journeys: [ask('one'), ask('two'), ask('three')],
    changes: MOVED,
  }),
}

export const brokenStaleUdpConntrack: LibraryEntry = {
  id: 'stale-udp-kept',
  group: BROKEN,
  badge: 'timed-out',
  about: 1,
  title: { en: 'Broken: a stale conntrack entry holds a UDP client', zh: '故障：陈旧的 conntrack 条目困住 UDP 客户端' },
  intro: {
    en: 'The same as “The endpoint of a UDP Service moves”, with a kube-proxy that cannot delete conntrack entries: the conntrack tool is missing from its image, or it has one of the bugs of old versions (cluster.kubeProxy.conntrackCleanup: false).\nThe rules are right, and still the client reaches nobody. Its packets belong to an entry that says 10.244.2.2, so the nat table is never asked; and every packet makes the entry young again. It ends only when the client is silent for longer than the timeout, or uses another source port: the last command does, and is answered.',
    zh: '与“UDP Service 的端点迁移”相同，但这里的 kube-proxy 无法删除 conntrack 条目：镜像中缺少 conntrack 工具，或者是旧版本的缺陷（cluster.kubeProxy.conntrackCleanup: false）。\n规则是正确的，客户端却谁也联系不上。它的包属于一个指向 10.244.2.2 的条目，所以根本不会查询 nat 表；而每个包又刷新该条目的超时。只有当客户端沉默的时间超过超时值，或换用另一个源端口时，才会恢复：最后一条命令正是如此，并得到了应答。',
  },
  document: scenario({
    title: 'Broken: a stale conntrack entry holds a UDP client',
    cluster: { ...cluster(), kubeProxy: { mode: 'iptables', conntrackCleanup: false } },
    objects: OBJECTS,
    journeys: [ask('one'), ask('two'), ask('three'), { from: 'pod/client', run: `echo four | nc -u -p 40001 -w 2 ${ECHO_IP} 7` }],
    changes: MOVED,
  }),
}
