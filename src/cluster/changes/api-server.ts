import { at, isObject, listAt, numberAt, textAt } from '../../base/fields.ts'
import type { InputError, Manifest, ScheduledChange } from '../../scenario/document.ts'
import { inputError, listed } from '../errors.ts'
import { idOf, idOfManifest, type KeptObject, type ObjectSet } from './objects.ts'
import { graceOf } from './pod-status.ts'

// What the API server makes of `kubectl apply` and `kubectl delete`, and what cannot be while a journey is under way.

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
