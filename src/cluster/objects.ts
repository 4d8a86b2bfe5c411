import { isObject } from '../base/fields.ts'
import type { InputError, Manifest } from '../scenario/document.ts'
import { objectId } from '../world/ids.ts'
import type { ObjectRecord, Origin } from '../world/records.ts'
import { inputError } from './errors.ts'

/** An object while it is being completed. The given manifest is never written to: the first addition copies it. */
export interface Draft {
  manifest: Manifest
  readonly kind: string
  readonly name: string
  /** Undefined for kinds that live outside namespaces. */
  readonly namespace: string | undefined
  /** `objects[3]`; for an object that a controller made, the path of what it was made for. */
  readonly path: string
  readonly filled: string[]
  readonly madeBy?: string
  copied: boolean
}

export interface Drafts {
  readonly all: Draft[]
  of(kind: string): readonly Draft[]
  add(manifest: Manifest, path: string, madeBy: string): Draft
}

const CLUSTER_SCOPED = new Set([
  'Node',
  'Namespace',
  'PersistentVolume',
  'ClusterRole',
  'ClusterRoleBinding',
  'CustomResourceDefinition',
  'StorageClass',
  'IngressClass',
  'PriorityClass',
  'RuntimeClass',
])

/** Kinds whose names become places and parts of ids. */
const PLACES = new Set(['Node', 'Pod', 'Service'])
/** apimachinery's DNS1123Subdomain. */
const DNS_SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

export function draftsOf(objects: readonly Manifest[], errors: InputError[]): Drafts {
  const all: Draft[] = []
  const byKind = new Map<string, Draft[]>()
  const push = (d: Draft) => {
    all.push(d)
    const l = byKind.get(d.kind)
    if (l) l.push(d)
    else byKind.set(d.kind, [d])
    return d
  }
  const seen = new Map<string, string>()
  objects.forEach((manifest, i) => {
    const { kind, metadata } = manifest
    const namespace = CLUSTER_SCOPED.has(kind) ? undefined : (metadata.namespace ?? 'default')
    const path = `objects[${i}]`
    if (PLACES.has(kind) && !DNS_SUBDOMAIN.test(metadata.name)) {
      const expected = 'lower case letters, digits, - and . (RFC 1123 subdomain)'
      errors.push(inputError(`${path}.metadata.name`, `"${metadata.name}" is no name for a ${kind}; expected ${expected}`))
    }
    const key = `${manifest.apiVersion.split('/')[0]}/${objectId(kind, namespace, metadata.name)}`
    const earlier = seen.get(key)
    if (earlier !== undefined) {
      const where = namespace === undefined ? metadata.name : `${namespace}/${metadata.name}`
      errors.push(
        inputError(`${path}.metadata.name`, `${kind} ${where} is given twice, first at ${earlier}; expected a name of its own`),
      )
    }
    seen.set(key, path)
    push({ manifest, kind, name: metadata.name, namespace, path, filled: [], copied: false })
  })
  return {
    all,
    of: (kind) => byKind.get(kind) ?? [],
    add: (manifest, path, madeBy) =>
      push({
        manifest,
        kind: manifest.kind,
        name: manifest.metadata.name,
        namespace: manifest.metadata.namespace,
        path,
        filled: [],
        madeBy,
        copied: true,
      }),
  }
}

/** Sets a field that was missing and notes its path. Keys and list indices; missing objects on the way are made. */
export function fill(draft: Draft, keys: readonly (string | number)[], value: unknown): void {
  if (!draft.copied) {
    draft.manifest = copied(draft.manifest)
    draft.copied = true
  }
  let holder: Record<string | number, unknown> = draft.manifest as Record<string, unknown>
  for (const [i, key] of keys.slice(0, -1).entries()) {
    let next = holder[key]
    if (!isObject(next) && !Array.isArray(next)) {
      next = typeof keys[i + 1] === 'number' ? [] : {}
      holder[key] = next
    }
    holder = next as Record<string | number, unknown>
  }
  const last = keys[keys.length - 1]
  if (last === undefined) return
  holder[last] = value
  draft.filled.push(
    keys.reduce<string>((path, k) => (typeof k === 'number' ? `${path}[${k}]` : path === '' ? k : `${path}.${k}`), ''),
  )
}

/** Of plain data; ten times as fast as structuredClone, which has to expect everything. */
function copied<T>(value: T): T
function copied(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((v) => copied(v))
  const out: Record<string, unknown> = {}
  for (const key of Object.keys(value)) out[key] = copied((value as Record<string, unknown>)[key])
  return out
}

export const objectOrigin = (
  component: Origin['component'],
  of: { kind: string; namespace?: string | undefined; name: string },
  detail?: string,
): Origin => ({
  component,
  object: { kind: of.kind, ...(of.namespace === undefined ? {} : { namespace: of.namespace }), name: of.name },
  ...(detail === undefined ? {} : { detail }),
})

export function recordsOf(drafts: Drafts): ObjectRecord[] {
  return drafts.all.map((d) => ({
    kind: 'object',
    id: objectId(d.kind, d.namespace, d.name),
    apiVersion: d.manifest.apiVersion,
    objectKind: d.kind,
    ...(d.namespace === undefined ? {} : { namespace: d.namespace }),
    name: d.name,
    manifest: d.manifest,
    filled: d.filled,
    origin: d.madeBy === undefined ? { component: 'user', detail: d.path } : { component: 'control-plane', detail: d.madeBy },
  }))
}
