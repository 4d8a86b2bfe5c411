import { at, listAt, textAt } from '../base/fields.ts'
import { broadcastOf, contains, formatIpv4, type Ipv4, ipv4, networkOf, parseIpv4 } from '../net/address.ts'
import type { JourneySpec } from '../scenario/document.ts'
import { listed } from './errors.ts'
import type { FillContext } from './fill-in.ts'
import { endpointsMap } from './kube-proxy/endpoints-map.ts'
import { type ProxyServicePort, servicePorts } from './kube-proxy/service-map.ts'
import { addressPools, holds } from './metallb/pools.ts'
import type { BalancerPort, Cluster, ClusterBalancer, ClusterNode, ServiceHealthCheck } from './model.ts'
import { balancerSegment } from './site.ts'

/** Of a cluster with more load balancers than this, those are made that a command names. */
const MOST = 4
/** Cloud controllers leave such nodes out of every load balancer's targets. */
const EXCLUDED = 'node.kubernetes.io/exclude-from-external-load-balancers'

/** The nodes that the cloud's controller registers with every load balancer. */
export const registeredNodes = (nodes: readonly ClusterNode[]): ClusterNode[] =>
  nodes.filter((n) => n.labels[EXCLUDED] === undefined)

/**
 * The load balancers that the cloud has in front of Services of type LoadBalancer: one a Service with an address in
 * status.loadBalancer.ingress. They know nodes and node ports, nothing of pods; with externalTrafficPolicy Local their health checks
 * leave the nodes with a ready endpoint. Services whose balancer cannot be made are noted with the reason.
 */
export function fillBalancers(context: FillContext, cluster: Around): ClusterBalancer[] {
  const { drafts, site } = context
  const fronted = withBalancer(context, cluster)
  if (fronted.length === 0) return []
  const endpoints = endpointsMap(
    drafts.of('EndpointSlice').map((d) => d.manifest),
    'IPv4',
  )
  const targets = registeredNodes(cluster.nodes)
  const readyOn = (p: ProxyServicePort, node: ClusterNode) => endpoints(p).some((e) => e.ready && e.nodeName === node.name)
  const reachable = targets.filter((n) => context.doc.cluster.unplugged?.includes(n.name) !== true)
  const healthy = (p: ProxyServicePort) => (p.externalPolicyLocal ? reachable.filter((n) => readyOn(p, n)) : reachable)
  const free = addressesBeside(cluster)
  return fronted.map(({ service, vips, ports, delivery }, i) => {
    const { near, far, length } =
      delivery === 'direct' ? { near: cluster.gateway, far: free(), length: cluster.nodeSubnet.length } : balancerSegment(site, i)
    return {
      place: service.namespace === 'default' ? `lb/${service.name}` : `lb/${service.namespace}/${service.name}`,
      service,
      vips,
      ip: far,
      edgeIp: near,
      segmentLength: length,
      delivery,
      ports: ports.flatMap((p): BalancerPort[] => {
        const { protocol, port, nodePort } = p
        return protocol === 'sctp' ? [] : [{ protocol, port, nodePort, targets: healthy(p) }]
      }),
    }
  })
}

/**
 * Addresses of those load balancers that commands name, in a cluster with so many that only such are made: with the same ones, the same
 * balancers are made.
 */
export function demandedVips({ objects }: Pick<Cluster, 'objects'>, journeys: readonly JourneySpec[]): Ipv4[] {
  const fronted = objects.filter((o) => o.objectKind === 'Service' && textAt(o.manifest, 'spec', 'type') === 'LoadBalancer')
  if (fronted.length <= MOST) return []
  const vips = fronted.flatMap((o) => [...vipsOf(o.manifest), ...addressesOf(o.manifest, 'Proxy')])
  return vips.filter((v) => journeys.some((j) => namesAddress(j.run, v)))
}

type Around = Pick<Cluster, 'nodes' | 'nodeSubnet' | 'gateway' | 'clients'>

/** Far from nodes and clients, which count up from .11 and .100. */
const FIRST_BESIDE = 200

/** Addresses of the nodes' own segment that nobody has. */
function addressesBeside({ nodes, clients, nodeSubnet, gateway }: Around): () => Ipv4 {
  const taken = new Set<number>([gateway, ...[...nodes, ...clients].map((m) => m.ip)])
  const last = broadcastOf(nodeSubnet) - 1
  let next = Math.min(networkOf(nodeSubnet) + FIRST_BESIDE, last)
  return () => {
    while (taken.has(next) && next > networkOf(nodeSubnet)) next = next < last ? next + 1 : networkOf(nodeSubnet) + 1
    taken.add(next)
    return ipv4(next)
  }
}

interface Fronted {
  readonly delivery: ClusterBalancer['delivery']
  readonly service: { readonly namespace: string; readonly name: string }
  readonly vips: readonly Ipv4[]
  readonly ports: readonly ProxyServicePort[]
}

