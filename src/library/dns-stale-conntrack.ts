import { corednsPod, KUBE_DNS, WEB_BY_NAME } from './dns-parts.ts'
import type { LibraryEntry } from './entry.ts'
import { BROKEN } from './groups.ts'
import { clientPod, cluster, scenario, TWO_NODES, webPod } from './parts.ts'

const old = corednsPod('coredns-old', 'node2', '10.244.2.2')
/** Gone at once, as with kubectl delete --grace-period=0 --force. */
const OLD = { ...old, spec: { ...(old.spec as Record<string, unknown>), terminationGracePeriodSeconds: 0 } }

/** A question from a port that stays the same, as forwarders ask that keep their socket open. */
const ASK = 'dig -b 0.0.0.0#40000 +tries=1 +time=2 +short web.default.svc.cluster.local'

export const dnsStaleConntrack: LibraryEntry = {
  id: 'dns-stale-conntrack',
  group: BROKEN,
  badge: 'answered',
  title: { en: 'The DNS pod has moved, the old entry stays', zh: 'DNS Pod 已迁移，旧的 conntrack 条目仍在' },
  intro: {
    en: 'A forwarder asks kube-dns from one port all the time. While the second command runs, CoreDNS is replaced: coredns-old goes, coredns-new comes on the other node, and kube-proxy writes its rules anew at once. But packets of a known flow do not ask the nat table: conntrack’s entry still leads to the address of the old pod, where nobody is, and every new question keeps it alive. The third command waits in vain.\nkube-proxy deletes such UDP entries when an endpoint goes. Here it cannot (cluster.kubeProxy.conntrackCleanup: false: the conntrack tool was missing from its image, or one of the bugs of old versions).\nFrom another port all is well: that is the test. The cure by hand: conntrack -D -p udp --dport 53.',
    zh: '某个转发器一直从同一个端口查询 kube-dns。在第二条命令运行期间 CoreDNS 被替换：coredns-old 消失，coredns-new 出现在另一个节点上，kube-proxy 也立即写入了新规则。但已知流的包不会再查 nat 表：conntrack 的条目仍指向旧 Pod 的地址，那里已空无一物，而每次新的查询又会让它继续存活。第三条命令只能空等。\n正常情况下，端点消失时 kube-proxy 会删除这类 UDP 条目；这里它做不到（cluster.kubeProxy.conntrackCleanup: false：镜像中缺少 conntrack 工具，或者是旧版本的缺陷）。\n换一个端口就一切正常，这正是判断的办法。手工补救：conntrack -D -p udp --dport 53。',
  },
  document: scenario({
    title: 'The DNS pod has moved, the old entry stays',
    cluster: { ...cluster(), kubeProxy: { mode: 'iptables', conntrackCleanup: false } },
    objects: [
      ...TWO_NODES,
      clientPod('client', 'node1', '10.244.1.2'),
      OLD,
      KUBE_DNS,
      webPod('web', 'node2', '10.244.2.3'),
      WEB_BY_NAME,
    ],
    journeys: [
      { from: 'pod/client', run: ASK },
      { from: 'pod/client', run: 'ping -c 4 10.244.2.3' },
      { from: 'pod/client', run: ASK },
      { from: 'pod/client', run: 'dig +short web.default.svc.cluster.local' },
    ],
    changes: [
      {
        journey: 1,
        at: '1s',
        apply: [corednsPod('coredns-new', 'node1', '10.244.1.3')],
        delete: [{ kind: 'Pod', namespace: 'kube-system', name: 'coredns-old' }],
      },
    ],
  }),
}
