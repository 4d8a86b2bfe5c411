import { corednsArgv } from './dns.ts'
import { ingressController, ingressPort } from './ingress/controllers.ts'
import type { Cluster, ClusterPod, L4 } from './model.ts'

// What listens in a pod. Images cannot be run here, so a port that a manifest names is answered by a stand-in: HTTP on TCP,
// an echo on UDP.

export interface Server {
  readonly argv: readonly string[]
  readonly container: string
  readonly detail: string
}

/**
 * One server a port: the container ports. Of a pod that names none, the target ports of Services that select it: where ports are
 * named, a Service that leads elsewhere is a mistake, and has to look like one.
 */
export function serversOf(pod: ClusterPod, cluster: Cluster): Server[] {
  const servers = new Map<string, Server>()
  const add = (protocol: L4, port: number, container: string, detail: string) => {
    const program = protocol === 'TCP' ? 'httpd' : protocol === 'UDP' ? 'udp-echo' : undefined
    const key = `${protocol}/${port}`
    if (program === undefined || servers.has(key)) return
    servers.set(key, { argv: [program, '-p', String(port)], container, detail })
  }
  for (const c of pod.containers) {
    const controller = ingressController(c)
    if (controller !== undefined) {
      servers.set(`TCP/${ingressPort(controller)}`, { argv: controller, container: c.name, detail: `spec.containers: ${c.name}` })
      continue
    }
    const dns = corednsArgv(c)
    if (dns !== undefined) servers.set('UDP/53', { argv: dns, container: c.name, detail: `spec.containers: ${c.name}` })
    // DNS over TCP is not modelled: nothing stands in for it.
    for (const p of c.ports)
      if (dns === undefined || p.containerPort !== 53)
        add(p.protocol, p.containerPort, c.name, `spec.containers: ${c.name}, containerPort ${p.containerPort}`)
  }
  const first = pod.containers[0]
  if (first === undefined || servers.size > 0) return [...servers.values()]
  for (const slice of cluster.slicesOf(pod.ip)) {
    if (slice.namespace !== pod.namespace) continue
    if (pod.hostNetwork && !selects(cluster, slice.service, pod)) continue
    for (const p of slice.ports) add(p.protocol, p.port, first.name, `target port of Service ${slice.namespace}/${slice.service}`)
  }
  return [...servers.values()]
}

/** On the host's network many pods share one address, so the selector has to say which of them serves. */
function selects(cluster: Cluster, service: string, pod: ClusterPod): boolean {
  const selector = cluster.services.find((s) => s.namespace === pod.namespace && s.name === service)?.selector
  return selector !== undefined && Object.entries(selector).every(([k, v]) => pod.labels[k] === v)
}
