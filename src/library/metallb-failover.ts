import type { LibraryEntry } from './entry.ts'
import { INTO_THE_CLUSTER } from './groups.ts'
import { announcedService, LAN, METALLB } from './metallb-parts.ts'
import { scenario, TWO_NODES, WEB_IP, webPod } from './parts.ts'

export const metallbFailover: LibraryEntry = {
  id: 'metallb-failover',
  group: INTO_THE_CLUSTER,
  badge: 'timed-out',
  title: { en: 'MetalLB: the announcing node is cut off', zh: 'MetalLB：宣告地址的节点断网' },
  intro: {
    en: 'node1 announces 192.168.1.240, and the laptop has its hardware address in the neighbour table. Then node1’s cable is pulled. The pod is on node2 and well; the next request is lost all the same, because the laptop still sends it to node1.\nNothing in Kubernetes notices yet. The speakers do: they watch each other by gossip (memberlist), and after some five seconds node2’s speaker takes node1’s for dead, finds itself first among those that are left, and says so by gratuitous ARP, at once and then every 1.1 seconds, for five seconds: not more often, because Linux does not let an entry be overridden within one second of its last change. The switch learns the new port, the laptop the new address, and the last request is answered.\nOnly 50 seconds after the cut does the control plane call node1 NotReady. Follow ServiceL2Status to see who announces, and look at the laptop’s neighbours before and after.',
    zh: '192.168.1.240 由 node1 宣告，笔记本的邻居表里记着 node1 的硬件地址。随后 node1 的网线被拔掉。Pod 在 node2 上，一切正常；但下一个请求照样丢失，因为笔记本仍把它发给 node1。\n此时 Kubernetes 还毫无察觉，speaker 却发现了：它们通过 gossip（memberlist）彼此监视。大约五秒后，node2 的 speaker 认定 node1 的已经失效，自己成为剩余节点中的第一个，于是发出免费 ARP：立即发一次，此后每 1.1 秒一次，持续五秒。间隔不更短，是因为 Linux 不允许邻居表项在上次变更后的一秒内被覆盖。交换机学到新的端口，笔记本学到新的地址，最后一个请求得到应答。\n直到断网 50 秒后，控制平面才把 node1 标记为 NotReady。可以观察 ServiceL2Status 由谁宣告，并比较笔记本邻居表的前后变化。',
  },
  document: scenario({
    seed: 3,
    title: 'MetalLB: the announcing node is cut off',
    cluster: LAN,
    objects: [...TWO_NODES, webPod('web-a', 'node2', '10.244.2.2'), ...METALLB, announcedService('web', WEB_IP, '192.168.1.240')],
    journeys: [
      { from: 'client/laptop', run: 'curl http://192.168.1.240/' },
      { from: 'client/laptop', run: 'curl --max-time 2 http://192.168.1.240/' },
      { from: 'client/laptop', run: 'curl http://192.168.1.240/' },
    ],
    changes: [{ journey: 1, at: '0s', unplug: ['node1'] }],
  }),
  about: 1,
}
