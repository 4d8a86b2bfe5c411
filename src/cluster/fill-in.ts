import { err, ok, type Result } from '../base/result.ts'
import { type Ipv4Prefix, parsePrefix } from '../net/address.ts'
import type { InputError, JourneySpec, ScenarioDocument } from '../scenario/document.ts'
import { inputError, listed } from './errors.ts'
import { fillBalancers, fillHealthChecks } from './fill-balancers.ts'
import { fillClients } from './fill-clients.ts'
import { fillDns } from './fill-dns.ts'
import { admitHostPorts } from './fill-host-ports.ts'
import { fillNodes } from './fill-nodes.ts'
import { fillPods } from './fill-pods.ts'
import { fillServices } from './fill-services.ts'
import { fillSlices } from './fill-slices.ts'
import { fillMissingNodes, fillWorkloads } from './fill-workloads.ts'
import { fillAlbs } from './ingress/fill-albs.ts'
import { fillIngresses } from './ingress/fill-ingress.ts'
import { overlap, prefixText } from './ipam.ts'
import { fillLayer2 } from './metallb/layer2.ts'
import { assignAddresses } from './metallb/pools.ts'
import type { Cluster, ClusterNode, ClusterNote } from './model.ts'
import { type Drafts, draftsOf, recordsOf } from './objects.ts'
import { HOME, type Site } from './site.ts'

export interface FillOptions {
  /** False: workloads have the pods that are given, none where none is. Their controllers are at work already. */
  readonly workloads?: false
  /** Whose commands say which load balancers matter, where the document's own are left aside. */
  readonly journeys?: readonly JourneySpec[]
}

/** What each fill-in step works on: the objects so far, and the errors found. */
export interface FillContext {
  readonly site: Site
  readonly doc: ScenarioDocument
  /** Whose commands say which load balancers matter. */
  readonly journeys: readonly JourneySpec[]
  readonly drafts: Drafts
  readonly podCIDR: Ipv4Prefix
  readonly serviceCIDR: Ipv4Prefix
  readonly errors: InputError[]
  readonly notes: ClusterNote[]
}

/**
 * Completes the objects as a control plane would: node ranges and addresses, pod addresses and places, cluster IPs, port
 * defaults, EndpointSlices from selectors. What was given is never changed; what was added is listed in `filled`.
 *
 * Errors carry paths into the document (`objects[3].spec.nodeName`); all that can be found are returned at once.
 */
export function fillIn(doc: ScenarioDocument, site: Site = HOME, options: FillOptions = {}): Result<Cluster, InputError[]> {
  const errors: InputError[] = []
  const podCIDR = range(doc.cluster.podCIDR, 'cluster.podCIDR', errors)
  const serviceCIDR = range(doc.cluster.serviceCIDR, 'cluster.serviceCIDR', errors)
  if (podCIDR === undefined || serviceCIDR === undefined) return err(errors)
  if (overlap(podCIDR, serviceCIDR)) {
    errors.push(
      inputError(
        'cluster.serviceCIDR',
        `${prefixText(serviceCIDR)} overlaps cluster.podCIDR ${prefixText(podCIDR)}; expected two ranges that do not overlap`,
      ),
    )
  }
  const drafts = draftsOf(doc.objects, errors)
  const context: FillContext = {
    site,
    doc,
    journeys: options.journeys ?? doc.journeys,
    drafts,
    podCIDR,
    serviceCIDR,
    errors,
    notes: [],
  }
  fillMissingNodes(context)
  fillDns(context)
  const machines = fillNodes(context)
  if (options.workloads !== false) fillWorkloads(context, machines.nodes)
  admitHostPorts(context)
  const pods = fillPods(context, machines.nodes)
  assignAddresses(context)
  const services = fillServices(context)
  const slices = fillSlices(context, services, pods)
  fillLayer2(context, { nodes: machines.nodes, services, slices })
  checkUnplugged(context, machines.nodes)
  const clients = fillClients(context, machines)
  const balancers = fillBalancers(context, { ...machines, clients })
  fillIngresses(context, { services, pods })
  const albs = fillAlbs(context, { nodes: machines.nodes, services, taken: balancers.length })
  noteKinds(context)
  if (errors.length > 0) return err(errors)
  return ok({
    site,
    config: doc.cluster,
    podCIDR,
    serviceCIDR,
    ...machines,
    clients,
    balancers,
    healthChecks: fillHealthChecks(context),
    albs,
    pods,
    podsOf: groupBy(pods, (p) => [p.node]),
    services,
    slices,
    slicesOf: groupBy(slices, (s) => [...new Set(s.endpoints.map((e) => e.address))]),
    objects: recordsOf(drafts),
    notes: context.notes,
  })
}

function checkUnplugged({ doc, errors }: FillContext, nodes: readonly ClusterNode[]): void {
  const names = nodes.map((n) => n.name)
  doc.cluster.unplugged?.forEach((name, i) => {
    if (!names.includes(name))
      errors.push(inputError(`cluster.unplugged[${i}]`, `there is no node "${name}"; expected ${listed(names)}`))
  })
}

/** Kinds that change what packets do in a real cluster, and do nothing here yet. */
const KEPT_ONLY: readonly (readonly [kind: string, how: string])[] = [
  ['NetworkPolicy', 'enforced'],
  ['Gateway', 'served'],
  ['HTTPRoute', 'served'],
]

function noteKinds({ drafts, notes }: FillContext): void {
  for (const [kind, how] of KEPT_ONLY) {
    const found = drafts.of(kind)
    const [first] = found
    if (first === undefined) continue
    const count = `${found.length} ${found.length === 1 ? 'object' : 'objects'}`
    notes.push({ what: `${kind} objects are kept, but not ${how} yet (${count})`, where: first.path })
  }
}

/** Items by each of their keys, in their order; a key that nobody has gives none. */
function groupBy<T, K>(items: readonly T[], keysOf: (item: T) => readonly K[]): (key: K) => readonly T[] {
  const groups = new Map<K, T[]>()
  for (const item of items) {
    for (const key of keysOf(item)) {
      const group = groups.get(key)
      if (group) group.push(item)
      else groups.set(key, [item])
    }
  }
  return (key) => groups.get(key) ?? []
}

function range(text: string, path: string, errors: InputError[]): Ipv4Prefix | undefined {
  const p = parsePrefix(text)
  if (p.ok && p.value.length <= 30) return p.value
  errors.push(inputError(path, `"${text}" is not a range of addresses; expected an IPv4 prefix such as 10.244.0.0/16`))
  return undefined
}
