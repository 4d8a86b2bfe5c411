import { at, listAt, numberAt, textAt } from '../../base/fields.ts'
import { formatIpv4, type Ipv4, parseIpv4 } from '../../net/address.ts'
import { objectId } from '../../world/ids.ts'
import { recordsOf } from '../../world/overlay.ts'
import type { ObjectRecord } from '../../world/records.ts'
import type { World } from '../../world/world.ts'

// What an ingress controller reads from the API server: Ingresses of its class, the Services that they name, and these
// Services' endpoints. networking.k8s.io/v1 and discovery.k8s.io/v1.

export interface ProxyTarget {
  readonly address: Ipv4
  readonly port: number
}

/** One path of one rule, with where it leads. */
export interface ProxyRoute {
  /** In lower case; `*.example.com` for a wildcard, '' for every host. */
  readonly host: string
  readonly path: string
  readonly type: 'Exact' | 'Prefix' | 'ImplementationSpecific'
  /** Id of the Ingress. */
  readonly ingress: string
  /** `NS/NAME:PORT`, as the Ingress names the port. */
  readonly service: string
  readonly targets: readonly ProxyTarget[]
  /** `spec.defaultBackend`: for what no path fits. */
  readonly isDefault: boolean
}

/** Which targets a Service's port has for a controller. */
export type Targets = (backend: Backend) => readonly ProxyTarget[]

export interface Backend {
  readonly service: ObjectRecord | undefined
  /** The Service's port that the Ingress names. */
  readonly port: unknown
  readonly slices: readonly ObjectRecord[]
}

const objectsOf = (world: World, kind: string): ObjectRecord[] => recordsOf(world, 'object').filter((r) => r.objectKind === kind)

/** The Ingresses that name a class with this controller, in the world's order. */
export function ingressesOf(world: World, controller: string, legacyClass: string): ObjectRecord[] {
  const classes = new Set(
    objectsOf(world, 'IngressClass').flatMap((c) => (textAt(c.manifest, 'spec', 'controller') === controller ? [c.name] : [])),
  )
  return objectsOf(world, 'Ingress').filter((i) => {
    const name = textAt(i.manifest, 'spec', 'ingressClassName')
    return name === undefined
      ? textAt(i.manifest, 'metadata', 'annotations', 'kubernetes.io/ingress.class') === legacyClass
      : classes.has(name)
  })
}

/** Every path of the Ingresses, rule by rule; default backends last. */
export function routesOf(world: World, ingresses: readonly ObjectRecord[], targets: Targets): ProxyRoute[] {
  const slices = objectsOf(world, 'EndpointSlice')
  const read = (ingress: ObjectRecord, backend: unknown): Pick<ProxyRoute, 'ingress' | 'service' | 'targets'> => {
    const name = textAt(backend, 'service', 'name') ?? ''
    const namespace = ingress.namespace ?? 'default'
    const record = world.get(objectId('Service', namespace, name))
    const service = record?.kind === 'object' ? record : undefined
    const wanted = numberAt(backend, 'service', 'port', 'number') ?? textAt(backend, 'service', 'port', 'name')
    const port = listAt(service?.manifest, 'spec', 'ports').find((p) => at(p, 'port') === wanted || at(p, 'name') === wanted)
    const own = slices.filter((s) => s.namespace === namespace && serviceOf(s) === name)
    return {
      ingress: ingress.id,
      service: `${namespace}/${name}:${wanted ?? ''}`,
      targets: targets({ service, port, slices: own }),
    }
  }
  const rules = ingresses.flatMap((ingress) =>
    listAt(ingress.manifest, 'spec', 'rules').flatMap((rule) =>
      listAt(rule, 'http', 'paths').map((path): ProxyRoute => {
        const type = textAt(path, 'pathType')
        return {
          host: (textAt(rule, 'host') ?? '').toLowerCase(),
          path: textAt(path, 'path') ?? '/',
          type: type === 'Exact' || type === 'Prefix' ? type : 'ImplementationSpecific',
          ...read(ingress, at(path, 'backend')),
          isDefault: false,
        }
      }),
    ),
  )
  const defaults = ingresses.flatMap((ingress): ProxyRoute[] => {
    const backend = at(ingress.manifest, 'spec', 'defaultBackend')
    return backend === undefined ? [] : [{ host: '', path: '/', type: 'Prefix', ...read(ingress, backend), isDefault: true }]
  })
  return [...rules, ...defaults]
}

const serviceOf = (slice: ObjectRecord): string | undefined =>
  textAt(slice.manifest, 'metadata', 'labels', 'kubernetes.io/service-name')

/** Ready endpoints: the pods themselves, past the cluster IP. */
export const podTargets: Targets = ({ port, slices }) => {
  if (port === undefined) return []
  const name = textAt(port, 'name') ?? ''
  const protocol = textAt(port, 'protocol') ?? 'TCP'
  const found = new Map<string, ProxyTarget>()
  for (const slice of slices) {
    const own = listAt(slice.manifest, 'ports').find(
      (p) => (textAt(p, 'name') ?? '') === name && (textAt(p, 'protocol') ?? 'TCP') === protocol,
    )
    const number = numberAt(own, 'port')
    if (number === undefined) continue
    for (const endpoint of listAt(slice.manifest, 'endpoints')) {
      if (at(endpoint, 'conditions', 'ready') === false) continue
      for (const text of listAt(endpoint, 'addresses')) {
        const address = parseIpv4(typeof text === 'string' ? text : '')
        if (address.ok) found.set(`${text}:${number}`, { address: address.value, port: number })
      }
    }
  }
  return [...found.values()]
}

/**
 * The node port on every node. With externalTrafficPolicy Local only nodes with a ready endpoint: the balancer's health check
 * of the node port fails on the others.
 */
export const nodeTargets =
  (world: World): Targets =>
  ({ service, port, slices }) => {
    const nodePort = numberAt(port, 'nodePort')
    if (nodePort === undefined || service === undefined) return []
    const local = textAt(service.manifest, 'spec', 'externalTrafficPolicy') === 'Local'
    const serving = new Set(
      slices.flatMap((s) =>
        listAt(s.manifest, 'endpoints').flatMap((e) => (at(e, 'conditions', 'ready') === false ? [] : [textAt(e, 'nodeName')])),
      ),
    )
    return objectsOf(world, 'Node').flatMap((node): ProxyTarget[] => {
      if (local && !serving.has(node.name)) return []
      const internal = listAt(node.manifest, 'status', 'addresses').find((a) => textAt(a, 'type') === 'InternalIP')
      const address = parseIpv4(textAt(internal, 'address') ?? '')
      return address.ok ? [{ address: address.value, port: nodePort }] : []
    })
  }

export const targetText = (t: ProxyTarget): string => `${formatIpv4(t.address)}:${t.port}`

/** `shop.example /cart (Prefix)`: a route as `kubectl describe ingress` would lead one to it. */
export const ruleText = (r: ProxyRoute): string =>
  r.isDefault ? 'defaultBackend' : `${r.host === '' ? '*' : r.host} ${r.path} (${r.type})`
