import { clientPod, cluster, scenario, TWO_NODES, WEB_IP, WEB_SERVICE, webPod } from '../../library/parts.ts'
import type { ClusterConfig, Manifest, Override, ScenarioDocument, ScheduledChange } from '../../scenario/document.ts'

// Corners of IPVS mode, each on a real kernel with ip_vs too (npm run kernel -- --only ID --qemu).

interface IpvsCase {
  readonly id: string
  readonly document: ScenarioDocument
}

const client = clientPod('client', 'node1', '10.244.1.2')
const other = clientPod('other', 'node1', '10.244.1.9')
const near = webPod('near', 'node1', '10.244.1.3')
const far = webPod('far', 'node2', '10.244.2.2')

const service = (spec: Readonly<Record<string, unknown>>, name = 'web'): Manifest => ({
  ...WEB_SERVICE,
  metadata: { name },
  spec: { clusterIP: WEB_IP, selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }], ...spec },
})
const NODE_PORT = service({ type: 'NodePort', ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }] })

const echoPod = (name: string, nodeName: string, podIP: string): Manifest => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app: 'echo' } },
  spec: { nodeName, containers: [{ name: 'echo', image: 'busybox', ports: [{ containerPort: 7777, protocol: 'UDP' }] }] },
  status: { podIP },
})
const echoService = (name: string, clusterIP: string, targetPort: number): Manifest => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { clusterIP, selector: { app: 'echo' }, ports: [{ port: 7, targetPort, protocol: 'UDP' }] },
})

interface Given {
  readonly objects: readonly Manifest[]
  readonly kubeProxy?: Partial<ClusterConfig['kubeProxy']>
  readonly network?: Partial<ClusterConfig['network']>
  readonly overrides?: Readonly<Record<string, Override>>
  readonly changes?: readonly ScheduledChange[]
}

const kase = (id: string, runs: readonly (readonly [from: string, run: string])[], given: Given): IpvsCase => {
  const base = cluster()
  return {
    id,
    document: scenario({
      title: id,
      // Every source port has five digits, so that what a backend prints of one is as long on a kernel that draws another.
      seed: 4,
      cluster: {
        ...base,
        network: { ...base.network, ...given.network },
        kubeProxy: { mode: 'ipvs', ...given.kubeProxy },
      },
      objects: [...TWO_NODES, client, ...given.objects],
      overrides: given.overrides ?? {},
      ...(given.changes === undefined ? {} : { changes: given.changes }),
      journeys: runs.map(([from, run]) => ({ from, run })),
    }),
  }
}

const CURL = `curl http://${WEB_IP}/`
const sysctls = (sysctl: Readonly<Record<string, string>>): Readonly<Record<string, Override>> => ({ node1: { sysctl } })

const atOnce = (p: Manifest): Manifest => ({ ...p, spec: { ...(p.spec as object), terminationGracePeriodSeconds: 0 } })
const closedTo = (name: string, podIP: string): Manifest => atOnce(webPod(name, 'node2', podIP))
const wait = (seconds: number): readonly [from: string, run: string] => ['pod/client', `ping -c ${seconds + 1} -q 10.244.1.1`]
const gone = (name: string) => ({ delete: [{ kind: 'Pod', name }] })

const at = (ip: string, run = 'curl --max-time 2'): string => `${run} http://${ip}/`

export const IPVS_CASES: readonly IpvsCase[] = [
  // One backend, beside its clients: on the client's own bridge, the client itself, and on the node that asks.
  kase(
    'ipvs-near',
    [
      ['pod/client', CURL],
      ['pod/near', CURL],
      ['node1', CURL],
    ],
    {
      objects: [near, service({})],
      network: { hairpinMode: true },
    },
  ),
  kase('ipvs-bridge-nf-off', [['pod/client', at(WEB_IP)]], {
    objects: [near, service({})],
    overrides: sysctls({ 'net.bridge.bridge-nf-call-iptables': '0' }),
  }),
  kase(
    'ipvs-far',
    [
      ['node1', CURL],
      ['node2', 'curl http://192.168.1.11:30080/'],
    ],
    { objects: [far, NODE_PORT] },
  ),
  kase(
    'ipvs-affinity',
    [
      ['pod/client', CURL],
      ['pod/other', CURL],
      ['pod/client', CURL],
    ],
    {
      objects: [other, near, far, service({ sessionAffinity: 'ClientIP' })],
    },
  ),
  // An answer, and an ICMP error about a datagram to a port that is closed.
  kase(
    'ipvs-udp',
    [
      ['pod/client', 'echo hi | nc -u -w 1 10.96.0.20 7'],
      ['pod/client', 'echo hi | nc -u -w 1 10.96.0.21 7'],
    ],
    {
      objects: [
        echoPod('echo', 'node2', '10.244.2.7'),
        echoService('echo', '10.96.0.20', 7777),
        echoService('closed', '10.96.0.21', 9999),
      ],
    },
  ),
  // No endpoints, no virtual server on that port, an echo request, a backend that refuses.
  kase(
    'ipvs-refused',
    [
      ['pod/client', at('10.96.0.11')],
      ['pod/client', at(`${WEB_IP}:81`)],
      ['pod/client', `ping -c 1 -W 1 ${WEB_IP}`],
      ['pod/client', at('10.96.0.12')],
    ],
    {
      objects: [
        far,
        service({}),
        service({ clusterIP: '10.96.0.11', selector: { app: 'nobody' } }, 'nobody'),
        service({ clusterIP: '10.96.0.12', ports: [{ port: 80, targetPort: 9999 }] }, 'closed'),
      ],
    },
  ),
  kase('ipvs-no-conntrack', [['pod/client', CURL]], {
    objects: [far, service({})],
    overrides: sysctls({ 'net.ipv4.vs.conntrack': '0' }),
  }),
  // One that drains and is back is put in anew: round robin comes to it first.
  kase('ipvs-back', [['pod/client', CURL], wait(3), ['pod/client', CURL], ['pod/client', CURL]], {
    objects: [closedTo('a', '10.244.2.2'), service({ ports: [{ port: 80, targetPort: 9999 }] })],
    changes: [
      { journey: 1, at: '500ms', ...gone('a'), apply: [closedTo('b', '10.244.2.3')] },
      { journey: 1, at: '2500ms', apply: [closedTo('c', '10.244.2.2')] },
    ],
  }),
  kase(
    'ipvs-mh',
    [
      ['pod/client', CURL],
      ['pod/other', CURL],
      ['pod/client', CURL],
    ],
    {
      objects: [other, near, far, webPod('far-b', 'node2', '10.244.2.3'), service({})],
      kubeProxy: { scheduler: 'mh' },
    },
  ),
]
