import type { LibraryEntry } from './entry.ts'
import { SERVICES } from './groups.ts'
import { clientPod, scenario, TWO_NODES, WEB_IP, WEB_SERVICE, webPod } from './parts.ts'

export const servicePicksBackends: LibraryEntry = {
  id: 'service-picks-backends',
  group: SERVICES,
  badge: 'answered',
  title: { en: 'A Service picks a backend for each connection', zh: 'Service 为每个连接选择后端' },
  intro: {
    en: 'Service web has two endpoints. The first rule of its KUBE-SVC chain matches with probability 0.5 (statistic mode random), the last takes the rest: so each new connection may go to another backend.\nOnly the first packet of a connection asks the nat table. The first command sends two requests over one connection, and both reach the same backend, because conntrack keeps the choice; the commands after it open new connections and draw again.',
    zh: 'Service web 有两个端点。其 KUBE-SVC 链的第一条规则以 0.5 的概率匹配（statistic mode random），最后一条接收其余流量，所以每个新连接都可能去往另一个后端。\n只有连接的首个包会查询 nat 表。第一条命令在同一个连接上发出两个请求，它们到达同一个后端，因为 conntrack 保存了这一选择；之后的命令新建连接，重新抽取。',
  },
  document: scenario({
    title: 'A Service picks a backend for each connection',
    objects: [
      ...TWO_NODES,
      clientPod('client', 'node1', '10.244.1.2'),
      webPod('web-a', 'node1', '10.244.1.3'),
      webPod('web-b', 'node2', '10.244.2.2'),
      WEB_SERVICE,
    ],
    journeys: [
      { from: 'pod/client', run: `curl http://${WEB_IP}/first http://${WEB_IP}/second` },
      { from: 'pod/client', run: `curl http://${WEB_IP}/` },
      { from: 'pod/client', run: `curl http://${WEB_IP}/` },
      { from: 'pod/client', run: `curl http://${WEB_IP}/` },
    ],
  }),
}
