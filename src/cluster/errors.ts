import type { InputError } from '../scenario/document.ts'

/** A refusal that points at a place of the document: `objects[3].spec.nodeName`. */
export const inputError = (path: string, message: string): InputError => ({ kind: 'input', path, message })

/** `node1, node2 or node3`; long lists are cut, and say so. */
export function listed(names: readonly string[], limit = 12): string {
  if (names.length === 0) return 'nothing'
  if (names.length > limit) return `${names.slice(0, limit).join(', ')} … (${names.length} in all)`
  const last = names[names.length - 1] ?? ''
  return names.length === 1 ? last : `${names.slice(0, -1).join(', ')} or ${last}`
}
