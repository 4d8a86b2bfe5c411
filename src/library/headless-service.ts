import type { Manifest } from '../scenario/document.ts'
import { corednsPod, KUBE_DNS } from './dns-parts.ts'
import type { LibraryEntry } from './entry.ts'
import { DNS } from './groups.ts'
import { clientPod, scenario, TWO_NODES } from './parts.ts'

/** A pod of a StatefulSet: called by its name below the governing Service. */
const dbPod = (n: 0 | 1, nodeName: string, podIP: string): Manifest => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `db-${n}`, labels: { app: 'db' } },
  spec: {
    nodeName,
    hostname: `db-${n}`,
    subdomain: 'db',
    containers: [{ name: 'db', image: 'registry.k8s.io/e2e-test-images/agnhost:2.53', ports: [{ containerPort: 8080 }] }],
  },
  status: { podIP },
})

const DB_SERVICE: Manifest = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'db' },
  spec: { clusterIP: 'None', selector: { app: 'db' }, ports: [{ name: 'http', port: 8080 }] },
}

export const headlessService: LibraryEntry = {
  id: 'headless-service',
  group: DNS,
  badge: 'answered',
  title: { en: 'A headless Service: names for pods', zh: 'Headless Service：Pod 自己的名称' },
  intro: {
    en: 'Service db has clusterIP None: no virtual address, and not one rule of kube-proxy. It lives in DNS alone. Its name has an A record for every ready endpoint, and the client picks: it tries them in the order of the answer, which CoreDNS shuffles (loadbalance).\nPods that have a hostname and the Service as subdomain, as a StatefulSet gives them, have names of their own: db-1.db is always the same pod, wherever it runs. The SRV record tells the port too.\nThe connection goes straight to the pod’s address: no DNAT anywhere on its way.',
    zh: 'Service db 的 clusterIP 为 None：没有虚拟地址，kube-proxy 也没有一条规则，它只存在于 DNS 中。它的名称对每个就绪的端点各有一条 A 记录，由客户端自己选择：它按回答中的顺序逐个尝试，而这个顺序由 CoreDNS 随机打乱（loadbalance）。\n设有 hostname、并以该 Service 为 subdomain 的 Pod（StatefulSet 正是这样设置的）拥有自己的名称：无论运行在哪里，db-1.db 始终是同一个 Pod。SRV 记录还会给出端口。\n连接直接到达 Pod 的地址，一路上没有任何 DNAT。',
  },
  document: scenario({
    title: 'A headless Service: names for pods',
    objects: [
      ...TWO_NODES,
      clientPod('client', 'node1', '10.244.1.2'),
      corednsPod('coredns', 'node2', '10.244.2.2'),
      KUBE_DNS,
      dbPod(0, 'node1', '10.244.1.3'),
      dbPod(1, 'node2', '10.244.2.3'),
      DB_SERVICE,
    ],
    journeys: [
      { from: 'pod/client', run: 'getent ahosts db' },
      { from: 'pod/client', run: 'dig +search +noall +answer +additional _http._tcp.db SRV' },
      { from: 'pod/client', run: 'curl http://db-1.db:8080/' },
    ],
  }),
}
