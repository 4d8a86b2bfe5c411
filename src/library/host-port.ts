import type { LibraryEntry } from './entry.ts'
import { INTO_THE_CLUSTER } from './groups.ts'
import { cluster, scenario, TWO_NODES } from './parts.ts'
import { hostPortPod } from './ways-in.ts'

export const hostPort: LibraryEntry = {
  id: 'host-port',
  group: INTO_THE_CLUSTER,
  badge: 'answered',
  title: { en: 'hostPort: one node’s port leads to one pod', zh: 'hostPort：某节点的端口直通某个 Pod' },
  intro: {
    en: 'Pod web-a asks for hostPort 18080. There is no Service and no kube-proxy rule: the CNI portmap plugin, which runs after the bridge plugin when the pod is set up, writes a chain of its own for the pod, CNI-DN-…, and lets CNI-HOSTPORT-DNAT lead there whatever is addressed to the node on that port. Nothing listens on it: ss shows no socket.\nFrom the laptop the destination is rewritten and the source stays. On the node itself the request begins in OUTPUT; for 127.0.0.1 alone the plugin also marks it for masquerading, because an answer to a loopback address would never leave the pod.\nOn node2 nobody wrote such rules: the port is simply closed there.',
    zh: 'Pod web-a 申请了 hostPort 18080。这里没有 Service，也没有 kube-proxy 规则：CNI 的 portmap 插件在创建 Pod 时接在 bridge 插件之后运行，为该 Pod 写下专用链 CNI-DN-…，并由 CNI-HOSTPORT-DNAT 把发往本节点该端口的流量引过去。没有进程监听这个端口，用 ss 看不到套接字。\n来自笔记本的请求只改写目的地址，源地址不变。在节点自身访问时请求从 OUTPUT 开始；只有访问 127.0.0.1 时插件才会另外打上伪装标记，因为发往回环地址的回包根本出不了 Pod。\n在 node2 上没有谁写过这样的规则：那里的该端口只是关闭的。',
  },
  document: scenario({
    title: 'hostPort: one node’s port leads to one pod',
    cluster: { ...cluster(), clients: [{ name: 'laptop', address: '192.168.1.100' }] },
    objects: [...TWO_NODES, hostPortPod('web-a', 'node1', '10.244.1.3', 18080)],
    journeys: [
      { from: 'client/laptop', run: 'curl http://192.168.1.11:18080/' },
      { from: 'node1', run: 'curl http://127.0.0.1:18080/' },
      { from: 'client/laptop', run: 'curl http://192.168.1.12:18080/' },
    ],
  }),
}
