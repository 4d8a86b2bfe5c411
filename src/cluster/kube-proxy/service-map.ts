import { at, listAt, numberAt, textAt } from '../../base/fields.ts'
import type { Manifest } from '../../scenario/document.ts'
import { type IpAddress, type IpCidr, type IpFamily, parseCidrSloppy, parseIpSloppy } from './ip.ts'
import type { L4Protocol } from './rule.ts'

/** One port of one Service: the unit that kube-proxy works in (pkg/proxy/serviceport.go: BaseServicePortInfo). */
export interface ProxyServicePort {
  readonly namespace: string
  readonly service: string
  /** `ns/name:port`, or `ns/name` for an unnamed port. */
  readonly name: string
  readonly portName: string
  readonly protocol: L4Protocol
  readonly clusterIP: IpAddress
  readonly port: number
  /** 0: none. */
  readonly nodePort: number
  readonly externalIPs: readonly IpAddress[]
  /** Addresses that nodes answer for; a load balancer that terminates connections (ipMode Proxy) has none. */
  readonly loadBalancerVIPs: readonly IpAddress[]
  readonly loadBalancerSourceRanges: readonly IpCidr[]
  /** sessionAffinity ClientIP: for how long a client keeps its endpoint. */
  readonly affinitySeconds?: number
  /** 0: none. Type LoadBalancer with externalTrafficPolicy Local only. */
  readonly healthCheckNodePort: number
  readonly internalPolicyLocal: boolean
  readonly externalPolicyLocal: boolean
}

export const externallyAccessible = (p: ProxyServicePort): boolean =>
  p.nodePort !== 0 || p.loadBalancerVIPs.length > 0 || p.externalIPs.length > 0

const PROTOCOLS: Readonly<Record<string, L4Protocol>> = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' }
export const l4Protocol = (value: string | undefined): L4Protocol => PROTOCOLS[value ?? 'TCP'] ?? 'tcp'

/** Labels of Services that another proxy serves, or none: kube-proxy's informers leave them out (cmd/kube-proxy/app/server.go). */
const SKIPPED = ['service.kubernetes.io/service-proxy-name', 'service.kubernetes.io/headless']

/** v1.DefaultClientIPServiceAffinitySeconds: three hours. */
const DEFAULT_AFFINITY_SECONDS = 10800

/**
 * The service ports of one family that kube-proxy serves, sorted by name (a Go map has no order): headless and ExternalName
 * Services, and those without a cluster IP of the family, are not its business. `services` are v1 Services with the API
 * server's defaults. Source: pkg/proxy/servicechangetracker.go: serviceToServiceMap; serviceport.go: newBaseServiceInfo.
 */
export function servicePorts(services: readonly Manifest[], family: IpFamily): ProxyServicePort[] {
  return services.flatMap((s) => portsOf(s, family)).sort((a, b) => compare(a.name, b.name) || compare(a.protocol, b.protocol))
}

function portsOf(service: Manifest, family: IpFamily): ProxyServicePort[] {
  const clusterIP = clusterIPOf(service, family)
  if (clusterIP === undefined || SKIPPED.some((l) => at(service, 'metadata', 'labels', l) !== undefined)) return []
  const namespace = service.metadata.namespace ?? 'default'
  const { name } = service.metadata
  const ofFamily = (a: IpAddress | undefined) => (a?.family === family ? [a] : [])
  const externalIPs = texts(listAt(service, 'spec', 'externalIPs')).flatMap((t) => ofFamily(parseIpSloppy(t)))
  const loadBalancerVIPs = listAt(service, 'status', 'loadBalancer', 'ingress').flatMap((i) =>
    // A nil ipMode is VIP (proxyutil.IsVIPMode).
    (textAt(i, 'ipMode') ?? 'VIP') === 'VIP' ? ofFamily(parseIpSloppy(textAt(i, 'ip') ?? '')) : [],
  )
  // Validation lets white space through.
  const loadBalancerSourceRanges = texts(listAt(service, 'spec', 'loadBalancerSourceRanges')).flatMap((t) => {
    const range = parseCidrSloppy(t.trim())
    return range?.base.family === family ? [range] : []
  })
  const externalPolicyLocal = isExternal(service) && textAt(service, 'spec', 'externalTrafficPolicy') === 'Local'
  const affinity = textAt(service, 'spec', 'sessionAffinity') === 'ClientIP'
  const needsHealthCheck = externalPolicyLocal && textAt(service, 'spec', 'type') === 'LoadBalancer'
  const shared = {
    namespace,
    service: name,
    clusterIP,
    externalIPs,
    loadBalancerVIPs,
    loadBalancerSourceRanges,
    ...(affinity ? { affinitySeconds: affinitySeconds(service) } : {}),
    healthCheckNodePort: needsHealthCheck ? (numberAt(service, 'spec', 'healthCheckNodePort') ?? 0) : 0,
    internalPolicyLocal: textAt(service, 'spec', 'internalTrafficPolicy') === 'Local',
    externalPolicyLocal,
  }
  const byKey = new Map<string, ProxyServicePort>()
  for (const p of listAt(service, 'spec', 'ports')) {
    const portName = textAt(p, 'name') ?? ''
    const protocol = l4Protocol(textAt(p, 'protocol'))
    byKey.set(`${portName}/${protocol}`, {
      ...shared,
      name: portName === '' ? `${namespace}/${name}` : `${namespace}/${name}:${portName}`,
      portName,
      protocol,
      port: numberAt(p, 'port') ?? 0,
      nodePort: numberAt(p, 'nodePort') ?? 0,
    })
  }
  return [...byKey.values()]
}

/** proxyutil.ShouldSkipService and GetClusterIPByFamily. */
function clusterIPOf(service: Manifest, family: IpFamily): IpAddress | undefined {
  if (textAt(service, 'spec', 'type') === 'ExternalName') return undefined
  if (textAt(service, 'spec', 'clusterIP') === 'None') return undefined
  const all = [...texts(listAt(service, 'spec', 'clusterIPs')), textAt(service, 'spec', 'clusterIP') ?? '']
  return all.map(parseIpSloppy).find((a) => a?.family === family)
}

/** apiservice.ExternallyAccessible: what has an external traffic policy at all. */
function isExternal(service: Manifest): boolean {
  const type = textAt(service, 'spec', 'type') ?? 'ClusterIP'
  return (
    type === 'LoadBalancer' || type === 'NodePort' || (type === 'ClusterIP' && listAt(service, 'spec', 'externalIPs').length > 0)
  )
}

function affinitySeconds(service: Manifest): number {
  const seconds = at(service, 'spec', 'sessionAffinityConfig', 'clientIP', 'timeoutSeconds')
  return typeof seconds === 'number' ? seconds : DEFAULT_AFFINITY_SECONDS
}

/** ServicePortMap.HealthCheckNodePorts: `ns/name` to port. */
export function healthCheckNodePorts(ports: readonly ProxyServicePort[]): Record<string, number> {
  const out: Record<string, number> = {}
  for (const p of ports) if (p.healthCheckNodePort !== 0) out[`${p.namespace}/${p.service}`] = p.healthCheckNodePort
  return out
}

const texts = (values: readonly unknown[]): string[] => values.filter((v): v is string => typeof v === 'string')
export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
