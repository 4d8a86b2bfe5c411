import type { LibraryEntry } from './entry.ts'
import { INTO_THE_CLUSTER } from './groups.ts'
import { scenario, TWO_NODES, webPod } from './parts.ts'
import { balancedService, VIP } from './ways-in.ts'

const HEALTH = 32100

export const loadBalancerLocal: LibraryEntry = {
  id: 'load-balancer-local',
  group: INTO_THE_CLUSTER,
  badge: 'answered',
  title: { en: 'LoadBalancer with policy Local: the health check decides', zh: 'LoadBalancer 与 Local 策略：由健康检查决定' },
  intro: {
    en: 'With externalTrafficPolicy: Local a node without an endpoint would drop the request, so the balancer must not send any there. That is what healthCheckNodePort is for: kube-proxy itself listens on it, on every node, and answers 200 where the Service has a ready endpoint on that very node, 503 where it has none. It is an answer about one Service, not about the node.\nThe first two commands are the balancer’s checks. node1 says localEndpoints 1, node2 says 0; so only node1 is among the targets, as iptables of lb/web shows.\nThe third is a client’s request: no detour over another node, no masquerading, and the pod sees the client’s own address, 198.51.100.10.',
    zh: 'externalTrafficPolicy 为 Local 时，没有端点的节点会丢弃请求，所以负载均衡器不能把流量发到那里。healthCheckNodePort 就是为此而设：kube-proxy 自己在每个节点上监听这个端口，如果该 Service 在本节点上有就绪的端点就回答 200，没有则回答 503。它回答的是某个 Service 的情况，而不是节点是否健康。\n前两条命令就是负载均衡器的检查：node1 的 localEndpoints 是 1，node2 是 0；因此目标里只有 node1，可以在 lb/web 的 iptables 中看到。\n第三条是客户端的请求：不绕经其他节点，不做伪装，Pod 看到的就是客户端自己的地址 198.51.100.10。',
  },
  document: scenario({
    title: 'LoadBalancer with policy Local: the health check decides',
    objects: [
      ...TWO_NODES,
      webPod('web-a', 'node1', '10.244.1.3'),
      balancedService({ externalTrafficPolicy: 'Local', healthCheckNodePort: HEALTH }),
    ],
    journeys: [
      { from: 'lb/web', run: `curl http://192.168.1.11:${HEALTH}/` },
      { from: 'lb/web', run: `curl http://192.168.1.12:${HEALTH}/` },
      { from: 'internet', run: `curl http://${VIP}/` },
    ],
  }),
}
