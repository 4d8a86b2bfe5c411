import { err, ok, type Result } from '../base/result.ts'
import type { InputError, Manifest, ScenarioDocument } from './document.ts'
import { inferCluster } from './infer.ts'
import type { PathKey } from './path.ts'
import { validateManifest } from './schema.ts'

/** A manifest and where it stands in the input: the number of its YAML document, then keys. */
export interface Found {
  readonly value: unknown
  readonly at: readonly PathKey[]
}

/**
 * The manifests of bare input: several YAML documents, a `kind: List` (or PodList and its kin, whose items need not say their
 * kind), a JSON array, in any mixture. `null` documents, left by a stray `---`, do not count.
 */
export function flattenManifests(documents: readonly unknown[]): Found[] {
  return documents.flatMap((value, i) => (value === null || value === undefined ? [] : flatten(value, [i])))
}

function flatten(value: unknown, at: readonly PathKey[]): Found[] {
  if (Array.isArray(value)) return value.flatMap((v, i) => flatten(v, [...at, i]))
  if (!isObject(value) || typeof value.kind !== 'string' || !value.kind.endsWith('List') || !Array.isArray(value.items)) {
    return [{ value, at }]
  }
  const itemKind = value.kind.slice(0, -'List'.length)
  const defaults = itemKind === '' ? {} : { apiVersion: value.apiVersion, kind: itemKind }
  return value.items.flatMap((item, i) => flatten(isObject(item) ? { ...defaults, ...item } : item, [...at, 'items', i]))
}

/** A document around bare manifests: title from the file, address ranges from the objects, no journeys yet. */
export function wrapManifests(documents: readonly unknown[], title: string): Result<ScenarioDocument, InputError[]> {
  const found = flattenManifests(documents)
  const objects: Manifest[] = []
  const errors: InputError[] = []
  found.forEach((f, i) => {
    const m = validateManifest(f.value, ['objects', i])
    if (m.ok) objects.push(m.value)
    else errors.push(...m.error)
  })
  if (found.length === 0)
    errors.push({ kind: 'input', message: 'there is nothing in it; expected a scenario document or Kubernetes manifests' })
  if (errors.length > 0) return err(errors)
  return ok({
    hopscope: 1,
    title,
    seed: 1,
    cluster: {
      ...inferCluster(objects, {}),
      network: { plugin: 'bridge', fabric: 'l2', mtu: 1500 },
      kubeProxy: { mode: 'iptables' },
    },
    objects,
    overrides: {},
    journeys: [],
  })
}

/** Whether the input is a scenario document, and not bare manifests: it says so, or it has a document's fields and no kind. */
export const isScenario = (value: unknown): boolean =>
  isObject(value) && ('hopscope' in value || (!('kind' in value) && ('objects' in value || 'journeys' in value)))

const isObject = (v: unknown): v is Readonly<Record<string, unknown>> => typeof v === 'object' && v !== null && !Array.isArray(v)
