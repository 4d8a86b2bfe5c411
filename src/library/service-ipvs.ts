import type { LibraryEntry } from './entry.ts'
import { SERVICES } from './groups.ts'
import { cluster, scenario, WEB_IP, WEB_ON_NODE2 } from './parts.ts'

export const serviceIpvs: LibraryEntry = {
  id: 'service-ipvs',
  group: SERVICES,
  badge: 'answered',
  title: { en: 'ClusterIP with kube-proxy in IPVS mode', zh: 'kube-proxy IPVS 模式下的 ClusterIP' },
  intro: {
    en: 'The same journey as with iptables, and another way through the node. kube-proxy has put the cluster IP on the dummy device kube-ipvs0, so the node takes the packet for its own: it goes through INPUT, not FORWARD. There IPVS finds the virtual server, its scheduler rr picks a real server by turns, and the packet, rewritten and with one hop less to live, leaves through OUTPUT and POSTROUTING as if the node had sent it.\nThe reply is met in FORWARD, where IPVS puts the cluster IP back. The few iptables rules only decide what is masqueraded and who may come in; they look things up in ipsets, so there are as many of them with one Service as with ten thousand. Look at the IPVS table, and at what a second command makes of it.',
    zh: '与 iptables 模式相同的访问，在节点内却走另一条路。kube-proxy 把 ClusterIP 配在 dummy 设备 kube-ipvs0 上，节点因此把包当作发给自己的：它经过 INPUT，而不是 FORWARD。IPVS 在那里找到虚拟服务器，由调度算法 rr 轮流选出真实服务器；改写之后，TTL 减一，包像本机发出的一样经 OUTPUT 和 POSTROUTING 离开。\n回包在 FORWARD 被 IPVS 认出，源地址恢复为 ClusterIP。为数不多的 iptables 规则只决定哪些流量要做 MASQUERADE、谁可以进来；它们查询 ipset，因此一个 Service 和一万个 Service 的规则数目相同。请留意 IPVS 的连接表，以及第二条命令给它带来的变化。',
  },
  document: scenario({
    title: 'ClusterIP with kube-proxy in IPVS mode',
    cluster: { ...cluster(), kubeProxy: { mode: 'ipvs' } },
    objects: WEB_ON_NODE2,
    journeys: [
      { from: 'pod/client', run: `curl http://${WEB_IP}/` },
      { from: 'pod/client', run: `curl http://${WEB_IP}/` },
    ],
  }),
}
