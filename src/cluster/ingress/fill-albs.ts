import { listAt, textAt } from '../../base/fields.ts'
import { hash32 } from '../../base/prng.ts'
import { formatIpv4, type Ipv4, ipv4, networkOf, parseIpv4 } from '../../net/address.ts'
import { inputError } from '../errors.ts'
import type { FillContext } from '../fill-in.ts'
import type { ClusterAlb, ClusterNode, ClusterService } from '../model.ts'
import { type Draft, fill } from '../objects.ts'
import { balancerSegment, externalSubnet } from '../site.ts'
import { ALB_CONTROLLER } from './controllers.ts'

const ANNOTATION = 'alb.ingress.kubernetes.io'
/** Nodes' external addresses count up from .11. */
const FIRST_ADDRESS = 200

/**
 * The application load balancers that the cloud's controller makes, one for each Ingress of its class, and the address that it
 * publishes in status.loadBalancer. `taken`: how many other balancers hang on the same machine.
 * Errors: targets of type ip where nobody outside the nodes has a route to pods.
 */
export function fillAlbs(
  context: FillContext,
  cluster: { readonly nodes: readonly ClusterNode[]; readonly services: readonly ClusterService[]; readonly taken: number },
): ClusterAlb[] {
  const { drafts, site } = context
  const classes = new Set(
    drafts.of('IngressClass').flatMap((c) => (textAt(c.manifest, 'spec', 'controller') === ALB_CONTROLLER ? [c.name] : [])),
  )
  const own = drafts.of('Ingress').filter((d) => classes.has(textAt(d.manifest, 'spec', 'ingressClassName') ?? ''))
  const used = new Set<Ipv4>(cluster.nodes.map((n) => n.externalIp))
  return own.map((d, i) => {
    const namespace = d.namespace ?? 'default'
    const { near, far, length } = balancerSegment(site, cluster.taken + i)
    checkTargets(context, d, cluster.services)
    const given = listAt(d.manifest, 'status', 'loadBalancer', 'ingress').flatMap((g) => {
      const parsed = parseIpv4(textAt(g, 'ip') ?? '')
      return parsed.ok ? [parsed.value] : []
    })
    const vips = given.length > 0 ? given : isPublic(d) ? [nextAddress(context, used)] : []
    if (given.length === 0) {
      const hostname = textAt(d.manifest, 'status', 'loadBalancer', 'ingress', '0', 'hostname') ?? hostnameOf(namespace, d.name)
      fill(d, ['status', 'loadBalancer', 'ingress'], [{ hostname, ip: formatIpv4(vips[0] ?? far) }])
    }
    return {
      place: namespace === 'default' ? `alb/${d.name}` : `alb/${namespace}/${d.name}`,
      ingress: { namespace, name: d.name },
      vips,
      ip: far,
      edgeIp: near,
      segmentLength: length,
      port: listenPort(d),
    }
  })
}

const annotation = (d: Draft, name: string): string | undefined =>
  textAt(d.manifest, 'metadata', 'annotations', `${ANNOTATION}/${name}`)

/** `scheme`: internal unless it is said. */
const isPublic = (d: Draft): boolean => annotation(d, 'scheme') === 'internet-facing'

/** `listen-ports`: `[{"HTTP": 80}]`; HTTPS is not modelled. */
function listenPort(d: Draft): number {
  const port = Number(/"HTTP"\s*:\s*(\d+)/.exec(annotation(d, 'listen-ports') ?? '')?.[1] ?? 80)
  return port >= 1 && port <= 65535 ? port : 80
}

function nextAddress({ site }: FillContext, used: Set<Ipv4>): Ipv4 {
  const network = networkOf(externalSubnet(site))
  let address = ipv4(network + FIRST_ADDRESS)
  while (used.has(address)) address = ipv4(address + 1)
  used.add(address)
  return address
}

/** As the controller names it: `k8s-NAMESPACE-NAME-HASH-NUMBER.REGION.elb.amazonaws.com`. */
const hostnameOf = (namespace: string, name: string): string => {
  const hash = hash32(`${namespace}/${name}`).toString(16).padStart(8, '0')
  return `k8s-${namespace.slice(0, 8)}-${name.slice(0, 8)}-${hash}.elb.amazonaws.com`
}

function checkTargets({ doc, errors, notes }: FillContext, d: Draft, services: readonly ClusterService[]): void {
  const where = `${d.path}.metadata.annotations`
  if (annotation(d, 'target-type') === 'ip') {
    if (doc.cluster.network.fabric === 'cloud') return
    const message = 'found target-type ip; expected instance, or cluster.network.fabric cloud, whose router has routes to pods'
    errors.push(inputError(`${where}["${ANNOTATION}/target-type"]`, message))
    return
  }
  const named = listAt(d.manifest, 'spec', 'rules').flatMap((rule) =>
    listAt(rule, 'http', 'paths').flatMap((p) => textAt(p, 'backend', 'service', 'name') ?? []),
  )
  for (const name of new Set(named)) {
    const service = services.find((s) => s.namespace === d.namespace && s.name === name)
    if (service === undefined || service.ports.some((p) => p.nodePort !== undefined)) continue
    const what = `Service ${d.namespace}/${name} has no node port, so the load balancer of Ingress ${d.namespace}/${d.name} (target-type instance) has no targets for it`
    notes.push({ what, where: d.path })
  }
}
