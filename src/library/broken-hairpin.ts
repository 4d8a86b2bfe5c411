import type { LibraryEntry } from './entry.ts'
import { BROKEN } from './groups.ts'
import { clientPod, node, scenario, WEB_IP, WEB_SERVICE, webPod } from './parts.ts'

export const brokenHairpin: LibraryEntry = {
  id: 'broken-hairpin',
  group: BROKEN,
  badge: 'timed-out',
  title: { en: 'Broken: a pod cannot reach itself through its Service', zh: '故障：Pod 无法通过 Service 访问自己' },
  intro: {
    en: 'The only endpoint of Service web is web-a, which asks for it. kube-proxy’s rules do their part: the destination becomes 10.244.1.3:8080. That address is behind the very bridge port that the frame came in through, and this port is not in hairpin mode: a bridge never sends a frame back where it came from. It drops it silently, and curl times out.\nEverybody else reaches the Service: run the same command from pod client. That is why this is so often found late, by an application that calls itself.',
    zh: 'Service web 唯一的端点就是 web-a，而发起请求的也是它。kube-proxy 的规则照常工作：目的地址变成 10.244.1.3:8080。但这个地址就在该帧进来的那个网桥端口后面，而端口没有开启 hairpin 模式：网桥从不把帧送回来处，于是悄悄丢弃，curl 最终超时。\n其他 Pod 都能访问这个 Service，可以从 Pod client 运行同一条命令试试；所以这种故障往往要等到某个应用调用自己时才被发现。',
  },
  document: scenario({
    title: 'Broken: a pod cannot reach itself through its Service',
    objects: [node(1), webPod('web-a', 'node1', '10.244.1.3'), clientPod('client', 'node1', '10.244.1.2'), WEB_SERVICE],
    journeys: [{ from: 'pod/web-a', run: `curl --max-time 2 http://${WEB_IP}/` }],
  }),
}
