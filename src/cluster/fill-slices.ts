import { at, listAt, numberAt, textAt } from '../base/fields.ts'
import { formatIpv4, type Ipv4, parseIpv4 } from '../net/address.ts'
import { inputError } from './errors.ts'
import type { FillContext } from './fill-in.ts'
import { protocolAt } from './fill-pods.ts'
import { randomSuffix } from './fill-workloads.ts'
import type { ClusterPod, ClusterService, ClusterSlice, ServicePort, SliceEndpoint } from './model.ts'
import type { Draft } from './objects.ts'

const SERVICE_NAME = 'kubernetes.io/service-name'

/**
 * The EndpointSlices that kube-proxy reads: the given ones; for Services that have none, given Endpoints as the mirroring
 * controller copies them; else what the endpointslice controller makes of the Service's selector.
 */
export function fillSlices(
  context: FillContext,
  services: readonly ClusterService[],
  pods: readonly ClusterPod[],
): ClusterSlice[] {
  const slices = context.drafts.of('EndpointSlice').flatMap((d) => readSlice(context, d))
  const covered = new Set(slices.map((s) => `${s.namespace}/${s.service}`))
  for (const d of context.drafts.of('Endpoints')) {
    if (covered.has(`${d.namespace}/${d.name}`)) continue
    slices.push(...mirror(context, d))
    covered.add(`${d.namespace}/${d.name}`)
  }
  const byLabel = new Map<string, ClusterPod[]>()
  for (const p of pods) {
    for (const [k, v] of Object.entries(p.labels)) {
      const key = labelKey(p.namespace, k, v)
      const l = byLabel.get(key)
      if (l) l.push(p)
      else byLabel.set(key, [p])
    }
  }
  for (const s of services) {
    if (s.selector === undefined || covered.has(`${s.namespace}/${s.name}`) || s.type === 'ExternalName') continue
    const [first] = Object.entries(s.selector)
    if (first !== undefined) slices.push(...select(context, s, byLabel.get(labelKey(s.namespace, ...first)) ?? []))
  }
  return slices
}

function readSlice(context: FillContext, d: Draft): ClusterSlice[] {
  const service = textAt(d.manifest, 'metadata', 'labels', SERVICE_NAME)
  if (service === undefined || textAt(d.manifest, 'addressType') === 'IPv6') return []
  const ports = listAt(d.manifest, 'ports').flatMap((p, i) => {
    const port = numberAt(p, 'port')
    return port === undefined
      ? []
      : [{ name: textAt(p, 'name') ?? '', port, protocol: protocolAt(context, p, `${d.path}.ports[${i}]`) }]
  })
  const endpoints = listAt(d.manifest, 'endpoints').flatMap((e, i) => {
    const ready = at(e, 'conditions', 'ready') !== false
    const nodeName = textAt(e, 'nodeName')
    const hints = listAt(e, 'hints', 'forZones').flatMap((z) => textAt(z, 'name') ?? [])
    const addresses = listAt(e, 'addresses').flatMap((a, j) => address(context, a, `${d.path}.endpoints[${i}].addresses[${j}]`))
    return addresses.map(
      (ip): SliceEndpoint => ({
        address: ip,
        ready,
        serving: at(e, 'conditions', 'serving') !== false,
        terminating: at(e, 'conditions', 'terminating') === true,
        ...(nodeName === undefined ? {} : { nodeName }),
        ...(hints.length === 0 ? {} : { zoneHints: hints }),
      }),
    )
  })
  return [{ namespace: d.namespace ?? 'default', name: d.name, service, ports, endpoints }]
}

function address(context: FillContext, value: unknown, path: string): Ipv4[] {
  const parsed = parseIpv4(typeof value === 'string' ? value : '')
  if (parsed.ok) return [parsed.value]
  if (typeof value === 'string' && value.includes(':')) return []
  context.errors.push(inputError(path, `found ${JSON.stringify(value)}; expected ${parsed.error.expected}`))
  return []
}

const labelKey = (namespace: string, key: string, value: string): string => JSON.stringify([namespace, key, value])

