import type { Manifest } from '../scenario/document.ts'
import type { LibraryEntry } from './entry.ts'
import { LEAVING_THE_CLUSTER } from './groups.ts'
import { clientPod, cluster, node, scenario, webPod } from './parts.ts'

const VIP = '198.18.1.100'

const farNode = (n: 3 | 4): Manifest => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: `node${n}` },
  spec: { podCIDR: `10.245.${n}.0/24` },
  status: { addresses: [{ type: 'InternalIP', address: `192.168.2.1${n}` }] },
})

const SHOP: Manifest = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'shop' },
  spec: {
    type: 'LoadBalancer',
    clusterIP: '10.97.0.10',
    selector: { app: 'shop' },
    ports: [{ port: 80, targetPort: 8080, nodePort: 31080 }],
  },
  status: { loadBalancer: { ingress: [{ ip: VIP }] } },
}

export const otherCluster: LibraryEntry = {
  id: 'other-cluster',
  group: LEAVING_THE_CLUSTER,
  badge: 'answered',
  title: { en: 'To a Service of another cluster, through its load balancer', zh: '经负载均衡器访问另一集群的 Service' },
  intro: {
    en: 'Pod client asks Service shop, which is in the cluster east. Neither its pod addresses nor its cluster IP mean anything here: all that the two clusters share is the Internet, so the way leads over the address of shop’s load balancer, 198.18.1.100.\nCount the translations. On the way out the source changes twice: client’s node puts in its own address, the gateway its external one. In east the destination changes twice: the balancer rewrites it to a node and a node port, that node’s kube-proxy to the pod; and because externalTrafficPolicy is Cluster, the source changes a third time. The pod sees a node of its own cluster.\nThe answer undoes all of it in reverse order: five translations, in four conntrack tables, each of which knows only its own.',
    zh: 'Pod client 访问的 Service shop 位于集群 east。那边的 Pod 地址和 ClusterIP 在这里毫无意义：两个集群之间只有互联网相通，因此要走 shop 的负载均衡器地址 198.18.1.100。\n数一数地址转换：出去时源地址改写两次，client 所在节点换成自己的地址，网关再换成外部地址；进入 east 后目的地址改写两次，负载均衡器改写为某节点及其节点端口，该节点的 kube-proxy 再改写为 Pod；又因为 externalTrafficPolicy 是 Cluster，源地址第三次被改写。Pod 看到的是自己集群中的一个节点。\n回包按相反顺序全部还原：五次转换分别记在四张 conntrack 表里，每张表只知道自己的那一份。',
  },
  document: scenario({
    title: 'To a Service of another cluster, through its load balancer',
    objects: [node(1), clientPod('client', 'node1', '10.244.1.2')],
    peers: [
      {
        name: 'east',
        cluster: { ...cluster(), podCIDR: '10.245.0.0/16', serviceCIDR: '10.97.0.0/16' },
        objects: [farNode(3), farNode(4), webPod('shop-a', 'node3', '10.245.3.2', 'shop'), SHOP],
      },
    ],
    journeys: [
      { from: 'pod/client', run: `curl http://${VIP}/` },
      { from: 'pod/client', run: `curl http://${VIP}/` },
    ],
  }),
}
