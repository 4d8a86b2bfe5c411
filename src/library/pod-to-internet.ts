import type { LibraryEntry } from './entry.ts'
import { LEAVING_THE_CLUSTER } from './groups.ts'
import { clientPod, node, scenario } from './parts.ts'

export const podToInternet: LibraryEntry = {
  id: 'pod-to-internet',
  group: LEAVING_THE_CLUSTER,
  badge: 'answered',
  title: { en: 'Pod to the Internet', zh: 'Pod 访问互联网' },
  intro: {
    en: 'Nobody outside the cluster knows the way to 10.244.0.0/16. So the node masquerades what leaves the cluster: in POSTROUTING the source becomes its own address, 192.168.1.11. That one is private too, and the Internet gateway translates it once more, one to one, to 203.0.113.11.\nThe answer takes both translations back in reverse order, each by the conntrack entry of the machine that made it.',
    zh: '集群之外没有人知道如何到达 10.244.0.0/16。因此节点对离开集群的流量做 MASQUERADE：在 POSTROUTING 把源地址换成自己的 192.168.1.11。这个地址同样是私有的，互联网网关再做一次一对一转换，变为 203.0.113.11。\n回答按相反的次序还原这两次转换，各由当初做转换的那台机器的 conntrack 表项完成。',
  },
  document: scenario({
    title: 'Pod to the Internet',
    objects: [node(1), clientPod('client', 'node1', '10.244.1.2')],
    journeys: [{ from: 'pod/client', run: 'curl http://198.51.100.10/' }],
  }),
}
