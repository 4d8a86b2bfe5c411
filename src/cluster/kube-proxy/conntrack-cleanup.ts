import type { StaleFlows } from '../../world/changes.ts'
import type { EndpointsMap } from './endpoints-map.ts'
import type { IpAddress } from './ip.ts'
import type { ProxyServicePort } from './service-map.ts'

/**
 * The UDP flows that have become wrong after a sync: those to a service port whose replies come from no serving endpoint of it,
 * be it one that is gone or, for a flow that began before there was any, the service address itself.
 *
 * Source: pkg/proxy/conntrack/cleanup.go (CleanStaleEntries, since Kubernetes 1.32). Only UDP: TCP notices by itself. Traffic
 * policies, topology and terminating do not count, serving does. A service port without any serving endpoint is passed over,
 * and so its old entries stay until there is one.
 */
export function staleFlows(ports: readonly ProxyServicePort[], endpoints: EndpointsMap): StaleFlows[] {
  // By address and port, as the Go map is: of two service ports that share one, the later decides.
  const flows = new Map<string, StaleFlows>()
  for (const p of ports) {
    if (p.protocol !== 'udp') continue
    const serving = [...new Set(endpoints(p).flatMap((e) => (e.serving ? v4(e.address) : [])))]
    if (serving.length === 0) continue
    for (const vip of [p.clusterIP, ...p.loadBalancerVIPs, ...p.externalIPs]) {
      for (const address of v4(vip)) flows.set(`${address}:${p.port}`, { address, port: p.port, serving })
    }
    if (p.nodePort !== 0) flows.set(`:${p.nodePort}`, { port: p.nodePort, serving })
  }
  return [...flows.values()]
}

/** The engine is IPv4. */
const v4 = (ip: IpAddress): number[] => (ip.family === 'IPv4' ? [ip.value] : [])
