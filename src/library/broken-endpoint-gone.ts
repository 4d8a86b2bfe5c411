import type { LibraryEntry } from './entry.ts'
import { BROKEN } from './groups.ts'
import { clientPod, scenario, TWO_NODES, WEB_IP, WEB_PORT, WEB_SERVICE, webPod } from './parts.ts'

export const brokenEndpointGone: LibraryEntry = {
  id: 'broken-endpoint-gone',
  group: BROKEN,
  badge: 'unreachable',
  title: { en: 'Broken: the pod is gone, the Service still points to it', zh: '故障：Pod 已消失，Service 仍指向它' },
  intro: {
    en: 'The EndpointSlice still lists 10.244.2.9, but no pod has that address any more: a slice that somebody wrote by hand, or a controller that lags behind. kube-proxy trusts the slice, and the packet is sent to node2.\nThere the route leads to cbr0, and the kernel asks by ARP who has 10.244.2.9: three times, one second apart. Nobody answers, so node2 reports "host unreachable" to the client.',
    zh: 'EndpointSlice 里仍列着 10.244.2.9，但已没有哪个 Pod 拥有这个地址：可能是有人手写的 slice，也可能是控制器更新滞后。kube-proxy 相信 slice，包被送往 node2。\n在那里，路由指向 cbr0，内核用 ARP 询问谁是 10.244.2.9：共三次，每次间隔一秒。无人应答，于是 node2 向 client 报告 “主机不可达”。',
  },
  document: scenario({
    title: 'Broken: the pod is gone, the Service still points to it',
    objects: [
      ...TWO_NODES,
      clientPod('client', 'node1', '10.244.1.2'),
      webPod('other', 'node2', '10.244.2.2', 'other'),
      WEB_SERVICE,
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'web-x7k2m', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
        addressType: 'IPv4',
        ports: [{ name: '', port: WEB_PORT, protocol: 'TCP' }],
        endpoints: [{ addresses: ['10.244.2.9'], conditions: { ready: true }, nodeName: 'node2' }],
      },
    ],
    journeys: [{ from: 'pod/client', run: `curl http://${WEB_IP}/` }],
  }),
}
