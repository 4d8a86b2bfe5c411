import type { LibraryEntry } from './entry.ts'
import { BROKEN } from './groups.ts'
import { clientPod, scenario, TWO_NODES, WEB_IP, WEB_SERVICE, webPod } from './parts.ts'

export const brokenNoEndpoints: LibraryEntry = {
  id: 'broken-no-endpoints',
  group: BROKEN,
  badge: 'refused',
  title: { en: 'Broken: a Service without endpoints', zh: '故障：没有端点的 Service' },
  intro: {
    en: 'The Service selects app=web, but the pod is labelled app=website: its EndpointSlice stays empty. For such a Service kube-proxy writes no DNAT, but a REJECT rule in the filter table.\nThe node answers the first packet with an ICMP port unreachable, and connect() fails at once: "connection refused". Yet no pod ever refused anything.',
    zh: 'Service 选择 app=web，而 Pod 的标签是 app=website，所以它的 EndpointSlice 是空的。对这样的 Service，kube-proxy 不写 DNAT，而是在 filter 表里写一条 REJECT 规则。\n节点对首个包回以 ICMP 端口不可达，connect() 立即失败：“connection refused”。其实没有任何 Pod 拒绝过连接。',
  },
  document: scenario({
    title: 'Broken: a Service without endpoints',
    objects: [
      ...TWO_NODES,
      clientPod('client', 'node1', '10.244.1.2'),
      webPod('web-a', 'node2', '10.244.2.2', 'website'),
      WEB_SERVICE,
    ],
    journeys: [{ from: 'pod/client', run: `curl http://${WEB_IP}/` }],
  }),
}
