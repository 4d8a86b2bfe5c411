import { at, listAt, numberAt, textAt } from '../../base/fields.ts'
import { formatIpv4 } from '../../net/address.ts'
import { inputError, listed } from '../errors.ts'
import type { FillContext } from '../fill-in.ts'
import type { ClusterPod, ClusterService } from '../model.ts'
import { type Draft, fill } from '../objects.ts'
import { ALB_CONTROLLER, ingressController, NGINX_CONTROLLER } from './controllers.ts'

const DEFAULT_CLASS = 'ingressclass.kubernetes.io/is-default-class'
/** Classes that a controller's own installation brings along. */
const WELL_KNOWN: Readonly<Record<string, { readonly controller: string; readonly by: string }>> = {
  nginx: { controller: NGINX_CONTROLLER, by: 'installation of ingress-nginx' },
  alb: { controller: ALB_CONTROLLER, by: 'installation of the AWS Load Balancer Controller' },
}
const PATH_TYPES = ['Exact', 'Prefix', 'ImplementationSpecific']

/**
 * Ingresses as the API server and their controllers complete them: the default class, the classes that come with a controller,
 * the address where they are served. Errors: what the API server refuses, and a Service or port that does not exist.
 */
export function fillIngresses(
  context: FillContext,
  cluster: { readonly services: readonly ClusterService[]; readonly pods: readonly ClusterPod[] },
): void {
  const { drafts } = context
  for (const d of drafts.of('Ingress')) {
    if (d.manifest.apiVersion !== 'networking.k8s.io/v1') {
      const message = `found ${d.manifest.apiVersion}; expected networking.k8s.io/v1, which Ingress has been since Kubernetes 1.19`
      context.errors.push(inputError(`${d.path}.apiVersion`, message))
      continue
    }
    giveClass(context, d)
    checkRules(context, d, cluster.services)
    publish(context, d, cluster)
  }
}

/** The DefaultIngressClass admission plugin, and classes that are only named. */
function giveClass({ drafts, notes }: FillContext, d: Draft): void {
  const legacy = textAt(d.manifest, 'metadata', 'annotations', 'kubernetes.io/ingress.class')
  const name = textAt(d.manifest, 'spec', 'ingressClassName')
  const classes = drafts.of('IngressClass')
  if (name === undefined && legacy === undefined) {
    const marked = classes.find((c) => textAt(c.manifest, 'metadata', 'annotations', DEFAULT_CLASS) === 'true')
    if (marked !== undefined) fill(d, ['spec', 'ingressClassName'], marked.name)
    else {
      notes.push({
        what: `Ingress ${d.namespace}/${d.name} names no class and no IngressClass is the default: no controller serves it`,
        where: d.path,
      })
    }
    return
  }
  if (name === undefined || classes.some((c) => c.name === name)) return
  const known = Object.hasOwn(WELL_KNOWN, name) ? WELL_KNOWN[name] : undefined
  if (known === undefined) {
    const what = `Ingress ${d.namespace}/${d.name} is of class ${name}, which no IngressClass has: no controller serves it`
    notes.push({ what, where: `${d.path}.spec.ingressClassName` })
    return
  }
  const manifest = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name },
    spec: { controller: known.controller },
  }
  drafts.add(manifest, `IngressClass ${name}`, known.by)
}

