import { at, isObject, listAt, numberAt, textAt } from '../../base/fields.ts'
import type { InputError, Manifest, ScenarioDocument, ScheduledChange } from '../../scenario/document.ts'
import { objectId } from '../../world/ids.ts'
import type { ObjectRecord } from '../../world/records.ts'
import { inputError, listed } from '../errors.ts'

// The objects of a document as they stand at one moment of its run: as given and filled in, then changed by what is applied and
// deleted. EndpointSlices that the controllers made are never kept: they are made anew of what there is.

/** What may come, change and go in the middle of a journey. */
const CHANGEABLE = [
  'Pod',
  'Service',
  'EndpointSlice',
  'Endpoints',
  'Ingress',
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'Node',
  'IPAddressPool',
  'L2Advertisement',
] as const

export interface KeptObject {
  readonly manifest: Manifest
  /** Where it stands in the document: `objects[3]`, `changes[0].apply[1]`. */
  readonly path: string
}

/** Objects by id, in the order in which they came. */
export type ObjectSet = ReadonlyMap<string, KeptObject>

const idOf = (kind: string, namespace: string | undefined, name: string): string =>
  objectId(kind, CLUSTER_SCOPED.has(kind) ? undefined : (namespace ?? 'default'), name)

const CLUSTER_SCOPED = new Set(['Node', 'Namespace', 'IngressClass'])
export const idOfManifest = (m: Manifest): string => idOf(m.kind, m.metadata.namespace, m.metadata.name)

/** What controllers make of the other objects at every moment. */
const MADE_ANEW: ReadonlySet<string> = new Set(['EndpointSlice', 'ServiceL2Status'])

/** What the API server holds when the run begins. `records` are the cluster's object records. */
export function initialObjects(records: readonly ObjectRecord[]): ObjectSet {
  const kept = records.filter((r) => !(MADE_ANEW.has(r.objectKind) && r.origin.component === 'control-plane'))
  return new Map(
    kept.map((r) => [r.id, { manifest: r.manifest as unknown as Manifest, path: r.origin.detail ?? 'objects' }] as const),
  )
}

/** The document with these objects: what follows from them is filled in again. */
export const documentWith = (
  doc: ScenarioDocument,
  objects: ObjectSet,
  unheard: ReadonlySet<string> = new Set(),
): ScenarioDocument => {
  const { changes: _, ...rest } = doc
  const cluster = unheard.size === 0 ? doc.cluster : { ...doc.cluster, unplugged: [...unheard] }
  return { ...rest, cluster, journeys: [], objects: [...objects.values()].map((o) => o.manifest) }
}

/** Errors of such a document, at the places where its objects really stand. */
export function placedErrors(errors: readonly InputError[], objects: ObjectSet): InputError[] {
  const paths = [...objects.values()].map((o) => o.path)
  return errors.map((e) => {
    const path = e.path?.replace(/^objects\[(\d+)\]/, (whole, i: string) => paths[Number(i)] ?? whole)
    return path === undefined ? e : { ...e, path }
  })
}

/** A scheduled change that the API server takes. `deleted`: ids. */
export interface ReadChange {
  readonly applied: readonly KeptObject[]
  readonly deleted: readonly string[]
}

/**
 * One scheduled change as the API server takes it: `applied` replaces or adds, `deleted` are the ids to go. Errors: kinds that
 * cannot change here, objects that are not there, fields that the API does not let change.
 */
export function readChange(change: ScheduledChange, path: string, objects: ObjectSet, errors: InputError[]): ReadChange {
  const applied = (change.apply ?? []).flatMap((manifest, i): KeptObject[] => {
    const where = `${path}.apply[${i}]`
    const before = objects.get(idOfManifest(manifest))?.manifest
    const refusal = refusalOf(manifest, before)
    if (refusal !== undefined) errors.push(inputError(`${where}${refusal.at}`, refusal.message))
    return refusal === undefined ? [{ manifest: before === undefined ? manifest : carried(before, manifest), path: where }] : []
  })
  const deleted = (change.delete ?? []).flatMap((d, i): string[] => {
    const where = `${path}.delete[${i}]`
    const id = idOf(d.kind, d.namespace, d.name)
    const known = objects.get(id)
    if (d.kind === 'Node') errors.push(inputError(`${where}.kind`, NODE_STAYS))
    else if (!isChangeable(d.kind)) errors.push(inputError(`${where}.kind`, cannotChange(d.kind)))
    else if (known === undefined) {
      const others = [...objects.values()].filter((o) => o.manifest.kind === d.kind).map((o) => nameOf(o.manifest))
      errors.push(
        inputError(where, `there is no ${d.kind} ${d.namespace ?? 'default'}/${d.name} then; expected ${listed(others)}`),
      )
    } else return [id]
    return []
  })
  return { applied, deleted }
}

