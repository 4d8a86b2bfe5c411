import type { Manifest } from '../scenario/document.ts'
import { NAMED } from './dns-parts.ts'
import type { LibraryEntry } from './entry.ts'
import { DNS } from './groups.ts'
import { scenario } from './parts.ts'

const DATABASE: Manifest = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'database' },
  spec: { type: 'ExternalName', externalName: 'db.example.com' },
}

export const externalName: LibraryEntry = {
  id: 'external-name',
  group: DNS,
  badge: 'answered',
  title: { en: 'ExternalName, and who answers for the world', zh: 'ExternalName：集群外的名称由谁回答' },
  intro: {
    en: 'Service database of type ExternalName is nothing but a CNAME record: database.default.svc.cluster.local is db.example.com. CoreDNS does not know that name. It forwards the question to the name server of its node’s /etc/resolv.conf, through the same masquerading as any other packet that leaves the cluster.\nThat server is a recursive resolver. It begins at the root, is referred to the servers of com and of example.com, and asks each in turn (iteration); what it has learnt it keeps. All of them live on the Internet host here, so look at its loopback.\nThree seconds later the second lookup is answered from CoreDNS’ cache: not one packet leaves the cluster, and the TTL of what came from outside has gone down.',
    zh: '类型为 ExternalName 的 Service database 只是一条 CNAME 记录：database.default.svc.cluster.local 即 db.example.com。CoreDNS 不知道这个名称，便把查询转发给其所在节点 /etc/resolv.conf 中的域名服务器，途中与其他离开集群的数据包一样经过 MASQUERADE。\n那台服务器是递归解析器。它从根开始，先后被指引到 com 和 example.com 的服务器，依次查询（迭代），并把学到的结果缓存下来。这里它们都位于 internet 主机上，请查看该主机的回环接口。\n三秒之后，第二次查询由 CoreDNS 的缓存回答：没有一个包离开集群，来自外部的记录的 TTL 也已减少。',
  },
  document: scenario({
    title: 'ExternalName, and who answers for the world',
    objects: [...NAMED, DATABASE],
    journeys: [
      { from: 'pod/client', run: 'curl http://database/' },
      { from: 'pod/client', run: 'ping -c 3 10.244.2.2' },
      { from: 'pod/client', run: 'dig +search +noall +answer database' },
    ],
  }),
}
