import type { LibraryEntry } from './entry.ts'
import { INTO_THE_CLUSTER } from './groups.ts'
import { cluster, scenario, TWO_NODES, webPod } from './parts.ts'
import { nodePortService } from './ways-in.ts'

export const nodePort: LibraryEntry = {
  id: 'node-port',
  group: INTO_THE_CLUSTER,
  badge: 'answered',
  title: { en: 'NodePort: any node answers, the source address is lost', zh: 'NodePort：任意节点都应答，源地址丢失' },
  intro: {
    en: 'A laptop on the nodes’ own segment asks port 30080, first of node1, where the only backend is, then of node2, where none is. With externalTrafficPolicy: Cluster, the default, both answer: KUBE-NODEPORTS leads to KUBE-EXT, and that to all endpoints of the Service.\nEverything that passes KUBE-EXT is masqueraded: node2 must put its own address in, or the pod would answer the laptop directly, from an address that it never called. Look at RemoteAddr in the answers: the pod sees 10.244.1.1 or 192.168.1.12, never 192.168.1.100.\nThe answer goes back by the same detour, because node2’s conntrack alone can undo both translations.',
    zh: '一台与节点同网段的笔记本访问 30080 端口：先是 node1（唯一的后端就在这里），再是 node2（没有后端）。externalTrafficPolicy 为默认值 Cluster 时两者都会应答：KUBE-NODEPORTS 通向 KUBE-EXT，再通向该 Service 的所有端点。\n凡是经过 KUBE-EXT 的请求都会被伪装：node2 必须换上自己的地址，否则 Pod 会直接回复笔记本，而那个地址笔记本从未访问过。看回答中的 RemoteAddr：Pod 看到的是 10.244.1.1 或 192.168.1.12，而不是 192.168.1.100。\n回包也要绕同样的路，因为只有 node2 的 conntrack 能还原这两次转换。',
  },
  document: scenario({
    title: 'NodePort: any node answers, the source address is lost',
    cluster: { ...cluster(), clients: [{ name: 'laptop', address: '192.168.1.100' }] },
    objects: [...TWO_NODES, webPod('web-a', 'node1', '10.244.1.3'), nodePortService()],
    journeys: [
      { from: 'client/laptop', run: 'curl http://192.168.1.11:30080/' },
      { from: 'client/laptop', run: 'curl http://192.168.1.12:30080/' },
    ],
  }),
}