const nameOf = (m: Manifest): string => `${m.metadata.namespace ?? 'default'}/${m.metadata.name}`
const isChangeable = (kind: string): boolean => CHANGEABLE.some((k) => k === kind)
const cannotChange = (kind: string): string =>
  `${kind} objects cannot change in the middle of a journey; expected one of ${CHANGEABLE.join(', ')}`

const NODE_STAYS =
  'nodes stay, and none comes, in the middle of a journey; expected `unplug`, which cuts one off, or another kind'

/** Conditions, labels and taints may change, of a node that is there. */
function nodeRefusal(manifest: Manifest, before: Manifest | undefined): { at: string; message: string } | undefined {
  if (before === undefined) return { at: '.metadata.name', message: NODE_STAYS }
  const is = textAt(manifest, 'spec', 'podCIDR')
  const was = textAt(before, 'spec', 'podCIDR')
  if (is !== undefined && is !== was) return { at: '.spec.podCIDR', message: `found ${is}; a node keeps its spec.podCIDR ${was}` }
  const address = (m: Manifest) => JSON.stringify(listAt(m, 'status', 'addresses'))
  if (listAt(manifest, 'status', 'addresses').length > 0 && address(manifest) !== address(before))
    return { at: '.status.addresses', message: `a node keeps its addresses; expected ${address(before)}, or none` }
  return undefined
}

/** Its rules may change; a load balancer of the cloud is there from the start or never. */
function ingressRefusal(manifest: Manifest, before: Manifest | undefined): { at: string; message: string } | undefined {
  if (textAt(manifest, 'spec', 'ingressClassName') !== 'alb' || before !== undefined) return undefined
  const message =
    'the load balancer of a new Ingress cannot come in the middle of a journey; expected one that is there from the start'
  return { at: '.spec.ingressClassName', message }
}

function refusalOf(manifest: Manifest, before: Manifest | undefined): { at: string; message: string } | undefined {
  if (!isChangeable(manifest.kind)) return { at: '.kind', message: cannotChange(manifest.kind) }
  if (manifest.kind === 'Ingress') return ingressRefusal(manifest, before)
  if (manifest.kind === 'Node') return nodeRefusal(manifest, before)
  if (manifest.kind !== 'Pod') return undefined
  if (before === undefined) return undefined
  if (at(before, 'metadata', 'deletionTimestamp') !== undefined) {
    const message = `pod ${nameOf(manifest)} is still being deleted then (${graceOf(before)} s); expected a later moment, or another name`
    return { at: '.metadata.name', message }
  }
  for (const [field, keys] of FIXED) {
    const was = textAt(before, ...keys)
    const is = textAt(manifest, ...keys)
    if (is !== undefined && was !== undefined && is !== was) {
      return { at: `.${field}`, message: `found ${is}; a pod keeps its ${field} ${was}: delete it and apply another` }
    }
  }
  return undefined
}

/** What a pod keeps for life. */
const FIXED = [
  ['spec.nodeName', ['spec', 'nodeName']],
  ['status.podIP', ['status', 'podIP']],
] as const

/** kubectl apply leaves alone what it did not set: what the control plane gave the object stays with it. */
function carried(before: Manifest, given: Manifest): Manifest {
  const spec = isObject(given.spec) ? given.spec : {}
  const old = isObject(before.spec) ? before.spec : {}
  const keep = (keys: readonly string[]) =>
    Object.fromEntries(keys.flatMap((k) => (k in old && !(k in spec) ? [[k, old[k]]] : [])))
  switch (given.kind) {
    case 'Pod':
      return { ...given, spec: { ...spec, ...keep(['nodeName']) }, status: statusOf(before, given) }
    case 'Service':
      return {
        ...given,
        spec: { ...spec, ...keep(['clusterIP', 'clusterIPs']), ports: portsOf(before, given) },
        ...(keepsAddress(before, given) ? { status: statusOf(before, given) } : {}),
      }
    case 'Node':
      return { ...given, spec: { ...spec, ...keep(['podCIDR', 'podCIDRs']) }, status: statusOf(before, given) }
    default:
      return given
  }
}

