import type { Manifest } from '../../scenario/document.ts'
import { documentOf, node, pod, service } from '../testing.ts'
import { kubeProxyText, type ProxyMode } from './feed.ts'
import type { IpFamily } from './ip.ts'

// What the tests of kube-proxy share: two nodes, a backend on each, and a Service web in front of them.

export const NODES = [node('node1', '10.244.1.0/24', '192.168.1.11'), node('node2', '10.244.2.0/24', '192.168.1.12')]
const BACKENDS = [
  pod('a', 'node1', { podIP: '10.244.1.5', app: 'web', ports: [{ containerPort: 8080 }] }),
  pod('b', 'node2', { podIP: '10.244.2.5', app: 'web', ports: [{ containerPort: 8080 }] }),
]

export const web = (spec: object, status?: object): Manifest => ({
  ...service('web', {
    selector: { app: 'web' },
    clusterIP: '10.96.0.10',
    ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }],
    ...spec,
  }),
  ...(status === undefined ? {} : { status }),
})

export const ingress = (ip: string, ipMode?: string) => ({
  loadBalancer: { ingress: [{ ip, ...(ipMode === undefined ? {} : { ipMode }) }] },
})

export interface FedOptions {
  readonly mode?: ProxyMode
  readonly node?: string
  readonly family?: IpFamily
  readonly objects?: readonly Manifest[]
}

/** The lines that kube-proxy would feed in on node1 for `web`. */
export function fed(object: Manifest, o: FedOptions = {}): string[] {
  const doc = documentOf([...NODES, ...BACKENDS, object, ...(o.objects ?? [])])
  const text = kubeProxyText(doc, { node: o.node ?? 'node1', mode: o.mode ?? 'iptables', family: o.family ?? 'IPv4' })
  if (!text.ok) throw new Error(JSON.stringify(text.error))
  return text.value.split('\n')
}
