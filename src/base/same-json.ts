/**
 * Whether two values have the same JSON text: their keys in the same order, a field that is undefined as good as absent. Of plain data
 * alone. Two references to one object cost nothing.
 */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Number.isNaN(a) && Number.isNaN(b)
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((x, i) => sameJson(x, b[i]))
  if (Array.isArray(b)) return false
  const mine = a as Readonly<Record<string, unknown>>
  const theirs = b as Readonly<Record<string, unknown>>
  const keys = present(mine)
  const others = present(theirs)
  return keys.length === others.length && keys.every((k, i) => k === others[i] && sameJson(mine[k], theirs[k]))
}

function present(o: Readonly<Record<string, unknown>>): readonly string[] {
  const keys = Object.keys(o)
  return keys.some((k) => o[k] === undefined) ? keys.filter((k) => o[k] !== undefined) : keys
}
