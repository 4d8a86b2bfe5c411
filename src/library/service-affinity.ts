import type { LibraryEntry } from './entry.ts'
import { SERVICES } from './groups.ts'
import { clientPod, scenario, TWO_NODES, WEB_IP, WEB_PORT, webPod } from './parts.ts'

export const serviceAffinity: LibraryEntry = {
  id: 'service-affinity',
  group: SERVICES,
  badge: 'answered',
  title: { en: 'Session affinity: a client stays with its endpoint', zh: '会话亲和：同一客户端固定访问同一端点' },
  intro: {
    en: 'Service web has sessionAffinity: ClientIP. The first connection of a client is a draw, like any other; but the KUBE-SEP chain of the endpoint that wins also notes the source address on a list of its own (-m recent --set). The KUBE-SVC chain asks these lists first (--rcheck --seconds 10800): whoever is on one of them goes back to that endpoint.\nThe memory is of the node, by source address: every later connection of pod client goes to the same endpoint, while pod other draws for itself. It is not conntrack that remembers here: these are new connections.',
    zh: 'Service web 设置了 sessionAffinity: ClientIP。客户端的第一个连接照常随机抽取端点，但被选中端点的 KUBE-SEP 链还会把源地址记入自己的名单（-m recent --set）。KUBE-SVC 链总是先查这些名单（--rcheck --seconds 10800）：源地址在哪份名单上，就回到哪个端点。\n这份记忆属于节点，按源地址记录：Pod client 之后的每个连接都去往同一端点，而 Pod other 自行抽取。这里起记忆作用的不是 conntrack，因为这些都是新连接。',
  },
  document: scenario({
    title: 'Session affinity: a client stays with its endpoint',
    seed: 2,
    objects: [
      ...TWO_NODES,
      clientPod('client', 'node1', '10.244.1.2'),
      clientPod('other', 'node1', '10.244.1.3'),
      webPod('web-a', 'node2', '10.244.2.2'),
      webPod('web-b', 'node2', '10.244.2.3'),
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'web' },
        spec: {
          clusterIP: WEB_IP,
          selector: { app: 'web' },
          sessionAffinity: 'ClientIP',
          sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
          ports: [{ port: 80, targetPort: WEB_PORT }],
        },
      },
    ],
    journeys: [
      { from: 'pod/client', run: `curl http://${WEB_IP}/` },
      { from: 'pod/client', run: `curl http://${WEB_IP}/` },
      { from: 'pod/client', run: `curl http://${WEB_IP}/` },
      { from: 'pod/other', run: `curl http://${WEB_IP}/` },
    ],
  }),
}
