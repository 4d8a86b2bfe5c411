import { listAt, objectAt, stringsAt, textAt } from '../../base/fields.ts'
import { type Ipv4, parseIpv4 } from '../../net/address.ts'
import { registeredNodes } from '../fill-balancers.ts'
import type { FillContext } from '../fill-in.ts'
import { randomSuffix } from '../fill-workloads.ts'
import { sha256 } from '../kube-proxy/sha256.ts'
import type { ClusterNode, ClusterService, ClusterSlice } from '../model.ts'
import type { Draft } from '../objects.ts'
import { addressPools, holds } from './pools.ts'

// MetalLB's layer 2 mode (speaker/layer2_controller.go): of the nodes that could, one answers ARP for a Service's address. Every
// speaker works out for itself which, from what all of them know.

/** A Service that one node's speaker announces. */
export interface Announcement {
  readonly service: { readonly namespace: string; readonly name: string }
  readonly address: Ipv4
  readonly node: string
  /** Interfaces that it is announced on; all when it is not said. */
  readonly interfaces: readonly string[]
}

interface Advertisement {
  readonly pools: readonly string[]
  readonly nodes: ReadonlySet<string>
  readonly interfaces: readonly string[]
}

/** What the speakers make of the Services, and a ServiceL2Status for each. Without an L2Advertisement nothing is announced. */
export function fillLayer2(
  context: FillContext,
  of: { nodes: readonly ClusterNode[]; services: readonly ClusterService[]; slices: readonly ClusterSlice[] },
): Announcement[] {
  const advertisements = context.drafts.of('L2Advertisement').map((d) => read(d, of.nodes))
  if (advertisements.length === 0) return []
  const pools = addressPools({ ...context, errors: [] })
  const unheard = new Set(context.doc.cluster.unplugged ?? [])
  const found = of.services.flatMap((service): Announcement[] => {
    if (service.type !== 'LoadBalancer') return []
    const d = context.drafts
      .of('Service')
      .find((s) => s.name === service.name && (s.namespace ?? 'default') === service.namespace)
    return listAt(d?.manifest, 'status', 'loadBalancer', 'ingress').flatMap((ingress): Announcement[] => {
      const address = parseIpv4(textAt(ingress, 'ip') ?? '')
      if (!address.ok) return []
      const pool = pools.find((p) => holds(p, address.value))
      const own = advertisements.filter((a) => pool !== undefined && (a.pools.length === 0 || a.pools.includes(pool.name)))
      const speakers = registeredNodes(of.nodes).filter((n) => !unheard.has(n.name) && own.some((a) => a.nodes.has(n.name)))
      const node = elected(
        candidates(speakers, service, of.slices).map((n) => n.name),
        textAt(ingress, 'ip') ?? '',
      )
      if (node === undefined) return []
      const interfaces = own.filter((a) => a.nodes.has(node)).map((a) => a.interfaces)
      return [
        {
          service: { namespace: service.namespace, name: service.name },
          address: address.value,
          node,
          interfaces: interfaces.some((i) => i.length === 0) ? [] : [...new Set(interfaces.flat())],
        },
      ]
    })
  })
  for (const a of found) addStatus(context, a)
  return found
}

function read(d: Draft, nodes: readonly ClusterNode[]): Advertisement {
  const texts = (key: string) => listAt(d.manifest, 'spec', key).filter((t): t is string => typeof t === 'string')
  const selectors = listAt(d.manifest, 'spec', 'nodeSelectors').map((s) => Object.entries(stringsAt(objectAt(s, 'matchLabels'))))
  const isMeant = (n: ClusterNode) =>
    selectors.length === 0 ||
    selectors.some((s) => s.every(([k, v]) => (n.labels[k] ?? (k === 'kubernetes.io/hostname' ? n.name : undefined)) === v))
  return {
    pools: texts('ipAddressPools'),
    nodes: new Set(nodes.filter(isMeant).map((n) => n.name)),
    interfaces: texts('interfaces'),
  }
}

/** Nobody announces a Service without an endpoint that serves; with externalTrafficPolicy Local only nodes that have one do. */
function candidates(speakers: readonly ClusterNode[], service: ClusterService, slices: readonly ClusterSlice[]): ClusterNode[] {
  const serving = slices
    .filter((s) => s.namespace === service.namespace && s.service === service.name)
    .flatMap((s) => s.endpoints.filter((e) => e.ready || e.serving))
  if (serving.length === 0) return []
  return service.externalTrafficPolicy === 'Local'
    ? speakers.filter((n) => serving.some((e) => e.nodeName === n.name))
    : [...speakers]
}

/** The first by SHA-256 of node name, `#` and address: the same on every node, and spread over the nodes from address to address. */
export function elected(nodes: readonly string[], address: string): string | undefined {
  const hash = (node: string) => [...sha256(`${node}#${address}`)].map((b) => b.toString(16).padStart(2, '0')).join('')
  return nodes.toSorted((a, b) => (hash(a) < hash(b) ? -1 : 1))[0]
}

/** The object in which a speaker says that it has a Service (metallb.io/v1beta1 ServiceL2Status). */
function addStatus({ drafts }: FillContext, { service, node, interfaces }: Announcement): void {
  const known = drafts
    .of('ServiceL2Status')
    .some((d) => textAt(d.manifest, 'status', 'serviceName') === service.name && textAt(d.manifest, 'status', 'node') === node)
  if (known) return
  const labels = {
    'metallb.io/node': node,
    'metallb.io/service-name': service.name,
    'metallb.io/service-namespace': service.namespace,
  }
  const manifest = {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'ServiceL2Status',
    metadata: {
      name: `l2-${randomSuffix(`${service.namespace}/${service.name}@${node}`, 5)}`,
      namespace: 'metallb-system',
      labels,
    },
    status: {
      node,
      serviceName: service.name,
      serviceNamespace: service.namespace,
      ...(interfaces.length === 0 ? {} : { interfaces: interfaces.map((name) => ({ name })) }),
    },
  }
  drafts.add(manifest, 'objects', `MetalLB speaker on ${node}, Service ${service.namespace}/${service.name}`)
}

/** The document has MetalLB in layer 2 mode: every node has a speaker. */
export const hasSpeakers = (objects: readonly { readonly objectKind: string }[]): boolean =>
  objects.some((o) => o.objectKind === 'L2Advertisement')