/** The Services that get a balancer. */
function withBalancer(context: FillContext, cluster: Around): Fronted[] {
  const drafted = context.drafts
    .of('Service')
    .filter((d) => textAt(d.manifest, 'spec', 'type') === 'LoadBalancer' && !isFromPool(context, d.manifest))
  const able = drafted.flatMap((d): Fronted[] => {
    const service = { namespace: d.namespace ?? 'default', name: d.name }
    const proxied = addressesOf(d.manifest, 'Proxy')
    const delivery = proxied.length > 0 ? 'proxy' : (context.doc.cluster.loadBalancer ?? 'node-port')
    const vips = proxied.length > 0 ? proxied : vipsOf(d.manifest)
    const ports = servicePorts([d.manifest], 'IPv4')
    const isCloud = context.doc.cluster.network.fabric === 'cloud'
    const why = notBuilt(d.manifest, { vips, ports, cluster, delivery, isCloud })
    if (why === undefined) return [{ service, vips, ports, delivery }]
    const what = `The load balancer in front of Service ${service.namespace}/${service.name} ${why}`
    context.notes.push({ what, where: `${d.path}.spec.type` })
    return []
  })
  if (able.length <= MOST) return able
  // Every other one would be a machine in the picture that nothing passes.
  const named = able.filter((f) => f.vips.some((v) => context.journeys.some((j) => namesAddress(j.run, v))))
  const out = able.filter((f) => !named.includes(f))
  if (out.length > 0) {
    const names = listed(
      out.map((f) => `${f.service.namespace}/${f.service.name} (${f.vips.map(formatIpv4).join(', ')})`),
      4,
    )
    context.notes.push({ what: `Load balancers whose address no command names are left out: ${names}`, where: 'objects' })
  }
  return named
}

/** MetalLB's: its speakers bring the traffic to the nodes, and there is no machine in front of them. */
const isFromPool = (context: FillContext, service: unknown): boolean => {
  const pools = addressPools({ ...context, errors: [] })
  return pools.length > 0 && vipsOf(service).some((v) => pools.some((p) => holds(p, v)))
}

const namesAddress = (run: string, address: Ipv4): boolean => run.split(/[^0-9.]+/).some((word) => word === formatIpv4(address))

/** Type LoadBalancer with externalTrafficPolicy Local. Userspace mode has no such server. */
export function fillHealthChecks({ doc, drafts }: FillContext): ServiceHealthCheck[] {
  if (doc.cluster.kubeProxy.mode === 'userspace') return []
  const services = drafts.of('Service').filter((d) => textAt(d.manifest, 'spec', 'type') === 'LoadBalancer')
  return services.flatMap((d) => {
    const port = servicePorts([d.manifest], 'IPv4')[0]?.healthCheckNodePort ?? 0
    return port === 0 ? [] : [{ namespace: d.namespace ?? 'default', name: d.name, port }]
  })
}

/** A nil ipMode is VIP. */
const addressesOf = (service: unknown, mode: 'VIP' | 'Proxy'): Ipv4[] =>
  listAt(service, 'status', 'loadBalancer', 'ingress').flatMap((i) => {
    const parsed = parseIpv4(textAt(i, 'ip') ?? '')
    return parsed.ok && (textAt(i, 'ipMode') ?? 'VIP') === mode ? [parsed.value] : []
  })
const vipsOf = (service: unknown): Ipv4[] => addressesOf(service, 'VIP')

function notBuilt(
  service: unknown,
  {
    vips,
    ports,
    cluster,
    delivery,
    isCloud,
  }: {
    vips: readonly Ipv4[]
    ports: readonly ProxyServicePort[]
    cluster: Around
    delivery: ClusterBalancer['delivery']
    isCloud: boolean
  },
): string | undefined {
  const given = listAt(service, 'status', 'loadBalancer', 'ingress').flatMap(
    (i) => textAt(i, 'ip') ?? textAt(i, 'hostname') ?? [],
  )
  if (given.length === 0) return 'has no address (status.loadBalancer.ingress); its node ports and cluster IP work'
  if (vips.length === 0) return `(${given.join(', ')}) has a name only, which is not modelled`
  const onLink = vips.find((v) => contains(cluster.nodeSubnet, v))
  if (onLink !== undefined) {
    return `has ${formatIpv4(onLink)}, an address of the nodes' own subnet: which of them answers ARP for it is not said (MetalLB's IPAddressPool and L2Advertisement would); the nodes have its rules`
  }
  if (delivery === 'direct' && isCloud)
    return 'passes packets on as they are (cluster.loadBalancer: direct), which is modelled on one segment only (cluster.network.fabric: l2)'
  if (delivery === 'proxy' && ports.some((p) => p.protocol !== 'tcp'))
    return 'ends connections (ipMode: Proxy), which is modelled for TCP only'
  if (delivery !== 'direct' && ports.every((p) => p.nodePort === 0)) {
    const set = at(service, 'spec', 'allocateLoadBalancerNodePorts') === false
    return `has no node ports to send to${set ? ' (allocateLoadBalancerNodePorts: false)' : ''}, so it is left out; the nodes have its rules`
  }
  return undefined
}
