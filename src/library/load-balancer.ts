import type { LibraryEntry } from './entry.ts'
import { INTO_THE_CLUSTER } from './groups.ts'
import { scenario, TWO_NODES, webPod } from './parts.ts'
import { balancedService, VIP } from './ways-in.ts'

export const loadBalancer: LibraryEntry = {
  id: 'load-balancer',
  group: INTO_THE_CLUSTER,
  badge: 'answered',
  title: { en: 'LoadBalancer: a balancer that knows only nodes', zh: 'LoadBalancer：只认识节点的负载均衡器' },
  intro: {
    en: 'A cloud’s layer 4 balancer, of the pass-through kind, stands in front of Service web. It knows nothing of pods: its targets are the nodes, each with node port 30080, and it draws one for every connection. It rewrites the destination, 203.0.113.100:80 → node:30080, keeps the source, and has a conntrack table of its own.\nThe only pod is on node1. When the draw falls on node2, kube-proxy there sends the request on to node1 and masquerades it, so that the answer comes back through node2: one hop more, and the client’s address is gone.\nFrom the node the answer goes to the client’s address, but not straight: it has to pass the balancer again, which puts 203.0.113.100 back as the source. Clouds do that in the switch of the hypervisor, by flow. Here the gateway does it with a connection mark and a route of its own for marked packets.',
    zh: 'Service web 前面是云厂商的四层负载均衡器，属于透传类型。它对 Pod 一无所知：它的目标是各个节点及其节点端口 30080，并为每个连接抽取一个节点。它改写目的地址（203.0.113.100:80 → 节点:30080），保留源地址，并有自己的 conntrack 表。\n唯一的 Pod 在 node1 上。抽中 node2 时，那里的 kube-proxy 会把请求再转给 node1 并做伪装，使回包经 node2 返回：多走一跳，客户端地址也丢失了。\n节点把回包发往客户端的地址，但不会直达：它必须再次经过负载均衡器，由后者把源地址恢复为 203.0.113.100。云上由宿主机的虚拟交换机按流完成这件事；这里由网关用连接标记加上一条专供带标记包使用的路由来实现。',
  },
  document: scenario({
    title: 'LoadBalancer: a balancer that knows only nodes',
    objects: [...TWO_NODES, webPod('web-a', 'node1', '10.244.1.3'), balancedService()],
    journeys: [
      { from: 'internet', run: `curl http://${VIP}/` },
      { from: 'internet', run: `curl http://${VIP}/` },
    ],
  }),
}
