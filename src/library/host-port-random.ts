import type { Manifest } from '../scenario/document.ts'
import type { LibraryEntry } from './entry.ts'
import { INTO_THE_CLUSTER } from './groups.ts'
import { cluster, scenario, TWO_NODES, webPod } from './parts.ts'

/** What BlueKing Container Service's webhook looks for in a pod that is being created. */
const RANDOM_HOST_PORT = {
  'randhostport.webhook.bkbcs.tencent.com': 'true',
  'ports.randhostport.webhook.bkbcs.tencent.com': '8080',
}

function gameServer(name: string, nodeName: string, podIP: string): Manifest {
  const pod = webPod(name, nodeName, podIP, 'game')
  return { ...pod, metadata: { ...pod.metadata, annotations: RANDOM_HOST_PORT } }
}

export const hostPortRandom: LibraryEntry = {
  id: 'host-port-random',
  group: INTO_THE_CLUSTER,
  badge: 'answered',
  title: { en: 'Random host ports: every pod has an address outside (BCS)', zh: '随机 hostPort：每个 Pod 都有对外地址（BCS）' },
  intro: {
    en: 'Game servers keep state, so a player must reach one certain pod, not any endpoint of a Service. Tencent’s BlueKing Container Service gives such pods random host ports. A pod asks by annotation; when it is created, the admission webhook bcs-webhook-server (randhostport) picks, from a range, the port that the fewest pods have, and writes it into the pod: as hostPort, as a label with anti-affinity on it, so that no node gets the same port twice, and as environment variables with port and node address, which the server reports to the lobby.\nSee the pods’ manifests: what the webhook filled in is marked. From there on it is plain hostPort: the CNI portmap plugin’s rules lead from node:port to the pod, whether a player asks from outside or another pod does.\nThe pod’s request leaves with its node’s address, as it would towards any address outside the pod range.',
    zh: '游戏服务器是有状态的，玩家必须连到某个特定的 Pod，而不是 Service 的任意端点。腾讯蓝鲸容器服务（BCS）为这类 Pod 分配随机 hostPort：Pod 用注解提出申请；创建时，准入 webhook bcs-webhook-server（randhostport 插件）从端口范围中挑选已分配 Pod 最少的端口，写入 Pod：一是作为 hostPort；二是作为标签并配上反亲和，使同一节点不会出现两个相同端口；三是作为环境变量给出端口和节点地址，由服务器上报给大厅。\n可以查看 Pod 的清单，其中由 webhook 填入的字段有标记。此后就是普通的 hostPort：CNI portmap 插件的规则把“节点:端口”引向 Pod，无论请求来自外部玩家还是其他 Pod。\nPod 发出的请求带着所在节点的地址离开，正如它访问 Pod 网段以外的任何地址时一样。',
  },
  document: scenario({
    title: 'Random host ports: every pod has an address outside (BCS)',
    cluster: { ...cluster(), clients: [{ name: 'player', address: '192.168.1.100' }] },
    objects: [...TWO_NODES, gameServer('game-0', 'node1', '10.244.1.3'), gameServer('game-1', 'node2', '10.244.2.2')],
    journeys: [
      { from: 'client/player', run: 'curl http://192.168.1.11:29769/' },
      { from: 'client/player', run: 'curl http://192.168.1.12:29784/' },
      { from: 'pod/game-0', run: 'curl http://192.168.1.12:29784/' },
    ],
  }),
}