function checkRules(context: FillContext, d: Draft, services: readonly ClusterService[]): void {
  const rules = listAt(d.manifest, 'spec', 'rules')
  const whole = at(d.manifest, 'spec', 'defaultBackend')
  if (rules.length === 0 && whole === undefined) {
    context.errors.push(inputError(`${d.path}.spec`, 'has neither rules nor defaultBackend; expected at least one of them'))
  }
  if (whole !== undefined) checkBackend(context, d, services, { backend: whole, path: `${d.path}.spec.defaultBackend` })
  rules.forEach((rule, i) => {
    listAt(rule, 'http', 'paths').forEach((p, j) => {
      const path = `${d.path}.spec.rules[${i}].http.paths[${j}]`
      const type = textAt(p, 'pathType')
      if (type === undefined || !PATH_TYPES.includes(type)) {
        const found = type === undefined ? 'is missing' : `found ${type}`
        context.errors.push(inputError(`${path}.pathType`, `${found}; expected one of ${PATH_TYPES.join(', ')}`))
      }
      const text = textAt(p, 'path')
      if (type !== 'ImplementationSpecific' && (text === undefined || !text.startsWith('/'))) {
        context.errors.push(inputError(`${path}.path`, `found ${JSON.stringify(text ?? '')}; expected a path that begins with /`))
      }
      checkBackend(context, d, services, { backend: at(p, 'backend'), path: `${path}.backend` })
    })
  })
}

/** In a cluster such a backend answers 503; in a document that somebody wrote it is a mistake. */
function checkBackend(
  context: FillContext,
  d: Draft,
  services: readonly ClusterService[],
  { backend, path }: { readonly backend: unknown; readonly path: string },
): void {
  const name = textAt(backend, 'service', 'name')
  if (name === undefined) {
    const what = `A backend of Ingress ${d.namespace}/${d.name} that is no Service is not modelled`
    if (at(backend, 'resource') !== undefined) context.notes.push({ what, where: path })
    else context.errors.push(inputError(`${path}.service.name`, 'is missing; expected the name of a Service'))
    return
  }
  const say = (where: string, message: string) => {
    if (at(d.manifest, 'metadata', 'uid') === undefined) context.errors.push(inputError(where, message))
    else context.notes.push({ what: `Ingress ${d.namespace}/${d.name}: ${message}`, where })
  }
  const own = services.filter((s) => s.namespace === d.namespace)
  const service = own.find((s) => s.name === name)
  if (service === undefined) {
    const known = own.length === 0 ? 'and there is none' : `expected ${listed(own.map((s) => s.name))}`
    say(`${path}.service.name`, `there is no Service ${name} in namespace ${d.namespace}; ${known}`)
    return
  }
  const number = numberAt(backend, 'service', 'port', 'number')
  const portName = textAt(backend, 'service', 'port', 'name')
  const found = service.ports.some((p) =>
    number === undefined ? p.name === portName && portName !== undefined : p.port === number,
  )
  if (found) return
  const ports = listed(service.ports.map((p) => (p.name === '' ? String(p.port) : `${p.port} (${p.name})`)))
  say(`${path}.service.port`, `Service ${name} has no port ${number ?? portName ?? '(none is named)'}; expected ${ports}`)
}

/**
 * `status.loadBalancer`: ingress-nginx publishes the address of the Service in front of it, without one the nodes that its pods
 * run on. A cloud's balancer is published by whoever makes it (alb.ts).
 */
function publish(
  { drafts }: FillContext,
  d: Draft,
  { services, pods }: { readonly services: readonly ClusterService[]; readonly pods: readonly ClusterPod[] },
): void {
  if (listAt(d.manifest, 'status', 'loadBalancer', 'ingress').length > 0) return
  const name = textAt(d.manifest, 'spec', 'ingressClassName')
  const of = drafts.of('IngressClass').find((c) => c.name === name)
  if (textAt(of?.manifest, 'spec', 'controller') !== NGINX_CONTROLLER) return
  const controllers = pods.filter((p) => p.containers.some((c) => ingressController(c) !== undefined))
  const selected = (s: ClusterService) =>
    s.selector !== undefined &&
    controllers.some((p) => p.namespace === s.namespace && Object.entries(s.selector ?? {}).every(([k, v]) => p.labels[k] === v))
  const vips = services.filter((s) => s.type === 'LoadBalancer' && selected(s)).flatMap((s) => s.externalVips)
  const addresses = vips.length > 0 ? vips : [...new Set(controllers.map((p) => p.node.externalIp))]
  if (addresses.length > 0)
    fill(
      d,
      ['status', 'loadBalancer', 'ingress'],
      addresses.map((a) => ({ ip: formatIpv4(a) })),
    )
}
