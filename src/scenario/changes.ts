import type { ScenarioDocument } from './document.ts'

/** What a document has other than a built-in one: whole sections, each as it is now. */
export type ScenarioChanges = Partial<
  Pick<ScenarioDocument, 'title' | 'seed' | 'cluster' | 'objects' | 'overrides' | 'journeys' | 'changes' | 'peers'>
>

const CHANGEABLE = [
  'title',
  'seed',
  'cluster',
  'objects',
  'overrides',
  'journeys',
  'changes',
  'peers',
] as const satisfies readonly (keyof ScenarioChanges)[]

/** The sections in which `document` differs from `base`; undefined when it does not. */
export function changesBetween(base: ScenarioDocument, document: ScenarioDocument): ScenarioChanges | undefined {
  const changed = CHANGEABLE.filter((section) => !isSame(base[section], document[section]))
  if (changed.length === 0) return undefined
  return Object.fromEntries(changed.map((section) => [section, document[section]]))
}

export const applyChanges = (base: ScenarioDocument, changes: ScenarioChanges | undefined): ScenarioDocument => ({
  ...base,
  ...changes,
})

/** Equal as JSON values; the order of an object's keys says nothing. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || Array.isArray(a) !== Array.isArray(b))
    return false
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((k) => Object.hasOwn(b, k) && isSame(Reflect.get(a, k), Reflect.get(b, k)))
}
