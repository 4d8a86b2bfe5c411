import { endpointReplaced } from '../../library/endpoint-replaced.ts'
import { clientPod, cluster, scenario, TWO_NODES, WEB_IP, WEB_SERVICE, webPod } from '../../library/parts.ts'
import { staleUdpConntrack } from '../../library/stale-udp-conntrack.ts'
import { balancedService, hostPortPod, VIP } from '../../library/ways-in.ts'
import type { KubeProxyMode, Manifest, ScenarioDocument } from '../../scenario/document.ts'

const inNftables = (document: ScenarioDocument): ScenarioDocument => ({
  ...document,
  cluster: { ...document.cluster, kubeProxy: { mode: 'nftables' } },
})

const client = clientPod('client', 'node1', '10.244.1.2')
const wait = (seconds: number) => ({ from: 'pod/client', run: `ping -c ${seconds + 1} 10.244.1.1` })
const atOnce = (p: Manifest): Manifest => ({ ...p, spec: { ...(p.spec as object), terminationGracePeriodSeconds: 0 } })
const mapped = (name: string, podIP: string, port: number) => atOnce(hostPortPod(name, 'node1', podIP, port))
const agent: Manifest = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'agent' },
  spec: {
    nodeName: 'node2',
    hostNetwork: true,
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'web', image: 'agnhost', ports: [{ containerPort: 8080 }] }],
  },
}
const port = (n: number) => ({ from: 'node2', run: `curl -m 2 http://192.168.1.11:${n}/` })

/** A pod moves to the other node under a balancer that asks the nodes for their health. */
const BALANCED = scenario({
  title: 'the pod behind a balancer moves',
  objects: [
    ...TWO_NODES,
    client,
    atOnce(webPod('web-a', 'node1', '10.244.1.3')),
    balancedService({ externalTrafficPolicy: 'Local', healthCheckNodePort: 32000 }),
  ],
  journeys: [
    { from: 'internet', run: `curl http://${VIP}/` },
    wait(2),
    { from: 'internet', run: `curl http://${VIP}/` },
    { from: 'pod/client', run: 'curl -s http://192.168.1.11:32000/' },
    { from: 'pod/client', run: 'curl -s http://192.168.1.12:32000/' },
  ],
  changes: [
    { journey: 1, at: '500ms', apply: [webPod('web-b', 'node2', '10.244.2.2')], delete: [{ kind: 'Pod', name: 'web-a' }] },
  ],
})

/** One of two pods with host ports goes, a third comes. */
const HOST_PORTS = scenario({
  title: 'host ports come and go',
  objects: [...TWO_NODES, client, mapped('a', '10.244.1.3', 18080), mapped('b', '10.244.1.4', 18081)],
  journeys: [port(18080), port(18081), wait(2), port(18080), port(18081), port(18082)],
  changes: [{ journey: 2, at: '500ms', apply: [mapped('c', '10.244.1.5', 18082)], delete: [{ kind: 'Pod', name: 'a' }] }],
})

const FIRST_HOST_PORT = scenario({
  title: 'the first host port of a node',
  objects: [...TWO_NODES, client],
  journeys: [port(18080), wait(1), port(18080), wait(1), port(18080)],
  changes: [
    { journey: 1, at: '500ms', apply: [mapped('a', '10.244.1.3', 18080)] },
    { journey: 3, at: '500ms', delete: [{ kind: 'Pod', name: 'a' }] },
  ],
})

const ON_HOST = scenario({
  title: "a pod on the host's network comes and goes",
  objects: [...TWO_NODES, client],
  journeys: [port(8080), wait(1), port(8080), wait(1), port(8080)].map((j) => ({
    ...j,
    run: j.run.replace('192.168.1.11:8080', '192.168.1.12:8080'),
    from: 'pod/client',
  })),
  changes: [
    { journey: 1, at: '500ms', apply: [agent] },
    { journey: 3, at: '500ms', delete: [{ kind: 'Pod', name: 'agent' }] },
  ],
})

const rolled = (image: string, replicas: number): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'web', image, ports: [{ containerPort: 8080 }], readinessProbe: { initialDelaySeconds: 1 } }],
      },
    },
  },
})

/** A Deployment gets another template: its pod is replaced by a new one, once that is ready. */
const rollout = (mode: KubeProxyMode): ScenarioDocument =>
  scenario({
    title: `a rollout in ${mode} mode`,
    cluster: { ...cluster(), kubeProxy: { mode } },
    objects: [...TWO_NODES, client, WEB_SERVICE, rolled('one', 1)],
    journeys: [
      { from: 'pod/client', run: `curl http://${WEB_IP}/` },
      wait(1),
      { from: 'pod/client', run: `curl http://${WEB_IP}/` },
    ],
    changes: [{ journey: 1, at: '100ms', apply: [rolled('two', 1)] }],
  })

/** In userspace mode a Service comes, another goes: rules, one by one, and sockets. */
const PORTALS = scenario({
  title: 'Services come and go in userspace mode',
  cluster: { ...cluster(), kubeProxy: { mode: 'userspace' } },
  objects: [...TWO_NODES, client, webPod('web-a', 'node2', '10.244.2.2'), WEB_SERVICE],
  journeys: [
    { from: 'pod/client', run: `curl http://${WEB_IP}/` },
    wait(1),
    { from: 'pod/client', run: 'curl http://10.96.0.33/' },
  ],
  changes: [
    {
      journey: 1,
      at: '300ms',
      apply: [
        { ...WEB_SERVICE, metadata: { name: 'other' }, spec: { ...(WEB_SERVICE.spec as object), clusterIP: '10.96.0.33' } },
      ],
      delete: [{ kind: 'Service', name: 'web' }],
    },
  ],
})

/** Changes in the middle of a journey, first under a kube-proxy in nftables mode. */
export const CHANGE_CASES = [
  { id: 'change-nftables', document: inNftables(endpointReplaced.document) },
  { id: 'change-nftables-udp', document: inNftables(staleUdpConntrack.document) },
  { id: 'change-balancer', document: BALANCED },
  { id: 'change-host-ports', document: HOST_PORTS },
  { id: 'change-first-host-port', document: FIRST_HOST_PORT },
  { id: 'change-on-host', document: ON_HOST },
  { id: 'change-rollout', document: rollout('iptables') },
  { id: 'change-rollout-nftables', document: rollout('nftables') },
  { id: 'change-rollout-userspace', document: rollout('userspace') },
  { id: 'change-portals', document: PORTALS },
]
