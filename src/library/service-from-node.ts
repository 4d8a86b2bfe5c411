import type { LibraryEntry } from './entry.ts'
import { SERVICES } from './groups.ts'
import { scenario, TWO_NODES, WEB_IP, WEB_SERVICE, webPod } from './parts.ts'

export const serviceFromNode: LibraryEntry = {
  id: 'service-from-node',
  group: SERVICES,
  badge: 'answered',
  title: { en: 'Node to Service', zh: '节点到 Service' },
  intro: {
    en: 'A shell on node1, or any pod on the host’s network, asks a cluster IP. The request never passes PREROUTING: it begins in OUTPUT, where kube-proxy has a jump to KUBE-SERVICES for this very case. By then a route has been looked up already, the default one, and with it the source address 192.168.1.11; after the DNAT the kernel looks it up again for the endpoint.\nThe source does not come from the pod range, so KUBE-SVC marks the request for masquerading: POSTROUTING gives it the address of the device that it now leaves through. For the endpoint on node1 that is cbr0’s 10.244.1.1, for the one on node2 eth0’s 192.168.1.11.',
    zh: '在 node1 的 shell（或任何使用主机网络的 Pod）中访问 ClusterIP。请求不经过 PREROUTING，而是从 OUTPUT 开始，kube-proxy 正是为此在 OUTPUT 里也放了一条到 KUBE-SERVICES 的跳转。此时路由已经查过一次（默认路由），源地址 192.168.1.11 也随之选定；DNAT 之后，内核会针对端点地址重新查找路由。\n源地址不在 Pod 网段内，所以 KUBE-SVC 给请求打上伪装标记：POSTROUTING 把源地址改为实际出口设备的地址。端点在 node1 上时是 cbr0 的 10.244.1.1，在 node2 上时是 eth0 的 192.168.1.11。',
  },
  document: scenario({
    title: 'Node to Service',
    objects: [...TWO_NODES, webPod('web-a', 'node1', '10.244.1.3'), webPod('web-b', 'node2', '10.244.2.2'), WEB_SERVICE],
    journeys: [
      { from: 'node1', run: `curl http://${WEB_IP}/` },
      { from: 'node1', run: `curl http://${WEB_IP}/` },
      { from: 'node1', run: `curl http://${WEB_IP}/` },
    ],
  }),
}
