import { NAMED_WEB } from './dns-parts.ts'
import type { LibraryEntry } from './entry.ts'
import { DNS } from './groups.ts'
import { scenario } from './parts.ts'

export const resolveAService: LibraryEntry = {
  id: 'resolve-a-service',
  group: DNS,
  badge: 'answered',
  title: { en: 'From a name to a Service', zh: '从名称到 Service' },
  intro: {
    en: 'Before curl can connect to web it has to ask. The pod’s /etc/resolv.conf names 10.96.0.10, the Service kube-dns, and a search list: the first name that is tried is web.default.svc.cluster.local. The question is a UDP datagram like any other, and kube-proxy’s rules lead it to the CoreDNS pod.\nTwo questions leave at once from one socket, one for A records and one for AAAA. CoreDNS reads the Service from the API server’s objects: it answers 10.96.0.80 to the first, and that there is no such record to the second. Only then does the TCP connection begin.\ncat /etc/resolv.conf in the console shows the file.',
    zh: 'curl 在连接 web 之前必须先询问它的地址。Pod 的 /etc/resolv.conf 指明了 10.96.0.10，即 Service kube-dns，以及一个搜索列表：最先尝试的名称是 web.default.svc.cluster.local。这次询问与其他 UDP 数据报并无不同，由 kube-proxy 的规则带到 CoreDNS 的 Pod。\n两个查询从同一个套接字同时发出，一个查 A 记录，一个查 AAAA 记录。CoreDNS 从 API server 的对象中读到这个 Service：对前者回答 10.96.0.80，对后者回答没有这种记录。之后 TCP 连接才开始建立。\n在控制台中用 cat /etc/resolv.conf 可以查看该文件。',
  },
  document: scenario({
    title: 'From a name to a Service',
    objects: NAMED_WEB,
    journeys: [{ from: 'pod/client', run: 'curl http://web/' }],
  }),
}
