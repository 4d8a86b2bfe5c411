import type { LibraryEntry } from './entry.ts'
import { BROKEN } from './groups.ts'
import { clientPod, node, scenario, WEB_IP, WEB_SERVICE, webPod } from './parts.ts'

export const brokenBridgeNf: LibraryEntry = {
  id: 'broken-bridge-nf',
  group: BROKEN,
  badge: 'timed-out',
  title: { en: 'Broken: bridge-nf-call-iptables is off', zh: '故障：bridge-nf-call-iptables 已关闭' },
  intro: {
    en: 'Client and backend of the Service are on the same bridge. The request is rewritten on its way through the node, but the answer goes to an address on the same link: the bridge forwards it as a frame, and the node reverses the DNAT only if br_netfilter shows it bridged frames. Here net.bridge.bridge-nf-call-iptables is 0.\nSo the SYN-ACK arrives straight from 10.244.1.3:8080, where the client knows of no connection. It answers with a reset, and goes on waiting for 10.96.0.10.',
    zh: 'Service 的 client 与后端接在同一个网桥上。请求经过节点时被改写，但回答的目的地址就在同一链路上：网桥把它当作帧直接转发；只有 br_netfilter 让 iptables 看到桥接的帧，节点才能还原 DNAT。这里 net.bridge.bridge-nf-call-iptables 是 0。\n于是 SYN-ACK 直接来自 10.244.1.3:8080，而 client 并没有与它的连接。client 回以 RST，并继续等待 10.96.0.10 的回答。',
  },
  document: scenario({
    title: 'Broken: bridge-nf-call-iptables is off',
    objects: [node(1), clientPod('client', 'node1', '10.244.1.2'), webPod('web-a', 'node1', '10.244.1.3'), WEB_SERVICE],
    overrides: { node1: { sysctl: { 'net.bridge.bridge-nf-call-iptables': '0' } } },
    journeys: [{ from: 'pod/client', run: `curl --max-time 5 http://${WEB_IP}/` }],
  }),
}
