import { at, listAt, numberAt, textAt } from '../../base/fields.ts'
import type { TraceRecorder } from '../../trace/recorder.ts'
import { recordsOf } from '../../world/overlay.ts'
import type { ObjectRecord } from '../../world/records.ts'

// What CoreDNS' kubernetes plugin keeps of the API server's objects (plugin/kubernetes/object): Services and ready endpoints.

export interface DnsPort {
  readonly name: string
  readonly protocol: string
  /** -1 when an EndpointSlice has no ports. */
  readonly port: number
}

export interface DnsService {
  readonly namespace: string
  readonly name: string
  /** Empty for headless and ExternalName Services. */
  readonly clusterIPs: readonly string[]
  readonly headless: boolean
  readonly externalName: string | undefined
  readonly ports: readonly DnsPort[]
}

export interface DnsEndpoint {
  readonly ip: string
  readonly hostname: string | undefined
  readonly pod: string | undefined
}

export interface DnsEndpoints {
  readonly namespace: string
  readonly service: string
  readonly addresses: readonly DnsEndpoint[]
  readonly ports: readonly DnsPort[]
}

export interface DnsObjects {
  /** By `name.namespace`, lower case. */
  readonly services: ReadonlyMap<string, DnsService>
  readonly endpoints: ReadonlyMap<string, readonly DnsEndpoints[]>
  readonly serviceByIp: ReadonlyMap<string, DnsService>
  readonly endpointsByIp: ReadonlyMap<string, readonly DnsEndpoints[]>
  readonly namespaces: ReadonlySet<string>
  /** `10.244.1.3 default` of every pod. */
  readonly pods: ReadonlySet<string>
  /** When the newest change was seen, virtual ns. */
  readonly modified: number
}

const kept = new WeakMap<TraceRecorder, { readonly version: number; readonly objects: DnsObjects }>()

/** The objects as they are now. Every CoreDNS of a run looks at one index, made anew when an object has changed. */
export function dnsObjects(rec: TraceRecorder): DnsObjects {
  const known = kept.get(rec)
  if (known !== undefined && known.version === rec.objectVersion) return known.objects
  const objects = indexOf(rec)
  kept.set(rec, { version: rec.objectVersion, objects })
  return objects
}

function indexOf(rec: TraceRecorder): DnsObjects {
  const services = new Map<string, DnsService>()
  const endpoints = new Map<string, DnsEndpoints[]>()
  const serviceByIp = new Map<string, DnsService>()
  const endpointsByIp = new Map<string, DnsEndpoints[]>()
  // These are always there; others are known by a Namespace object, or by what lives in them.
  const namespaces = new Set<string>(['default', 'kube-system', 'kube-public', 'kube-node-lease'])
  const pods = new Set<string>()
  for (const r of recordsOf(rec.world, 'object')) {
    if (r.namespace !== undefined) namespaces.add(r.namespace)
    if (r.objectKind === 'Namespace') namespaces.add(r.name)
    if (r.objectKind === 'Pod') pods.add(`${textAt(r.manifest, 'status', 'podIP')} ${r.namespace}`)
    if (r.objectKind === 'Service') {
      const s = serviceOf(r)
      services.set(`${s.name}.${s.namespace}`, s)
      for (const ip of s.clusterIPs) serviceByIp.set(ip, s)
    } else if (r.objectKind === 'EndpointSlice') {
      const e = endpointsOf(r)
      if (e === undefined) continue
      push(endpoints, `${e.service}.${e.namespace}`, e)
      for (const a of e.addresses) push(endpointsByIp, a.ip, e)
    }
  }
  const modified = rec.objectVersion === 0 ? 0 : rec.now
  return { services, endpoints, serviceByIp, endpointsByIp, namespaces, pods, modified }
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else if (!list.includes(value)) list.push(value)
}

const portOf = (p: unknown): DnsPort => ({
  name: textAt(p, 'name') ?? '',
  protocol: textAt(p, 'protocol') ?? 'TCP',
  port: numberAt(p, 'port') ?? -1,
})

function serviceOf(r: ObjectRecord): DnsService {
  const spec = at(r.manifest, 'spec')
  const listed = listAt(spec, 'clusterIPs').filter((ip): ip is string => typeof ip === 'string')
  const clusterIP = textAt(spec, 'clusterIP')
  const all = listed.length > 0 ? listed : clusterIP === undefined ? [] : [clusterIP]
  const external = textAt(spec, 'type') === 'ExternalName'
  return {
    namespace: r.namespace ?? 'default',
    name: r.name,
    clusterIPs: external ? [] : all.filter((ip) => ip !== 'None'),
    headless: !external && all.includes('None'),
    externalName: external ? (textAt(spec, 'externalName') ?? '') : undefined,
    ports: listAt(spec, 'ports').map(portOf),
  }
}

/** EndpointSliceToEndpoints(): addresses that are ready, or of which nothing is known. */
function endpointsOf(r: ObjectRecord): DnsEndpoints | undefined {
  const service = textAt(r.manifest, 'metadata', 'labels', 'kubernetes.io/service-name')
  if (service === undefined) return undefined
  const ports = listAt(r.manifest, 'ports').map(portOf)
  const addresses = listAt(r.manifest, 'endpoints').flatMap((e) => {
    if (at(e, 'conditions', 'ready') === false) return []
    const hostname = textAt(e, 'hostname')
    const pod = textAt(e, 'targetRef', 'name')
    return listAt(e, 'addresses').flatMap((ip) => (typeof ip === 'string' ? [{ ip, hostname, pod }] : []))
  })
  const namespace = r.namespace ?? 'default'
  return { namespace, service, addresses, ports: ports.length === 0 ? [{ name: '', protocol: '', port: -1 }] : ports }
}
