import { at, listAt, numberAt, objectAt, stringsAt, textAt } from '../base/fields.ts'
import { hash32, prng } from '../base/prng.ts'
import { inputError } from './errors.ts'
import type { FillContext } from './fill-in.ts'
import type { ClusterNode } from './model.ts'
import type { Draft } from './objects.ts'

/** More pods than this of one workload are a slip of the pen. */
const MAX_REPLICAS = 5000

/**
 * The pods that the workload controllers would make: for Deployments, ReplicaSets, StatefulSets and DaemonSets whose selector
 * matches no pod that is given. Names are those controllers' own pattern, their random part decided by the workload's name.
 */
export function fillWorkloads(context: FillContext, nodes: readonly ClusterNode[]): void {
  for (const kind of ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet'] as const) {
    for (const d of [...context.drafts.of(kind)]) {
      const isOwned = listAt(d.manifest, 'metadata', 'ownerReferences').some((o) => at(o, 'controller') === true)
      const template = objectAt(d.manifest, 'spec', 'template')
      if (isOwned || template === undefined || hasPods(context, d)) continue
      for (const [name, nodeName] of podNames(context, d, nodes)) addPod(context, d, { name, nodeName, template })
    }
  }
}

function hasPods({ drafts }: FillContext, workload: Draft): boolean {
  const wanted = Object.entries(stringsAt(workload.manifest, 'spec', 'selector', 'matchLabels'))
  return drafts.of('Pod').some((p) => {
    const labels = stringsAt(p.manifest, 'metadata', 'labels')
    return p.namespace === workload.namespace && wanted.length > 0 && wanted.every(([k, v]) => labels[k] === v)
  })
}

/** Names, and the node where the controller itself chooses it (DaemonSet). */
function podNames(context: FillContext, d: Draft, nodes: readonly ClusterNode[]): (readonly [string, string | undefined])[] {
  const key = `${d.kind}/${d.namespace}/${d.name}`
  if (d.kind === 'DaemonSet') return nodes.map((n) => [`${d.name}-${randomSuffix(`${key}/${n.name}`, 5)}`, n.name])
  const given = at(d.manifest, 'spec', 'replicas')
  const replicas = numberAt(d.manifest, 'spec', 'replicas') ?? 1
  if (
    (given !== undefined && typeof given !== 'number') ||
    !Number.isInteger(replicas) ||
    replicas < 0 ||
    replicas > MAX_REPLICAS
  ) {
    const message = `found ${JSON.stringify(given)}; expected a whole number from 0 to ${MAX_REPLICAS}`
    context.errors.push(inputError(`${d.path}.spec.replicas`, message))
    return []
  }
  const base = d.kind === 'Deployment' ? `${d.name}-${randomSuffix(key, 9)}` : d.name
  const names = Array.from({ length: replicas }, (_, i) =>
    d.kind === 'StatefulSet' ? `${base}-${i}` : `${base}-${randomSuffix(`${key}/${i}`, 5)}`,
  )
  return names.map((name) => [name, undefined])
}

interface NewPod {
  readonly name: string
  readonly nodeName: string | undefined
  readonly template: Readonly<Record<string, unknown>>
}

function addPod(context: FillContext, owner: Draft, { name, nodeName, template }: NewPod): void {
  const spec = structuredClone(objectAt(template, 'spec') ?? {})
  // A StatefulSet's pods are called by their names below its governing Service (updateIdentity, initIdentity).
  const governing = owner.kind === 'StatefulSet' ? textAt(owner.manifest, 'spec', 'serviceName') : undefined
  const identity =
    owner.kind === 'StatefulSet' ? { hostname: name, ...(governing === undefined ? {} : { subdomain: governing }) } : {}
  const manifest = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: owner.namespace ?? 'default',
      labels: stringsAt(template, 'metadata', 'labels'),
      ownerReferences: [{ apiVersion: owner.manifest.apiVersion, kind: owner.kind, name: owner.name, controller: true }],
    },
    spec: { ...spec, ...identity, ...(nodeName === undefined ? {} : { nodeName }) },
  }
  context.drafts.add(manifest, `${owner.path}.spec.template`, `${owner.kind} ${owner.namespace}/${owner.name}`)
}

/** Characters that Kubernetes' name generator uses (apimachinery util/rand), decided by the key. */
export function randomSuffix(key: string, length: number): string {
  const random = prng(hash32(key))
  let out = ''
  for (let i = 0; i < length; i++) out += 'bcdfghjklmnpqrstvwxz2456789'.charAt(random.below(27))
  return out
}

/**
 * Nodes for input that has none: those that its pods are on, with the address that the pods' status knows; else two, so that
 * there is a way between them. Both are said in a note.
 */
export function fillMissingNodes(context: FillContext): void {
  const { drafts, notes } = context
  if (drafts.of('Node').length > 0 || drafts.all.length === 0) return
  const found = new Map<string, string | undefined>()
  for (const p of drafts.of('Pod')) {
    const name = textAt(p.manifest, 'spec', 'nodeName')
    if (name !== undefined && found.get(name) === undefined) found.set(name, textAt(p.manifest, 'status', 'hostIP'))
  }
  const named = [...found.keys()]
  for (const name of ['node1', 'node2']) if (named.length === 0) found.set(name, undefined)
  for (const [name, hostIP] of found) {
    const status =
      hostIP === undefined || hostIP.includes(':') ? {} : { status: { addresses: [{ type: 'InternalIP', address: hostIP }] } }
    drafts.add({ apiVersion: 'v1', kind: 'Node', metadata: { name }, ...status }, 'objects', 'no Node object was given')
  }
  const list = [...found.keys()].slice(0, 5).join(', ')
  const what =
    named.length > 0
      ? `No Node object was given: ${list}${named.length > 5 ? ' …' : ''} are there because pods are on them`
      : `No Node object was given: ${list} were added`
  notes.push({ what, where: 'objects', added: true })
}
