import { NAMED_WEB } from './dns-parts.ts'
import type { LibraryEntry } from './entry.ts'
import { BROKEN } from './groups.ts'
import { scenario } from './parts.ts'

export const dnsSilent: LibraryEntry = {
  id: 'dns-silent',
  group: BROKEN,
  badge: 'unresolved',
  title: { en: 'CoreDNS does not answer: twenty seconds', zh: 'CoreDNS 不回答：二十秒的等待' },
  intro: {
    en: 'CoreDNS runs and is ready, but its node has stopped forwarding (net.ipv4.ip_forward is 0): questions get lost on the way, and nobody says so. Silence is slower than refusal. The resolver waits five seconds for an answer, asks again, waits five more; that was web.default.svc.cluster.local. A server that does not answer ends the search list, but the name as it was typed is tried once more: ten more seconds, and then “Could not resolve host”.\nA single slow request that takes 5, 10 or 20 seconds and a little is the mark of a lost DNS packet.',
    zh: 'CoreDNS 在运行并且就绪，但它所在的节点停止了转发（net.ipv4.ip_forward 为 0）：查询在途中丢失，而没有任何通知。沉默比拒绝更慢。解析器等待回答五秒，再问一次，再等五秒，这还只是 web.default.svc.cluster.local。服务器不回答时不再继续搜索列表，但仍会按输入的原样再试一次名称：又是十秒，之后才报告 “Could not resolve host”。\n如果某个请求恰好慢了 5 秒、10 秒或 20 秒多一点，那多半是丢了 DNS 包。',
  },
  document: scenario({
    title: 'CoreDNS does not answer: twenty seconds',
    objects: NAMED_WEB,
    overrides: { node2: { sysctl: { 'net.ipv4.ip_forward': '0' } } },
    journeys: [{ from: 'pod/client', run: 'curl http://web/' }],
  }),
}
