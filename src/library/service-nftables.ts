import type { LibraryEntry } from './entry.ts'
import { SERVICES } from './groups.ts'
import { cluster, scenario, WEB_IP, WEB_ON_NODE2 } from './parts.ts'

export const serviceNftables: LibraryEntry = {
  id: 'service-nftables',
  group: SERVICES,
  badge: 'answered',
  title: { en: 'ClusterIP with kube-proxy in nftables mode', zh: 'kube-proxy nftables 模式下的 ClusterIP' },
  intro: {
    en: 'kube-proxy in nftables mode keeps one table of its own, ip kube-proxy, and nothing in iptables. Where iptables compares the destination with one rule after the other, here a single rule looks it up in a verdict map: service-ips leads from address, protocol and port straight to the chain of the Service. Ten thousand Services cost no more than one. Which endpoint it is to be, a random number decides, looked up in a map as well.\nThe second command asks for a port that the Service does not have. The address is a cluster IP, so the chain cluster-ips-check refuses the packet; in iptables mode it would have travelled on to the default gateway.',
    zh: 'nftables 模式下的 kube-proxy 只维护自己的一张表 ip kube-proxy，iptables 中没有它的任何规则。iptables 要逐条规则比较目的地址，而这里一条规则就在判决映射（verdict map）中完成查找：service-ips 由地址、协议和端口直接得到该 Service 的链。一万个 Service 的开销与一个相同。选中哪个端点由随机数决定，同样在映射中查找。\n第二条命令访问该 Service 没有的端口。这个地址是 ClusterIP，因此 cluster-ips-check 链拒绝该包；在 iptables 模式下，它会继续被送往默认网关。',
  },
  document: scenario({
    title: 'ClusterIP with kube-proxy in nftables mode',
    cluster: { ...cluster('l2'), kubeProxy: { mode: 'nftables' } },
    objects: WEB_ON_NODE2,
    journeys: [
      { from: 'pod/client', run: `curl http://${WEB_IP}/` },
      { from: 'pod/client', run: `curl http://${WEB_IP}:81/` },
    ],
  }),
}
