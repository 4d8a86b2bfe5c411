import type { LibraryEntry } from './entry.ts'
import { SERVICES } from './groups.ts'
import { clientPod, scenario, TWO_NODES, WEB_IP, WEB_SERVICE, webPod } from './parts.ts'

/** A pod that has ten seconds after its deletion. */
const old = webPod('web-a', 'node2', '10.244.2.2')
const oldPod = { ...old, spec: { ...(old.spec as object), terminationGracePeriodSeconds: 10 } }

export const endpointReplaced: LibraryEntry = {
  id: 'endpoint-replaced',
  group: SERVICES,
  badge: 'answered',
  title: { en: 'The backend is replaced while a connection is open', zh: '连接建立期间后端被替换' },
  intro: {
    en: 'Pod web-a is deleted in the middle of a curl that sends a request every five seconds or so, and web-b takes its place. kube-proxy writes the new rules on every node: from then on, whoever connects reaches web-b.\nThe connection that was open before stays with web-a: only its first packet asked the nat table, and conntrack keeps the choice. web-a is terminating but still serves, so the second request is answered by it; the third one goes to another host name, needs a new connection, and finds web-b.\nWhen the grace period is over, the pod is killed and its namespace goes. The last command shows that nothing of it is left.',
    zh: 'curl 每隔五秒多发送一个请求；其间 Pod web-a 被删除，由 web-b 取代。kube-proxy 在每个节点上写入新规则：此后新建的连接都到达 web-b。\n此前已建立的连接仍留在 web-a：只有它的首个包查询过 nat 表，这一选择由 conntrack 保存。web-a 处于 terminating 状态但仍在提供服务，所以第二个请求由它应答；第三个请求使用另一个主机名，需要新建连接，于是到达 web-b。\n宽限期结束后，该 Pod 被终止，其网络命名空间随之消失。最后一条命令表明它已不留痕迹。',
  },
  document: scenario({
    title: 'The backend is replaced while a connection is open',
    objects: [...TWO_NODES, clientPod('client', 'node1', '10.244.1.2'), oldPod, WEB_SERVICE],
    journeys: [
      {
        from: 'pod/client',
        run: `curl --rate 11/m --local-port 40001-40002 --resolve web:80:${WEB_IP} http://${WEB_IP}/one http://${WEB_IP}/two http://web/three`,
      },
      { from: 'pod/client', run: `curl http://${WEB_IP}/four` },
    ],
    changes: [
      {
        journey: 0,
        at: '2s',
        apply: [webPod('web-b', 'node2', '10.244.2.3')],
        delete: [{ kind: 'Pod', name: 'web-a' }],
      },
    ],
  }),
}
