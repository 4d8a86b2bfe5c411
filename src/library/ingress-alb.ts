import type { Manifest } from '../scenario/document.ts'
import type { LibraryEntry } from './entry.ts'
import { INTO_THE_CLUSTER } from './groups.ts'
import { scenario, TWO_NODES, WEB_IP, webPod } from './parts.ts'

const SERVICE: Manifest = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: {
    type: 'NodePort',
    clusterIP: WEB_IP,
    selector: { app: 'web' },
    ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }],
  },
}

const INGRESS: Manifest = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: {
    name: 'shop',
    annotations: {
      'alb.ingress.kubernetes.io/scheme': 'internet-facing',
      'alb.ingress.kubernetes.io/target-type': 'instance',
    },
  },
  spec: {
    ingressClassName: 'alb',
    rules: [
      {
        host: 'shop.example',
        http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }] },
      },
    ],
  },
  status: { loadBalancer: { ingress: [{ ip: '203.0.113.200' }] } },
}

const ask = (host: string) => ({ from: 'internet', run: `curl -H 'Host: ${host}' http://203.0.113.200/` })

export const ingressAlb: LibraryEntry = {
  id: 'ingress-alb',
  group: INTO_THE_CLUSTER,
  badge: 'answered',
  title: { en: 'Ingress: the cloud’s load balancer at layer 7', zh: 'Ingress：云上的七层负载均衡器' },
  intro: {
    en: 'With ingressClassName alb no pod serves the Ingress: a controller has the cloud set up an application load balancer, outside the cluster. It ends the client’s connection and reads the request, as an ingress controller does, but its targets are instances: nodes and a node port, for it knows nothing of pods.\nSo the request is balanced twice. The balancer takes the nodes in turn; on the node, kube-proxy’s rules choose a pod, which may be on the other node; the packet then leaves under the node’s own address and crosses the network once more. The pod sees a node as its peer; the client’s address is left in X-Forwarded-For.\nWith the annotation target-type: ip the balancer would send straight to pods, which takes a network that routes pod addresses.',
    zh: 'ingressClassName 为 alb 时，并没有 Pod 为这个 Ingress 服务：控制器让云在集群之外建立一个应用负载均衡器。它和 Ingress 控制器一样终结客户端的连接、读出请求，但它的目标是实例，即节点和 NodePort，因为它对 Pod 一无所知。\n于是请求经过两次均衡。负载均衡器轮流选用各节点；到了节点上，kube-proxy 的规则再选出一个 Pod，而它可能在另一个节点上，这时包要做源地址伪装，再穿过一次网络。Pod 看到的对端是节点，客户端的地址留在 X-Forwarded-For 里。\n若用注解 target-type: ip，负载均衡器会直接发往 Pod，这需要网络能够路由 Pod 地址。',
  },
  document: scenario({
    title: 'Ingress: the cloud’s load balancer at layer 7',
    objects: [...TWO_NODES, webPod('web-a', 'node1', '10.244.1.2'), SERVICE, INGRESS],
    journeys: [ask('shop.example'), ask('shop.example'), ask('other.example')],
  }),
}