/** endpointslicemirroring: one slice a subset. */
function mirror(context: FillContext, d: Draft): ClusterSlice[] {
  return listAt(d.manifest, 'subsets').map((subset, i) => {
    const read = (key: 'addresses' | 'notReadyAddresses', ready: boolean): SliceEndpoint[] =>
      listAt(subset, key).flatMap((a, j) => {
        const nodeName = textAt(a, 'nodeName')
        return address(context, at(a, 'ip'), `${d.path}.subsets[${i}].${key}[${j}].ip`).map((ip) => ({
          address: ip,
          ready,
          serving: ready,
          terminating: false,
          ...(nodeName === undefined ? {} : { nodeName }),
        }))
      })
    const slice: ClusterSlice = {
      namespace: d.namespace ?? 'default',
      name: `${d.name}-${randomSuffix(`${d.namespace}/${d.name}/${i}`, 5)}`,
      service: d.name,
      ports: listAt(subset, 'ports').flatMap((p, j) => {
        const port = numberAt(p, 'port')
        return port === undefined
          ? []
          : [{ name: textAt(p, 'name') ?? '', port, protocol: protocolAt(context, p, `${d.path}.subsets[${i}].ports[${j}]`) }]
      }),
      endpoints: [...read('addresses', true), ...read('notReadyAddresses', false)],
    }
    const controller = `endpointslicemirroring-controller, subsets of Endpoints ${slice.namespace}/${d.name}`
    context.drafts.add(manifestOf(slice, []), `Endpoints ${slice.namespace}/${d.name}`, controller)
    return slice
  })
}

/** Pods whose named ports resolve alike share a slice (pkg/controller/util/endpointslice reconciler). */
function select(context: FillContext, s: ClusterService, pods: readonly ClusterPod[]): ClusterSlice[] {
  const wanted = Object.entries(s.selector ?? {})
  const groups = new Map<string, { ports: ClusterSlice['ports'][number][]; pods: ClusterPod[] }>()
  for (const p of pods) {
    if (!wanted.every(([k, v]) => p.labels[k] === v)) continue
    const ports = s.ports.flatMap((port) => resolve(port, p))
    const key = JSON.stringify(ports)
    const group = groups.get(key)
    if (group) group.pods.push(p)
    else groups.set(key, { ports, pods: [p] })
  }
  if (groups.size === 0) groups.set('', { ports: [], pods: [] })
  return [...groups.values()].map((g, i) => {
    const name = `${s.name}-${randomSuffix(`${s.namespace}/${s.name}/${i}`, 5)}`
    const slice: ClusterSlice = {
      namespace: s.namespace,
      name,
      service: s.name,
      ports: g.ports,
      endpoints: g.pods.map((p) => ({
        address: p.ip,
        ready: p.ready && !p.terminating,
        serving: p.ready,
        terminating: p.terminating,
        nodeName: p.node.name,
      })),
    }
    context.drafts.add(
      manifestOf(slice, g.pods),
      `Service ${s.namespace}/${s.name}`,
      `endpointslice-controller, spec.selector of Service ${s.namespace}/${s.name}`,
    )
    return slice
  })
}

/** A named target port is looked up in each pod; a pod without it is no endpoint of that port. */
function resolve(port: ServicePort, pod: ClusterPod): ClusterSlice['ports'] {
  if (typeof port.targetPort === 'number') return [{ name: port.name, port: port.targetPort, protocol: port.protocol }]
  for (const c of pod.containers) {
    for (const p of c.ports) {
      if (p.name === port.targetPort && p.protocol === port.protocol) {
        return [{ name: port.name, port: p.containerPort, protocol: port.protocol }]
      }
    }
  }
  return []
}

/** The endpoint's `hostname`: of a pod that names itself below this very Service (spec.hostname, spec.subdomain). */
function hostnameIn(slice: ClusterSlice, pod: ClusterPod | undefined): { hostname: string } | undefined {
  return pod?.dns.named === true && pod.dns.subdomain === slice.service ? { hostname: pod.dns.hostname } : undefined
}

function manifestOf(slice: ClusterSlice, pods: readonly ClusterPod[]) {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: slice.name,
      namespace: slice.namespace,
      labels: { [SERVICE_NAME]: slice.service, 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: slice.service, controller: true }],
    },
    addressType: 'IPv4',
    ports: slice.ports.map((p) => ({ name: p.name, port: p.port, protocol: p.protocol })),
    endpoints: slice.endpoints.map((e, i) => ({
      addresses: [formatIpv4(e.address)],
      conditions: { ready: e.ready, serving: e.serving, terminating: e.terminating },
      nodeName: e.nodeName,
      ...(hostnameIn(slice, pods[i]) ?? {}),
      ...(pods[i] === undefined ? {} : { targetRef: { kind: 'Pod', namespace: slice.namespace, name: pods[i].name } }),
    })),
  }
}
