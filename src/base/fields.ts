// Reading fields of manifests, which are whatever somebody pasted: a field of another type counts as absent here, and
// fill-in.ts refuses the ones that matter, by path.

export type Fields = Readonly<Record<string, unknown>>

export const isObject = (v: unknown): v is Fields => typeof v === 'object' && v !== null && !Array.isArray(v)

/** The value at a path of plain keys, own properties only. */
export function at(value: unknown, ...keys: readonly string[]): unknown {
  let v = value
  for (const k of keys) {
    if (!isObject(v) || !Object.hasOwn(v, k)) return undefined
    v = v[k]
  }
  return v
}
export const textAt = (value: unknown, ...keys: readonly string[]): string | undefined => {
  const v = at(value, ...keys)
  return typeof v === 'string' && v !== '' ? v : undefined
}
export const numberAt = (value: unknown, ...keys: readonly string[]): number | undefined => {
  const v = at(value, ...keys)
  return typeof v === 'number' ? v : undefined
}
export const listAt = (value: unknown, ...keys: readonly string[]): readonly unknown[] => {
  const v = at(value, ...keys)
  return Array.isArray(v) ? v : []
}
export const objectAt = (value: unknown, ...keys: readonly string[]): Fields | undefined => {
  const v = at(value, ...keys)
  return isObject(v) ? v : undefined
}
/** A map of strings, such as labels and selectors. */
export function stringsAt(value: unknown, ...keys: readonly string[]): Readonly<Record<string, string>> {
  const out: Record<string, string> = {}
  for (const [k, v] of Object.entries(objectAt(value, ...keys) ?? {})) if (typeof v === 'string') out[k] = v
  return out
}
