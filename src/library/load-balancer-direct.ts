import type { LibraryEntry } from './entry.ts'
import { INTO_THE_CLUSTER } from './groups.ts'
import { cluster, scenario, TWO_NODES, webPod } from './parts.ts'
import { balancedService, VIP } from './ways-in.ts'

export const loadBalancerDirect: LibraryEntry = {
  id: 'load-balancer-direct',
  group: INTO_THE_CLUSTER,
  badge: 'answered',
  title: { en: 'Direct server return: the answer goes past the balancer', zh: '直接服务器返回（DSR）：回包绕过负载均衡器' },
  intro: {
    en: 'This balancer rewrites nothing. A packet to 203.0.113.100 comes in, a hash of source address and port says which node, and the packet goes on to it as it is: only the Ethernet header is new (direct server return, as Maglev, Katran or IPVS in direct routing do it). It keeps no table of connections; the same source always has the same hash, and so the same node.\nThe node does not have the address either. Its kube-proxy knows it from status.loadBalancer.ingress, and DNAT happens before the node would ask whether the packet is for itself.\nThe answer gets 203.0.113.100 back as its source on the node, and from there goes straight to the gateway. With externalTrafficPolicy: Local nothing is masqueraded on the way, and the pod sees the client’s own address. The balancer carries only what clients send, a small share of the bytes. The price: since it never sees an answer, it cannot know whether a connection stands.',
    zh: '这个负载均衡器什么也不改写。发往 203.0.113.100 的包进来后，由源地址和源端口的哈希决定交给哪个节点，包原样转发过去，只换了以太网头（直接服务器返回，Maglev、Katran 和 IPVS 的直接路由模式都是如此）。它不保存连接表：同样的源总有同样的哈希，也就总到同一个节点。\n节点自己同样没有这个地址。节点上的 kube-proxy 从 status.loadBalancer.ingress 得知它，而 DNAT 发生在节点判断包是否发给自己之前。\n回包在节点上恢复以 203.0.113.100 为源地址，随后直接去往网关。externalTrafficPolicy 为 Local，途中不做伪装，Pod 看到的就是客户端自己的地址。负载均衡器只承担客户端发来的流量，这只占总字节数的一小部分。代价是：它见不到回包，也就无从知道连接是否建立。',
  },
  document: scenario({
    title: 'Direct server return: the answer goes past the balancer',
    cluster: { ...cluster(), loadBalancer: 'direct' },
    objects: [
      ...TWO_NODES,
      webPod('web-a', 'node1', '10.244.1.3'),
      webPod('web-b', 'node2', '10.244.2.2'),
      {
        ...balancedService({ externalTrafficPolicy: 'Local' }),
        status: { loadBalancer: { ingress: [{ ip: VIP, ipMode: 'VIP' }] } },
      },
    ],
    journeys: [
      { from: 'internet', run: `curl --local-port 40001 http://${VIP}/` },
      { from: 'internet', run: `curl --local-port 40003 http://${VIP}/` },
    ],
  }),
}
