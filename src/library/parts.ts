import type { ClusterConfig, Manifest, ScenarioDocument } from '../scenario/document.ts'

// What the built-in scenarios share: two nodes with their pod ranges, pods that serve a port or none, one Service.

const POD_CIDR = '10.244.0.0/16'
const SERVICE_CIDR = '10.96.0.0/16'
export const WEB_IP = '10.96.0.10'
export const WEB_PORT = 8080
export const WEB_IMAGE = 'registry.k8s.io/e2e-test-images/agnhost:2.53'

/** node1 is 192.168.1.11 with 10.244.1.0/24, node2 is 192.168.1.12 with 10.244.2.0/24. */
export const node = (n: 1 | 2): Manifest => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: `node${n}` },
  spec: { podCIDR: `10.244.${n}.0/24` },
  status: { addresses: [{ type: 'InternalIP', address: `192.168.1.1${n}` }] },
})

export const TWO_NODES: readonly Manifest[] = [node(1), node(2)]

/** A pod that only sends. */
export const clientPod = (name: string, nodeName: string, podIP: string): Manifest => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { nodeName, containers: [{ name: 'shell', image: 'busybox' }] },
  status: { podIP },
})

/** A pod that answers HTTP on 8080, labelled for the Service `web`. */
export const webPod = (name: string, nodeName: string, podIP: string, app = 'web'): Manifest => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app } },
  spec: {
    nodeName,
    containers: [{ name: 'web', image: WEB_IMAGE, ports: [{ containerPort: WEB_PORT }] }],
  },
  status: { podIP },
})

export const WEB_SERVICE: Manifest = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { clusterIP: WEB_IP, selector: { app: 'web' }, ports: [{ port: 80, targetPort: WEB_PORT }] },
}

/** The flagship's objects: a client on node1, and the Service `web` with both of its backends on node2. */
export const WEB_ON_NODE2: readonly Manifest[] = [
  ...TWO_NODES,
  clientPod('client', 'node1', '10.244.1.2'),
  webPod('web-a', 'node2', '10.244.2.2'),
  webPod('web-b', 'node2', '10.244.2.3'),
  WEB_SERVICE,
]

export const cluster = (fabric: ClusterConfig['network']['fabric'] = 'l2'): ClusterConfig => ({
  podCIDR: POD_CIDR,
  serviceCIDR: SERVICE_CIDR,
  network: { plugin: 'bridge', fabric, mtu: 1500 },
  kubeProxy: { mode: 'iptables' },
})

type Given = Pick<ScenarioDocument, 'title' | 'objects' | 'journeys'> & Partial<ScenarioDocument>

export const scenario = (given: Given): ScenarioDocument => ({
  hopscope: 1,
  seed: 1,
  cluster: cluster(),
  overrides: {},
  ...given,
})
