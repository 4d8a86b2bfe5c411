import { clientPod, cluster, scenario, TWO_NODES, WEB_IP, WEB_SERVICE, webPod } from '../../library/parts.ts'
import { balancedService, hostPortPod, nodePortService, VIP } from '../../library/ways-in.ts'
import type { ClusterConfig, Manifest } from '../../scenario/document.ts'
import type { TestCase } from './cases.ts'

// Corners of the ways into a cluster and out of it.

const client = clientPod('client', 'node1', '10.244.1.2')
const near = webPod('near', 'node1', '10.244.1.3')
const far = webPod('far', 'node2', '10.244.2.2')
const base = [...TWO_NODES, client]

interface Given {
  readonly objects: readonly Manifest[]
  readonly cluster?: ClusterConfig
}

const kase = (id: string, runs: readonly (readonly [from: string, run: string])[], given: Given): TestCase => ({
  id,
  document: scenario({ ...given, title: id, journeys: runs.map(([from, run]) => ({ from, run })) }),
})

const lan: ClusterConfig = { ...cluster(), clients: [{ name: 'laptop', address: '192.168.1.100' }] }
const hairpin: ClusterConfig = { ...cluster(), network: { ...cluster().network, hairpinMode: true } }
const externalIp: Manifest = {
  ...WEB_SERVICE,
  spec: { clusterIP: WEB_IP, selector: { app: 'web' }, externalIPs: ['192.168.1.11'], ports: [{ port: 8000, targetPort: 8080 }] },
}
const balanced = balancedService()

export const REACH_CASES: readonly TestCase[] = [
  kase(
    'cloud-load-balancer',
    [
      ['internet', `curl http://${VIP}/`],
      ['internet', `curl http://${VIP}/`],
      ['internet', 'curl http://203.0.113.12:30080/'],
    ],
    { objects: [...TWO_NODES, near, balanced], cluster: cluster('cloud') },
  ),
  kase('load-balancer-from-lan', [['client/laptop', `curl http://${VIP}/`]], {
    objects: [...TWO_NODES, near, balanced],
    cluster: lan,
  }),
  kase('load-balancer-from-pod', [['pod/client', `curl http://${VIP}/`]], { objects: [...base, far, balanced] }),
  kase('load-balancer-nobody', [['internet', `curl --max-time 2 http://${VIP}/`]], {
    objects: [...TWO_NODES, balancedService({ externalTrafficPolicy: 'Local' })],
  }),
  kase('node-port-internet', [['internet', 'curl http://203.0.113.12:30080/']], {
    objects: [...TWO_NODES, near, nodePortService()],
  }),
  kase('node-port-localhost', [['node1', 'curl http://127.0.0.1:30080/']], { objects: [...TWO_NODES, far, nodePortService()] }),
  kase('external-ip', [['client/laptop', 'curl http://192.168.1.11:8000/']], {
    objects: [...TWO_NODES, far, externalIp],
    cluster: lan,
  }),
  kase(
    'host-port-pods',
    [
      ['pod/client', 'curl http://192.168.1.11:18080/'],
      ['pod/client', 'curl http://192.168.1.12:18080/'],
    ],
    { objects: [...base, hostPortPod('mine', 'node1', '10.244.1.3', 18080), hostPortPod('other', 'node2', '10.244.2.2', 18080)] },
  ),
  kase('host-port-itself', [['pod/mine', 'curl http://192.168.1.11:18080/']], {
    objects: [...TWO_NODES, hostPortPod('mine', 'node1', '10.244.1.3', 18080)],
    cluster: hairpin,
  }),
]
