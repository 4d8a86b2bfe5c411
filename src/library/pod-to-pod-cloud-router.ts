import type { LibraryEntry } from './entry.ts'
import { POD_TO_POD } from './groups.ts'
import { clientPod, cluster, scenario, TWO_NODES, webPod } from './parts.ts'

export const podToPodCloudRouter: LibraryEntry = {
  id: 'pod-to-pod-cloud-router',
  group: POD_TO_POD,
  badge: 'answered',
  title: { en: 'Pod to pod on another node: the cloud’s route table', zh: '跨节点 Pod 到 Pod：云路由表' },
  intro: {
    en: 'On many clouds machines do not reach each other directly. A node has a /32 address and only a default route, so it hands every packet to the network’s router. The provider’s route table there has one entry a node: its pod range, via that node.\nThe nodes know nothing of each other’s pods. Compare the routes of node1 here with those of the scenario before, and note that the router costs one more TTL.',
    zh: '在许多云上，机器之间不能直接互达。节点的地址是 /32，只有默认路由，因此每个包都交给网络的路由器。云厂商的路由表就在那里，每个节点一条：它的 Pod 网段，下一跳为该节点。\n节点对彼此的 Pod 一无所知。请把这里 node1 的路由与上一个场景对比，并注意经过路由器时 TTL 又减了一。',
  },
  document: scenario({
    title: 'Pod to pod on another node: the cloud’s route table',
    cluster: cluster('cloud'),
    objects: [...TWO_NODES, clientPod('client', 'node1', '10.244.1.2'), webPod('web-a', 'node2', '10.244.2.2')],
    journeys: [{ from: 'pod/client', run: 'ping -c 2 10.244.2.2' }],
  }),
}
