import type { LibraryEntry } from './entry.ts'
import { SERVICES } from './groups.ts'
import { cluster, node, scenario, WEB_IP, WEB_SERVICE, webPod } from './parts.ts'

const plain = cluster()

export const serviceHairpin: LibraryEntry = {
  id: 'service-hairpin',
  group: SERVICES,
  badge: 'answered',
  title: { en: 'Hairpin: a pod reaches itself through its Service', zh: '发夹流量：Pod 通过 Service 访问自己' },
  intro: {
    en: 'web-a asks Service web, and the endpoint drawn is web-a itself. Two things must be right. The source must not stay 10.244.1.3, or the pod would get a packet from its own address and answer it over lo: so the KUBE-SEP chain marks a request of the endpoint to itself for masquerading, and it arrives from the bridge, 10.244.1.1.\nAnd the bridge must send the frame back out of the port that it came in through, which a bridge only does for a port in hairpin mode (the bridge plugin’s hairpinMode). The ports of cbr0 are in that mode here.',
    zh: 'web-a 访问 Service web，抽中的端点恰好是 web-a 自己。这里有两个条件。其一，源地址不能仍是 10.244.1.3，否则 Pod 会收到来自自身地址的包，并经 lo 回复：因此 KUBE-SEP 链会给“端点访问自己”的请求打上伪装标记，使它以网桥地址 10.244.1.1 的身份到达。\n其二，网桥必须把帧从进来的那个端口送回去；只有端口处于 hairpin 模式（bridge 插件的 hairpinMode）时，网桥才会这样做。这里 cbr0 的端口都开启了该模式。',
  },
  document: scenario({
    title: 'Hairpin: a pod reaches itself through its Service',
    cluster: { ...plain, network: { ...plain.network, hairpinMode: true } },
    objects: [node(1), webPod('web-a', 'node1', '10.244.1.3'), WEB_SERVICE],
    journeys: [{ from: 'pod/web-a', run: `curl http://${WEB_IP}/` }],
  }),
}
