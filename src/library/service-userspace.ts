import type { LibraryEntry } from './entry.ts'
import { SERVICES } from './groups.ts'
import { cluster, scenario, WEB_IP, WEB_ON_NODE2 } from './parts.ts'

export const serviceUserspace: LibraryEntry = {
  id: 'service-userspace',
  group: SERVICES,
  badge: 'answered',
  title: { en: 'ClusterIP with kube-proxy in userspace mode', zh: 'kube-proxy userspace 模式下的 ClusterIP' },
  intro: {
    en: 'The first kube-proxy was a proxy in the plain sense, and many courses still draw it so. iptables only leads the connection to a port of kube-proxy itself (REDIRECT in KUBE-PORTALS-CONTAINER). The process accepts it, picks the next endpoint round robin, opens a second connection there, and copies bytes between the two sockets.\nCount what that costs beside the other modes: a second TCP handshake and twice the sockets; for every piece of data a wakeup of the process, a read and a write. And the backend sees the node, not the pod that asked. In return a dead endpoint is noticed while dialling, and the next one tried.\nThe mode was the default until Kubernetes 1.2 and was removed in 1.26.',
    zh: '最早的 kube-proxy 是字面意义上的代理，许多教程至今仍这样画它。iptables 只是把连接引到 kube-proxy 自己的一个端口（KUBE-PORTALS-CONTAINER 中的 REDIRECT）。进程接受这个连接，以轮询方式选出下一个端点，向那里另开一个连接，并在两个套接字之间复制字节。\n与其他模式相比，代价一目了然：多一次 TCP 握手，套接字加倍；每段数据都要唤醒进程一次，再读一次、写一次。而且后端看到的是节点，而不是发出请求的 Pod。换来的好处是：拨号时就能发现失效的端点，并改试下一个。\n这一模式在 Kubernetes 1.2 之前是默认值，在 1.26 中被移除。',
  },
  document: scenario({
    title: 'ClusterIP with kube-proxy in userspace mode',
    cluster: { ...cluster(), kubeProxy: { mode: 'userspace' } },
    objects: WEB_ON_NODE2,
    journeys: [
      { from: 'pod/client', run: `curl http://${WEB_IP}/` },
      { from: 'pod/client', run: `curl http://${WEB_IP}/` },
    ],
  }),
}
