import type { LibraryEntry } from './entry.ts'
import { POD_TO_POD } from './groups.ts'
import { clientPod, node, scenario, webPod } from './parts.ts'

export const podToPodSameNode: LibraryEntry = {
  id: 'pod-to-pod-same-node',
  group: POD_TO_POD,
  badge: 'answered',
  title: { en: 'Pod to pod on the same node', zh: '同一节点上的 Pod 到 Pod' },
  intro: {
    en: 'Both pods hang on the bridge cbr0, each by a veth pair, and both addresses are in 10.244.1.0/24: the client looks for its peer on the link itself. Its ARP broadcast floods every port of the bridge, and the bridge learns from the source addresses of the frames which port each pod is behind.\nThe request then runs a second time. The neighbour entries and the FDB are warm now: no broadcast, no flooding.',
    zh: '两个 Pod 各通过一对 veth 接在网桥 cbr0 上，地址都属于 10.244.1.0/24，所以 client 直接在本链路上寻找对方。它的 ARP 广播被泛洪到网桥的每个端口；网桥则从各帧的源 MAC 学到哪个 Pod 在哪个端口后面。\n随后同样的请求再发一次。此时邻居表项和 FDB 都已就绪：没有广播，也没有泛洪。',
  },
  document: scenario({
    title: 'Pod to pod on the same node',
    objects: [
      node(1),
      clientPod('client', 'node1', '10.244.1.2'),
      webPod('web-a', 'node1', '10.244.1.3'),
      clientPod('other', 'node1', '10.244.1.4'),
    ],
    journeys: [
      { from: 'pod/client', run: 'curl http://10.244.1.3:8080/' },
      { from: 'pod/client', run: 'curl http://10.244.1.3:8080/' },
    ],
  }),
}
