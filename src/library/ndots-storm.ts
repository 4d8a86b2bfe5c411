import { NAMED } from './dns-parts.ts'
import type { LibraryEntry } from './entry.ts'
import { DNS } from './groups.ts'
import { scenario } from './parts.ts'

export const ndotsStorm: LibraryEntry = {
  id: 'ndots-storm',
  group: DNS,
  badge: 'answered',
  title: { en: 'ndots: five names asked for one', zh: 'ndots：一个名称，多次查询' },
  intro: {
    en: 'options ndots:5 in the pod’s resolv.conf says: a name with fewer than five dots is tried with every suffix of the search list first. api.example.com has two. So the resolver asks for api.example.com.default.svc.cluster.local, then …svc.cluster.local, then …cluster.local, each time for A and for AAAA, and gets six times NXDOMAIN before it asks for the name itself: eight questions where two would do.\nA dot at the end says that the name is complete. The second command sends two questions, and CoreDNS answers both from its cache.\nA pod can also set dnsConfig.options ndots to 1 or 2.',
    zh: 'Pod 的 resolv.conf 中的 options ndots:5 表示：点数少于五个的名称，要先依次加上搜索列表中的每个后缀来查询。api.example.com 只有两个点，于是解析器先查询 api.example.com.default.svc.cluster.local，再查 …svc.cluster.local，再查 …cluster.local，每次都查 A 和 AAAA，得到六次 NXDOMAIN 之后才查询名称本身：本来两次就够，结果查询了八次。\n名称末尾加一个点表示它已经完整。第二条命令只发出两个查询，CoreDNS 都从缓存中回答。\n也可以在 Pod 的 dnsConfig.options 中把 ndots 设为 1 或 2。',
  },
  document: scenario({
    title: 'ndots: five names asked for one',
    objects: NAMED,
    journeys: [
      { from: 'pod/client', run: 'curl http://api.example.com/' },
      { from: 'pod/client', run: 'curl http://api.example.com./' },
    ],
  }),
}
