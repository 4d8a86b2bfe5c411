import type { InputError } from './document.ts'
import { flattenManifests, isScenario } from './manifests.ts'
import { type PathKey, parsePath } from './path.ts'
import { withoutTerminalLines } from './terminal-lines.ts'

/**
 * Adds line and column to errors that have a path, by reading the text again with the parser that knows positions. For
 * errors of a later stage (a pod on a node that does not exist) too: `text` is what the document was parsed from.
 * Text in which the path cannot be found leaves the error as it is.
 */
export async function locateErrors(text: string, errors: readonly InputError[]): Promise<InputError[]> {
  if (errors.every((e) => e.path === undefined || e.line !== undefined)) return [...errors]
  const { readWithPositions } = await import('./yaml-source.ts')
  const source = await readWithPositions(withoutTerminalLines(text))
  if (source.errors.length > 0) return [...errors]
  const values = source.values()
  const first = values.findIndex((d) => d !== null && d !== undefined)
  const bare = isScenario(values[first]) ? undefined : flattenManifests(values)
  return errors.map((e) => {
    if (e.path === undefined || e.line !== undefined) return e
    const keys = parsePath(e.path)
    const place = bare === undefined ? { document: first, keys } : inManifests(bare, keys)
    const position = place === undefined ? undefined : source.position(place.document, place.keys)
    return position === undefined ? e : { ...e, ...position }
  })
}

/** `objects[3].spec` of the document around bare manifests, as keys of the input itself. */
function inManifests(
  found: readonly { readonly at: readonly PathKey[] }[],
  keys: readonly PathKey[],
): { document: number; keys: PathKey[] } | undefined {
  const [field, index, ...rest] = keys
  if (field !== 'objects' || typeof index !== 'number') return undefined
  const [document, ...at] = found[index]?.at ?? []
  return typeof document === 'number' ? { document, keys: [...at, ...rest] } : undefined
}
