import { listAt, textAt } from '../../base/fields.ts'
import type { Ipv4 } from '../../net/address.ts'
import type { Cluster } from '../model.ts'
import { ingressController } from './controllers.ts'

/**
 * Where a proxy that answers at one of `addresses` may send a request: nodes and pods. Nothing when none of them is a proxy's.
 * A controller's pods go straight to the endpoints of the Services that Ingresses name; a cloud's balancer goes to any node too.
 */
export function behindProxies(cluster: Cluster, addresses: ReadonlySet<Ipv4>): Ipv4[] {
  const balancers = cluster.albs.some((a) => [a.ip, ...a.vips].some((v) => addresses.has(v)))
  const controllers = cluster.pods.some(
    (p) => addresses.has(p.ip) && p.containers.some((c) => ingressController(c) !== undefined),
  )
  if (!balancers && !controllers) return []
  const named = new Set(
    cluster.objects.flatMap((o) => (o.objectKind === 'Ingress' ? servicesOf(o.manifest).map((s) => `${o.namespace}/${s}`) : [])),
  )
  const pods = cluster.slices
    .filter((s) => named.has(`${s.namespace}/${s.service}`))
    .flatMap((s) => s.endpoints.map((e) => e.address))
  return balancers ? [...pods, ...cluster.nodes.map((n) => n.ip)] : pods
}

const servicesOf = (ingress: unknown): string[] =>
  [
    ...listAt(ingress, 'spec', 'rules').flatMap((rule) =>
      listAt(rule, 'http', 'paths').map((p) => textAt(p, 'backend', 'service', 'name')),
    ),
    textAt(ingress, 'spec', 'defaultBackend', 'service', 'name'),
  ].flatMap((name) => name ?? [])
