import type { LibraryEntry } from './entry.ts'
import { SERVICES } from './groups.ts'
import { scenario, WEB_IP, WEB_ON_NODE2 } from './parts.ts'

export const podToServiceRemote: LibraryEntry = {
  id: 'pod-to-service-remote',
  group: SERVICES,
  badge: 'answered',
  title: { en: 'Pod to Service, backend on another node', zh: 'Pod 到 Service，后端在另一节点' },
  intro: {
    en: 'A cluster IP belongs to no machine. On the node of the client, in PREROUTING, the rules of kube-proxy choose one endpoint of the Service and rewrite the destination to it; from there on the packet is routed like any other between two pods.\nThe backend answers the client by its pod address. On the way back conntrack, which remembers the first packet, puts the cluster IP back as the source, so that the client sees the answer come from where it asked.',
    zh: 'ClusterIP 不属于任何一台机器。在 client 所在节点的 PREROUTING，kube-proxy 的规则选出 Service 的一个端点，并把目的地址改写为它；此后这个包就和两个 Pod 之间的普通包一样被路由。\n后端直接回复 client 的 Pod 地址。回程中，记住了首个包的 conntrack 把源地址恢复为 ClusterIP，于是在 client 看来，回答正来自它所请求的地址。',
  },
  document: scenario({
    title: 'Pod to Service, backend on another node',
    objects: WEB_ON_NODE2,
    journeys: [{ from: 'pod/client', run: `curl http://${WEB_IP}/` }],
  }),
}
