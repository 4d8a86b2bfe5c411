import type { Manifest } from '../scenario/document.ts'
import { corednsPod, KUBE_DNS, WEB_BY_NAME } from './dns-parts.ts'
import type { LibraryEntry } from './entry.ts'
import { BROKEN } from './groups.ts'
import { clientPod, scenario, TWO_NODES, webPod } from './parts.ts'

const crashed = corednsPod('coredns', 'node2', '10.244.2.2')
const NOT_READY: Manifest = {
  ...crashed,
  status: { podIP: '10.244.2.2', phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] },
}

export const dnsDown: LibraryEntry = {
  id: 'dns-down',
  group: BROKEN,
  badge: 'unresolved',
  title: { en: 'No CoreDNS is ready', zh: '没有就绪的 CoreDNS' },
  intro: {
    en: 'The only CoreDNS pod is not ready, so the Service kube-dns has no endpoint. kube-proxy does not send such packets anywhere: it rejects them, and an ICMP port unreachable comes back at once. The resolver’s socket is connected, so it hears of it (ECONNREFUSED), tries once more and gives up: “Could not resolve host”, within a millisecond, without any timeout.\nThe Service web itself is in order: by its address, the second command reaches it. That is the test that tells DNS from the network.',
    zh: '唯一的 CoreDNS Pod 没有就绪，Service kube-dns 因而没有端点。kube-proxy 不会把这样的包发往任何地方，而是拒绝：ICMP port unreachable 立刻返回。解析器的套接字是 connect 过的，因此能得知这个错误（ECONNREFUSED）；它再试一次便放弃，不到一毫秒就报告 “Could not resolve host”，并不会等到超时。\nService web 本身没有问题：第二条命令用地址就能访问它。要区分是 DNS 的问题还是网络的问题，就用这个办法。',
  },
  document: scenario({
    title: 'No CoreDNS is ready',
    objects: [
      ...TWO_NODES,
      clientPod('client', 'node1', '10.244.1.2'),
      NOT_READY,
      KUBE_DNS,
      webPod('web', 'node2', '10.244.2.3'),
      WEB_BY_NAME,
    ],
    journeys: [
      { from: 'pod/client', run: 'curl http://web/' },
      { from: 'pod/client', run: 'curl http://10.96.0.80/' },
    ],
  }),
}
