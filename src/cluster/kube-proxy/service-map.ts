import type { Ipv4 } from '../../net/address.ts'
import type { ClusterService, ClusterSlice } from '../model.ts'
import type { L4Protocol } from './rule.ts'

/** One port of one Service: the unit that kube-proxy works in (pkg/proxy/serviceport.go). */
export interface ProxyServicePort {
  readonly namespace: string
  readonly service: string
  /** `ns/name:port`, or `ns/name` for an unnamed port. */
  readonly name: string
  readonly portName: string
  readonly protocol: L4Protocol
  readonly clusterIP: Ipv4
  readonly port: number
  readonly internalPolicyLocal: boolean
  readonly affinitySeconds?: number
}

/** pkg/proxy/endpointslicecache.go: what a slice says of one address and port. */
export interface ProxyEndpoint {
  readonly address: Ipv4
  readonly port: number
  readonly ready: boolean
  readonly serving: boolean
  readonly terminating: boolean
  readonly nodeName?: string
  readonly zoneHints?: readonly string[]
}

const PROTOCOLS = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' } as const

/** Service ports that kube-proxy serves, sorted by name: headless and ExternalName Services are not its business. */
export function servicePorts(services: readonly ClusterService[]): ProxyServicePort[] {
  return services
    .flatMap((s) => {
      const { clusterIP } = s
      if (clusterIP === undefined || s.type === 'ExternalName') return []
      return s.ports.map((p) => ({
        namespace: s.namespace,
        service: s.name,
        name: p.name === '' ? `${s.namespace}/${s.name}` : `${s.namespace}/${s.name}:${p.name}`,
        portName: p.name,
        protocol: PROTOCOLS[p.protocol],
        clusterIP,
        port: p.port,
        internalPolicyLocal: s.internalTrafficPolicy === 'Local',
        ...(s.affinitySeconds === undefined ? {} : { affinitySeconds: s.affinitySeconds }),
      }))
    })
    .sort((a, b) => compare(a.name, b.name) || compare(a.protocol, b.protocol))
}

/** Endpoints by service port, each address and port once, whatever number of slices name it. */
export function endpointsOf(slices: readonly ClusterSlice[]): (port: ProxyServicePort) => readonly ProxyEndpoint[] {
  const byPort = new Map<string, Map<string, ProxyEndpoint>>()
  for (const slice of slices) {
    for (const p of slice.ports) {
      const key = `${slice.namespace}/${slice.service}:${p.name}/${PROTOCOLS[p.protocol]}`
      const endpoints = byPort.get(key) ?? new Map<string, ProxyEndpoint>()
      byPort.set(key, endpoints)
      for (const e of slice.endpoints) {
        const id = `${e.address}:${p.port}`
        // A ready entry wins over one that is not: slices may disagree while they are being moved.
        if (endpoints.get(id)?.ready) continue
        endpoints.set(id, { ...e, port: p.port })
      }
    }
  }
  return (port) => [...(byPort.get(`${port.namespace}/${port.service}:${port.portName}/${port.protocol}`)?.values() ?? [])]
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
