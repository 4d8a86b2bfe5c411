import { corednsPod, KUBE_DNS, WEB_BY_NAME } from './dns-parts.ts'
import type { LibraryEntry } from './entry.ts'
import { BROKEN } from './groups.ts'
import { clientPod, scenario, TWO_NODES, webPod } from './parts.ts'

/** Both machines lose the CPU in the middle of a packet; only the kernels differ. */
const STALL = { udp: 53, microseconds: 20 }

export const dnsConntrackRace: LibraryEntry = {
  id: 'dns-conntrack-race',
  group: BROKEN,
  badge: 'answered',
  title: { en: 'Five seconds for a name: the conntrack race', zh: '解析名称用了五秒：conntrack 竞争' },
  intro: {
    en: 'A and AAAA leave at once from one socket, so both belong to one flow. conntrack makes an entry when the first packet arrives and hashes it (confirms it) only in POSTROUTING. If another CPU brings the second packet in between, there is no entry to be found yet: it gets an entry of its own, draws another CoreDNS in the nat table, and whoever is confirmed second clashes with the first.\nnode1 runs Linux 4.19: the loser is dropped without a word. The resolver waits five seconds, then asks one question after the other. node2 has a kernel of today: since 5.6 the loser’s entry is kept for the reply direction alone, for a second, and both answers arrive.\nThe engine works on one packet at a time. So the document says when the CPU is interrupted: for 20 µs, between PREROUTING and FORWARD (overrides: stall).\nRemedies: a newer kernel, NodeLocal DNSCache, single-request-reopen.',
    zh: 'A 与 AAAA 从同一个套接字同时发出，因此属于同一个流。首个包到达时 conntrack 建立表项，但要到 POSTROUTING 才把它放入哈希表（确认）。如果另一个 CPU 恰好在此期间带来第二个包，就查不到表项：它会得到自己的表项，并在 nat 表中抽到另一个 CoreDNS，后确认的一方便与先确认的冲突。\nnode1 运行 Linux 4.19：输的一方被悄悄丢弃。解析器等待五秒，然后改为逐个查询。node2 使用如今的内核：自 5.6 起，输方的表项会仅为回复方向保留一秒，两个回答都能到达。\n引擎一次只处理一个包，因此由文档指明 CPU 何时被打断：在 PREROUTING 与 FORWARD 之间打断 20 µs（overrides: stall）。\n对策：更新的内核、NodeLocal DNSCache、single-request-reopen。',
  },
  document: scenario({
    title: 'Five seconds for a name: the conntrack race',
    seed: 20,
    objects: [
      ...TWO_NODES,
      clientPod('client', 'node1', '10.244.1.2'),
      clientPod('other', 'node2', '10.244.2.4'),
      corednsPod('coredns-a', 'node2', '10.244.2.5'),
      corednsPod('coredns-b', 'node2', '10.244.2.2'),
      KUBE_DNS,
      webPod('web', 'node2', '10.244.2.3'),
      WEB_BY_NAME,
    ],
    overrides: {
      node1: { sysctl: { 'kernel.osrelease': '4.19.0' }, stall: STALL },
      node2: { stall: STALL },
    },
    journeys: [
      { from: 'pod/client', run: 'curl http://web/' },
      { from: 'pod/other', run: 'curl http://web/' },
    ],
  }),
}
