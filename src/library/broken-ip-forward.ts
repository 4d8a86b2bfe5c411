import type { LibraryEntry } from './entry.ts'
import { BROKEN } from './groups.ts'
import { clientPod, scenario, TWO_NODES, webPod } from './parts.ts'

export const brokenIpForward: LibraryEntry = {
  id: 'broken-ip-forward',
  group: BROKEN,
  badge: 'timed-out',
  title: { en: 'Broken: ip_forward is off', zh: '故障：ip_forward 已关闭' },
  intro: {
    en: 'A node is a router for its pods, and Linux routes only while net.ipv4.ip_forward is 1. Here it is 0 on node1, as after a hardening script or a sysctl file that came too late.\nThe packet reaches the node and finds a route, but the kernel drops it without a word to the sender: the client sends its SYN again and again, until it gives up.',
    zh: '节点是其 Pod 的路由器，而 Linux 只有在 net.ipv4.ip_forward 为 1 时才转发。这里 node1 上的值是 0，就像运行了安全加固脚本，或某个 sysctl 文件在之后又覆盖了它。\n包到达节点，也查到了路由，但内核把它丢弃，且不通知发送方：client 一遍遍重发 SYN，直到放弃。',
  },
  document: scenario({
    title: 'Broken: ip_forward is off',
    objects: [...TWO_NODES, clientPod('client', 'node1', '10.244.1.2'), webPod('web-a', 'node2', '10.244.2.2')],
    overrides: { node1: { sysctl: { 'net.ipv4.ip_forward': '0' } } },
    journeys: [{ from: 'pod/client', run: 'curl --max-time 5 http://10.244.2.2:8080/' }],
  }),
}
