import { at, type Fields, listAt, numberAt, objectAt, stringsAt, textAt } from '../base/fields.ts'
import type { NetnsRecord, ObjectRecord } from '../world/records.ts'
import type { WorldView } from '../world/world.ts'
import type { ServiceQuestion } from './report.ts'

export type Protocol = 'TCP' | 'UDP' | 'SCTP'

export interface SubjectPort {
  readonly name: string
  readonly port: number
  readonly protocol: Protocol
  readonly targetPort: number | string
  readonly appProtocol?: string
}

export interface SubjectEndpoint {
  readonly address: string
  readonly port: number
  /** The Service port that leads to it. */
  readonly of: SubjectPort
  /** The namespace of its pod, as users write it; undefined for an address that is no pod's. */
  readonly pod?: NetnsRecord
  readonly ready: boolean
}

/** A Service with everything that the checks look at, read from the objects as the API server holds them. */
export interface Subject {
  readonly namespace: string
  readonly name: string
  readonly manifest: Fields
  readonly type: string
  /** Undefined for a headless Service and an ExternalName. */
  readonly clusterIP?: string
  readonly headless: boolean
  readonly ports: readonly SubjectPort[]
  readonly selector?: Readonly<Record<string, string>>
  readonly endpoints: readonly SubjectEndpoint[]
}

const objects = (view: WorldView, kind: string): readonly ObjectRecord[] =>
  view.list('object').filter((o) => o.objectKind === kind)
const namespaceOf = (o: ObjectRecord): string => o.namespace ?? 'default'

export const findService = (view: WorldView, namespace: string, name: string): ObjectRecord | undefined =>
  objects(view, 'Service').find((o) => o.name === name && namespaceOf(o) === namespace)

export const servicesNamed = (view: WorldView, name: string): readonly string[] =>
  objects(view, 'Service').flatMap((o) => (o.name === name ? [namespaceOf(o)] : []))

export const hasClusterDns = (view: WorldView): boolean => findService(view, 'kube-system', 'kube-dns') !== undefined

export interface SubjectPod {
  /** `default/web-1` */
  readonly label: string
  readonly manifest: Fields
  readonly netns?: NetnsRecord
  readonly ready: boolean
}

/** Pods of a namespace, each with its network namespace where it has one here. */
export function podsOf(view: WorldView, namespace: string): SubjectPod[] {
  return objects(view, 'Pod')
    .filter((o) => namespaceOf(o) === namespace)
    .map((o) => {
      const place = namespace === 'default' ? `pod/${o.name}` : `pod/${namespace}/${o.name}`
      const hostNetwork = at(o.manifest, 'spec', 'hostNetwork') === true
      const netns = view.get('netns', `netns:${hostNetwork ? (textAt(o.manifest, 'spec', 'nodeName') ?? '') : place}`)
      const condition = listAt(o.manifest, 'status', 'conditions').find((c) => textAt(c, 'type') === 'Ready')
      const ready = condition === undefined || textAt(condition, 'status') === 'True'
      return { label: `${namespace}/${o.name}`, manifest: o.manifest, ...(netns === undefined ? {} : { netns }), ready }
    })
}

export function subjectOf(view: WorldView, record: ObjectRecord): Subject {
  const namespace = namespaceOf(record)
  const { manifest, name } = record
  const clusterIP = textAt(manifest, 'spec', 'clusterIP')
  const headless = clusterIP === 'None'
  const type = textAt(manifest, 'spec', 'type') ?? 'ClusterIP'
  const ports = listAt(manifest, 'spec', 'ports').map((p): SubjectPort => {
    const port = numberAt(p, 'port') ?? 0
    const appProtocol = textAt(p, 'appProtocol')
    return {
      name: textAt(p, 'name') ?? '',
      port,
      protocol: protocolOf(p),
      targetPort: textAt(p, 'targetPort') ?? numberAt(p, 'targetPort') ?? port,
      ...(appProtocol === undefined ? {} : { appProtocol }),
    }
  })
  const selector = objectAt(manifest, 'spec', 'selector') === undefined ? undefined : stringsAt(manifest, 'spec', 'selector')
  return {
    namespace,
    name,
    manifest,
    type,
    ...(clusterIP === undefined || headless || type === 'ExternalName' ? {} : { clusterIP }),
    headless,
    ports,
    ...(selector === undefined || Object.keys(selector).length === 0 ? {} : { selector }),
    endpoints: endpointsOf(view, namespace, name, ports),
  }
}

const protocolOf = (p: unknown): Protocol => {
  const said = textAt(p, 'protocol')
  return said === 'UDP' || said === 'SCTP' ? said : 'TCP'
}

function endpointsOf(view: WorldView, namespace: string, name: string, ports: readonly SubjectPort[]): SubjectEndpoint[] {
  const byAddress = new Map<string, NetnsRecord>()
  for (const pod of objects(view, 'Pod').flatMap((o) => podsOf(view, namespaceOf(o)))) {
    const address = textAt(pod.manifest, 'status', 'podIP')
    if (address !== undefined && pod.netns !== undefined) byAddress.set(address, pod.netns)
  }
  const slices = objects(view, 'EndpointSlice').filter(
    (o) =>
      namespaceOf(o) === namespace &&
      stringsAt(o.manifest, 'metadata', 'labels')['kubernetes.io/service-name'] === name &&
      textAt(o.manifest, 'addressType') !== 'IPv6',
  )
  const found = new Map<string, SubjectEndpoint>()
  for (const { manifest } of slices) {
    for (const p of listAt(manifest, 'ports')) {
      const of = ports.find((s) => s.name === (textAt(p, 'name') ?? '') && s.protocol === protocolOf(p))
      const port = numberAt(p, 'port')
      if (of === undefined || port === undefined) continue
      for (const e of listAt(manifest, 'endpoints')) {
        for (const address of listAt(e, 'addresses')) {
          if (typeof address !== 'string') continue
          const pod = byAddress.get(address)
          const ready = at(e, 'conditions', 'ready') !== false
          found.set(`${address}:${port}/${of.name}`, { address, port, of, ready, ...(pod === undefined ? {} : { pod }) })
        }
      }
    }
  }
  return [...found.values()]
}

/** Where the questions are asked from: what was wished, else a pod of the Service's namespace that is not behind it, else another pod, else a node; a pod behind it only when there is nothing else. */
export function askingPlace(view: WorldView, question: ServiceQuestion, behind: readonly SubjectEndpoint[]): string | undefined {
  if (question.from !== undefined) return question.from
  const servers = new Set(behind.flatMap((e) => e.pod?.name ?? []))
  const pods = view.list('netns').filter((n) => n.role === 'pod')
  const near = pods.filter((n) => namespaceOfPlace(n.name) === question.namespace)
  const asks = (n: NetnsRecord) => !servers.has(n.name) && namespaceOfPlace(n.name) !== 'kube-system'
  const chosen =
    near.find(asks) ??
    pods.find(asks) ??
    pods.find((n) => !servers.has(n.name)) ??
    view.list('netns').find((n) => n.role === 'node') ??
    pods[0]
  return chosen?.name
}

/** `pod/shop/cart` is in shop, `pod/web` in default. */
export const namespaceOfPlace = (place: string): string | undefined =>
  /^pod\/(?:([^/]+)\/)?[^/]+$/.exec(place)?.[1] ?? (place.startsWith('pod/') ? 'default' : undefined)
