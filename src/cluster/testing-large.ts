import type { KubeProxyMode, Manifest, ScenarioDocument } from '../scenario/document.ts'
import { documentOf, node, pod, service } from './testing.ts'

const NODES = 10
const PODS_PER_SERVICE = 3
const PORT = 80

/** The cluster IP of Service number `i`, from 0. */
export const clusterIp = (i: number): string => `10.96.${Math.floor(i / 250)}.${(i % 250) + 1}`

/**
 * A cluster of `services` Services with three pods each, on ten nodes, and one pod that asks the last of them: what a large
 * cluster costs is seen there, at the end of the longest chain.
 */
export function largeDocument(services: number, mode: KubeProxyMode = 'iptables'): ScenarioDocument {
  const objects: Manifest[] = []
  for (let n = 0; n < NODES; n++) objects.push(node(`node${n}`, `10.${200 + n}.0.0/16`, `192.168.0.${n + 10}`))
  objects.push(pod('client', 'node0'))
  for (let i = 0; i < services; i++) {
    objects.push(
      service(`app-${i}`, { clusterIP: clusterIp(i), selector: { app: `app-${i}` }, ports: [{ port: PORT, targetPort: 8080 }] }),
    )
    for (let p = 0; p < PODS_PER_SERVICE; p++) {
      objects.push(pod(`app-${i}-${p}`, `node${(i + p) % NODES}`, { app: `app-${i}` }))
    }
  }
  const doc = documentOf(objects, { journeys: [{ from: 'pod/client', run: `curl http://${clusterIp(services - 1)}/` }] })
  return { ...doc, cluster: { ...doc.cluster, podCIDR: '10.128.0.0/9', serviceCIDR: '10.96.0.0/16', kubeProxy: { mode } } }
}
