import type { Manifest } from '../scenario/document.ts'
import type { LibraryEntry } from './entry.ts'
import { INTO_THE_CLUSTER } from './groups.ts'
import { scenario, TWO_NODES, webPod } from './parts.ts'
import { ingressController } from './ways-in.ts'

const service = (name: string, clusterIP: string): Manifest => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { clusterIP, selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] },
})

const path = (value: string, name: string) => ({
  path: value,
  pathType: 'Prefix',
  backend: { service: { name, port: { number: 80 } } },
})

const INGRESS: Manifest = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { name: 'shop' },
  spec: {
    ingressClassName: 'nginx',
    rules: [{ host: 'shop.example', http: { paths: [path('/', 'web'), path('/cart', 'cart')] } }],
  },
}

const ask = (host: string, target: string) => ({
  from: 'internet',
  run: `curl -H 'Host: ${host}' http://203.0.113.11:30080${target}`,
})

export const ingressL7: LibraryEntry = {
  id: 'ingress-l7',
  group: INTO_THE_CLUSTER,
  badge: 'answered',
  title: { en: 'Ingress: a reverse proxy reads the request', zh: 'Ingress：反向代理读懂请求' },
  intro: {
    en: 'An Ingress is no network device. A pod of the ingress controller, an nginx, reads all Ingress objects and serves them; a NodePort brings the traffic to it. iptables decides by address and port, once a connection; the proxy ends the TCP connection, reads the request, and decides by host and path, for each request: /cart/7 goes to Service cart, anything else of shop.example to web. It opens a connection of its own, straight to a pod: the cluster IP of the Service is not used.\nSo the backend sees the address of the controller pod as its peer. The client survives in the header X-Forwarded-For alone, and only because externalTrafficPolicy is Local: with Cluster, the node would have put its own address in its place before the proxy saw it.\nThe last request asks for a host that no rule names. No packet goes any further: the proxy itself answers 404.',
    zh: 'Ingress 不是网络设备。Ingress 控制器的 Pod（一个 nginx）读取所有 Ingress 对象并据此服务，流量由 NodePort 送到它那里。iptables 按地址和端口、每个连接决定一次；代理则终结 TCP 连接、读出请求，再按主机名和路径对每个请求作出决定：/cart/7 交给 Service cart，shop.example 的其余请求交给 web。它自己另开连接，直达 Pod：并不使用 Service 的 ClusterIP。\n因此后端看到的对端是控制器 Pod 的地址。客户端的地址只保留在 X-Forwarded-For 请求头里，而且前提是 externalTrafficPolicy 为 Local：若为 Cluster，NodePort 会先做源地址伪装，代理就看不到客户端了。\n最后一个请求的主机名没有任何规则提到。此后不再有包向前走：代理自己回答 404。',
  },
  document: scenario({
    title: 'Ingress: a reverse proxy reads the request',
    objects: [
      ...TWO_NODES,
      ...ingressController('node1', '10.244.1.2'),
      webPod('web-a', 'node1', '10.244.1.3'),
      webPod('cart-a', 'node2', '10.244.2.2', 'cart'),
      service('web', '10.96.0.10'),
      service('cart', '10.96.0.11'),
      INGRESS,
    ],
    journeys: [ask('shop.example', '/cart/7'), ask('shop.example', '/'), ask('other.example', '/')],
  }),
}
