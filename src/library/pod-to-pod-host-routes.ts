import type { LibraryEntry } from './entry.ts'
import { POD_TO_POD } from './groups.ts'
import { clientPod, scenario, TWO_NODES, webPod } from './parts.ts'

export const podToPodHostRoutes: LibraryEntry = {
  id: 'pod-to-pod-host-routes',
  group: POD_TO_POD,
  badge: 'answered',
  title: { en: 'Pod to pod on another node: host routes', zh: '跨节点 Pod 到 Pod：主机路由' },
  intro: {
    en: 'The nodes share one layer 2 segment, and each has a route to the pod range of the other with that node as next hop. The packet keeps the addresses of both pods from end to end, without NAT and without encapsulation: only the MAC addresses and the TTL change at each router it passes, and the routers are the two nodes.\nThree neighbours have to be found on the way there: the gateway cbr0, node2, and the pod behind the other cbr0.',
    zh: '两个节点位于同一个二层网段，各有一条通往对方 Pod 网段的路由，下一跳就是对方节点。数据包从头到尾保持两个 Pod 的地址，没有 NAT，也没有封装：每经过一个路由器，只有 MAC 地址和 TTL 改变，而这里的路由器就是这两个节点。\n去程要找到三个邻居：网关 cbr0、node2，以及另一个 cbr0 后面的 Pod。',
  },
  document: scenario({
    title: 'Pod to pod on another node: host routes',
    objects: [...TWO_NODES, clientPod('client', 'node1', '10.244.1.2'), webPod('web-a', 'node2', '10.244.2.2')],
    journeys: [{ from: 'pod/client', run: 'ping -c 2 10.244.2.2' }],
  }),
}
