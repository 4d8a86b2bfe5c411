import type { LibraryEntry } from './entry.ts'
import { INTO_THE_CLUSTER } from './groups.ts'
import { clientPod, scenario, TWO_NODES, webPod } from './parts.ts'
import { balancedService, VIP } from './ways-in.ts'

const PROXY_VIP = '203.0.113.101'
const shop = balancedService({
  clusterIP: '10.96.0.11',
  selector: { app: 'shop' },
  ports: [{ port: 80, targetPort: 8080, nodePort: 30081 }],
})

export const loadBalancerInside: LibraryEntry = {
  id: 'load-balancer-inside',
  group: INTO_THE_CLUSTER,
  badge: 'answered',
  title: { en: 'A pod calls a load balancer’s address: ipMode VIP and Proxy', zh: 'Pod 访问负载均衡器地址：ipMode VIP 与 Proxy' },
  intro: {
    en: 'A pod calls the external addresses of two Services. Both have a load balancer of the cloud; they differ in status.loadBalancer.ingress[].ipMode.\nweb has 203.0.113.100 with ipMode VIP, which is also what a missing ipMode means: nodes answer for the address themselves. kube-proxy has rules for it on every node, so the pod’s own node takes the request for web’s pod at once (KUBE-EXT), and the balancer never sees it. Whatever the balancer would have added (TLS, the PROXY protocol, its access log) is missing, a well-known trap.\nshop has 203.0.113.101 with ipMode Proxy: the balancer ends connections. kube-proxy writes no rule for the address; the request leaves the cluster with the node’s address as its source, the balancer accepts the connection and opens one of its own to a node port, and only there begins the way that the other request took at once. For shop’s pod the client is a node; who asked is known only to the balancer.',
    zh: '一个 Pod 访问两个 Service 的外部地址。两者前面都有云负载均衡器，区别在于 status.loadBalancer.ingress[].ipMode。\nweb 的地址是 203.0.113.100，ipMode 为 VIP（不写 ipMode 也是这个意思）：节点自己处理发往该地址的流量。kube-proxy 在每个节点上都为它写有规则，于是 Pod 所在的节点立刻把请求送往 web 的 Pod（KUBE-EXT），负载均衡器根本见不到它。负载均衡器本该附加的一切（TLS、PROXY 协议、访问日志）也就都没有了，这是一个有名的陷阱。\nshop 的地址是 203.0.113.101，ipMode 为 Proxy：连接由负载均衡器终结。kube-proxy 不为该地址写任何规则；请求以节点地址为源离开集群，负载均衡器接受连接，再自行向某个节点端口建立另一条连接，到了那里才开始走前一个请求一步就走上的路。对 shop 的 Pod 来说客户端是节点；真正的请求者只有负载均衡器知道。',
  },
  document: scenario({
    seed: 3,
    title: 'A pod calls a load balancer’s address: ipMode VIP and Proxy',
    objects: [
      ...TWO_NODES,
      clientPod('client', 'node1', '10.244.1.2'),
      webPod('web-a', 'node2', '10.244.2.2'),
      webPod('shop-a', 'node2', '10.244.2.3', 'shop'),
      { ...balancedService(), status: { loadBalancer: { ingress: [{ ip: VIP, ipMode: 'VIP' }] } } },
      {
        ...shop,
        metadata: { name: 'shop' },
        status: { loadBalancer: { ingress: [{ ip: PROXY_VIP, ipMode: 'Proxy' }] } },
      },
    ],
    journeys: [
      { from: 'pod/client', run: `curl http://${VIP}/` },
      { from: 'pod/client', run: `curl http://${PROXY_VIP}/` },
    ],
  }),
}
