import type { LibraryEntry } from './entry.ts'
import { INTO_THE_CLUSTER } from './groups.ts'
import { cluster, scenario, TWO_NODES, webPod } from './parts.ts'
import { nodePortService } from './ways-in.ts'

export const nodePortLocal: LibraryEntry = {
  id: 'node-port-local',
  group: INTO_THE_CLUSTER,
  badge: 'answered',
  title: { en: 'externalTrafficPolicy: Local keeps the source address', zh: 'externalTrafficPolicy: Local 保留源地址' },
  intro: {
    en: 'The same Service with externalTrafficPolicy: Local. On node1 the request goes to the endpoint on this node only (KUBE-SVL) and is not masqueraded: RemoteAddr is the laptop’s own 192.168.1.100.\nThe price is paid on node2, which has no endpoint: KUBE-EXT leads nowhere there, so the packet is still addressed to the node when it reaches filter INPUT, and a rule of KUBE-EXTERNAL-SERVICES drops it. No refusal, no ICMP error: the laptop waits in vain. Whoever sends to such a Service must know which nodes have an endpoint, which is what a load balancer’s health check finds out.\nA process on node2 itself is served all the same, as the third command shows: its own traffic is taken for internal.',
    zh: '同一个 Service，但 externalTrafficPolicy 为 Local。在 node1 上，请求只会去往本节点的端点（KUBE-SVL），也不做伪装：RemoteAddr 就是笔记本自己的 192.168.1.100。\n代价由没有端点的 node2 承担：KUBE-EXT 在那里没有去处，包到达 filter INPUT 时目的地址仍是节点本身，于是被 KUBE-EXTERNAL-SERVICES 的规则丢弃。既没有拒绝，也没有 ICMP 错误，笔记本只能空等。所以访问这类 Service 的一方必须知道哪些节点上有端点，负载均衡器的健康检查正是用来弄清这一点的。\n而 node2 自身的进程仍然能访问（见第三条命令）：节点自己的流量被视为内部流量。',
  },
  document: scenario({
    title: 'externalTrafficPolicy: Local keeps the source address',
    cluster: { ...cluster(), clients: [{ name: 'laptop', address: '192.168.1.100' }] },
    objects: [...TWO_NODES, webPod('web-a', 'node1', '10.244.1.3'), nodePortService({ externalTrafficPolicy: 'Local' })],
    journeys: [
      { from: 'client/laptop', run: 'curl http://192.168.1.11:30080/' },
      { from: 'client/laptop', run: 'curl --max-time 2 http://192.168.1.12:30080/' },
      { from: 'node2', run: 'curl http://192.168.1.12:30080/' },
    ],
  }),
}
