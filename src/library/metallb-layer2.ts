import type { LibraryEntry } from './entry.ts'
import { INTO_THE_CLUSTER } from './groups.ts'
import { announcedService, LAN, METALLB } from './metallb-parts.ts'
import { scenario, TWO_NODES, WEB_IP, webPod } from './parts.ts'

export const metallbLayer2: LibraryEntry = {
  id: 'metallb-layer2',
  group: INTO_THE_CLUSTER,
  badge: 'answered',
  title: { en: 'MetalLB, layer 2: one node answers ARP for the address', zh: 'MetalLB 二层模式：由一个节点应答该地址的 ARP' },
  intro: {
    en: 'A cluster without a cloud: no machine stands in front of it. MetalLB gives Service web 192.168.1.240 and Service shop 192.168.1.244, both from the nodes’ own segment, and on every node runs a speaker. No interface has these addresses. When the laptop asks who has 192.168.1.240, the kernels of both nodes keep silent; the speaker of one node answers with its node’s hardware address.\nWhich node that is follows from a hash of node name and address: node1 for the one Service, node2 for the other. So layer 2 mode spreads Services over nodes, but never the traffic of one Service: all of it comes in through one node.\nThere the frame is for the host, yet the address is not. kube-proxy has rules for it all the same (KUBE-EXT of status.loadBalancer.ingress), and DNAT comes before routing. web’s only pod is on node2, so node1 masquerades and sends on; shop’s pod is on the node that was elected, but masquerading happens all the same, as externalTrafficPolicy is Cluster.',
    zh: '这是没有云的集群：前面没有任何负载均衡设备。MetalLB 给 Service web 分配了 192.168.1.240，给 Service shop 分配了 192.168.1.244，两个地址都取自节点所在的网段；每个节点上运行一个 speaker。没有任何网卡配置了这些地址。笔记本询问谁有 192.168.1.240 时，两个节点的内核都不作声，而其中一个节点的 speaker 以本节点的硬件地址作答。\n由哪个节点应答，取决于节点名与地址的哈希：一个 Service 落在 node1，另一个落在 node2。所以二层模式把不同的 Service 分散到各节点，却不会分散同一个 Service 的流量：它的全部流量都从一个节点进入。\n帧到达时是发给这台主机的，目的 IP 却不属于它。但 kube-proxy 为该地址写有规则（来自 status.loadBalancer.ingress 的 KUBE-EXT），而且 DNAT 先于路由。web 唯一的 Pod 在 node2 上，所以 node1 做伪装后转发过去；shop 的 Pod 就在当选的节点上，但 externalTrafficPolicy 是 Cluster，照样会做伪装。',
  },
  document: scenario({
    title: 'MetalLB, layer 2: one node answers ARP for the address',
    cluster: LAN,
    objects: [
      ...TWO_NODES,
      webPod('web-a', 'node2', '10.244.2.2'),
      webPod('shop-a', 'node2', '10.244.2.3', 'shop'),
      ...METALLB,
      announcedService('web', WEB_IP, '192.168.1.240'),
      announcedService('shop', '10.96.0.11', '192.168.1.244'),
    ],
    journeys: [
      { from: 'client/laptop', run: 'curl http://192.168.1.240/' },
      { from: 'client/laptop', run: 'curl http://192.168.1.244/' },
    ],
  }),
}
