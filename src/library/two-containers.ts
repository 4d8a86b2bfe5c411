import type { LibraryEntry } from './entry.ts'
import { INSIDE_A_POD } from './groups.ts'
import { node, scenario } from './parts.ts'

export const twoContainers: LibraryEntry = {
  id: 'two-containers',
  group: INSIDE_A_POD,
  badge: 'answered',
  title: { en: 'Two containers of one pod', zh: '同一 Pod 内的两个容器' },
  intro: {
    en: 'The containers of a pod share one network namespace, which the pause container holds open. So 127.0.0.1 is the same lo for both: the request never leaves it, and no bridge, no route to a gateway and no iptables rule of the node sees it.\nThey share the port space too: the second command tries to listen on 8080, which the web container has taken.',
    zh: '一个 Pod 的所有容器共用同一个网络命名空间，由 pause 容器维持其存在。因此对两个容器来说，127.0.0.1 就是同一个 lo 设备：请求不会离开它，不经过网桥、不经过网关路由，也不会碰到节点上的任何 iptables 规则。\n端口空间同样是共用的：第二条命令想监听 8080，而该端口已被 web 容器占用。',
  },
  document: scenario({
    title: 'Two containers of one pod',
    objects: [
      node(1),
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'web-a', labels: { app: 'web' } },
        spec: {
          nodeName: 'node1',
          containers: [
            { name: 'web', image: 'registry.k8s.io/e2e-test-images/agnhost:2.53', ports: [{ containerPort: 8080 }] },
            { name: 'sidecar', image: 'busybox' },
          ],
        },
        status: { podIP: '10.244.1.2' },
      },
    ],
    journeys: [
      { from: 'pod/web-a', container: 'sidecar', run: 'curl http://127.0.0.1:8080/' },
      { from: 'pod/web-a', container: 'sidecar', run: 'nc -l 8080' },
    ],
  }),
}