/** A load balancer keeps its address as long as the Service asks for the same one. */
function keepsAddress(before: Manifest, given: Manifest): boolean {
  const asked = (m: Manifest) => [
    textAt(m, 'spec', 'loadBalancerIP'),
    ...ASKED.map((k) => textAt(m, 'metadata', 'annotations', k)),
  ]
  const isBalanced = (m: Manifest) => textAt(m, 'spec', 'type') === 'LoadBalancer'
  return isBalanced(before) && isBalanced(given) && asked(before).join() === asked(given).join()
}

/** Which address, and of which pool: MetalLB's annotations (metallb/pools.ts). */
const ASKED = ['loadBalancerIPs', 'address-pool'].flatMap((key) => [`metallb.io/${key}`, `metallb.universe.tf/${key}`])

/** Addresses stay; conditions are the given ones, where there are any. */
function statusOf(before: Manifest, given: Manifest): Record<string, unknown> {
  return { ...(isObject(before.status) ? before.status : {}), ...(isObject(given.status) ? given.status : {}) }
}

function portsOf(before: Manifest, given: Manifest): unknown[] {
  return listAt(given, 'spec', 'ports').map((p) => {
    const old = listAt(before, 'spec', 'ports').find(
      (o) => textAt(o, 'name') === textAt(p, 'name') && numberAt(o, 'port') === numberAt(p, 'port'),
    )
    const nodePort = numberAt(old, 'nodePort')
    return isObject(p) && p.nodePort === undefined && nodePort !== undefined ? { ...p, nodePort } : p
  })
}

/** With `gone`, what the garbage collector removes because of it: objects that it owns, and theirs. */
export function withOwned(objects: ObjectSet, gone: readonly string[]): string[] {
  const all = new Set(gone)
  for (let found = true; found; ) {
    found = false
    for (const [id, { manifest }] of objects) {
      if (all.has(id)) continue
      const owners = listAt(manifest, 'metadata', 'ownerReferences').map((o) =>
        idOf(textAt(o, 'kind') ?? '', manifest.metadata.namespace, textAt(o, 'name') ?? ''),
      )
      if (!owners.some((o) => all.has(o))) continue
      all.add(id)
      found = true
    }
  }
  return [...all]
}

/** v1.DefaultTerminationGracePeriodSeconds */
const GRACE = 30

/** Seconds that a pod has after its deletion: spec.terminationGracePeriodSeconds. */
export const graceOf = (pod: Manifest): number => numberAt(pod, 'spec', 'terminationGracePeriodSeconds') ?? GRACE

/**
 * What the node lifecycle controller makes of a node whose heartbeats have stopped: its Ready is Unknown, and none of its pods is ready
 * any more (MarkPodsNotReady). They are evicted five minutes later, which is beyond what is played here.
 */
export function lost(objects: ObjectSet, node: string): ObjectSet {
  const out = new Map(objects)
  const id = idOf('Node', undefined, node)
  const known = out.get(id)
  if (known !== undefined)
    out.set(id, { ...known, manifest: withReady(known.manifest, { status: 'Unknown', reason: 'NodeStatusUnknown' }) })
  return podsReady(out, node, false)
}

/** All pods of a node as ready, or not, as the node is. */
export function podsReady(objects: ObjectSet, node: string, ready: boolean): ObjectSet {
  const out = new Map(objects)
  for (const [id, kept] of objects) {
    if (kept.manifest.kind === 'Pod' && textAt(kept.manifest, 'spec', 'nodeName') === node)
      out.set(id, { ...kept, manifest: withReady(kept.manifest, { status: ready ? 'True' : 'False' }) })
  }
  return out
}

/** With another Ready condition. */
export function withReady(manifest: Manifest, ready: { readonly status: string; readonly reason?: string }): Manifest {
  const status = isObject(manifest.status) ? manifest.status : {}
  const others = listAt(status, 'conditions').filter((c) => textAt(c, 'type') !== 'Ready')
  return { ...manifest, status: { ...status, conditions: [...others, { type: 'Ready', ...ready }] } }
}

/** As the API server marks it. The date is of no meaning here: a run has none. */
export function terminating(pod: Manifest): Manifest {
  const metadata = { ...pod.metadata, deletionTimestamp: '1970-01-01T00:00:00Z', deletionGracePeriodSeconds: graceOf(pod) }
  return { ...pod, metadata }
}
