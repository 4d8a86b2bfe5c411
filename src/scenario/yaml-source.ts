import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml'
import type { InputError } from './document.ts'
import type { PathKey } from './path.ts'

// YAML with positions. Loaded when it is needed: small input, and any input that has an error.

export interface YamlSource {
  /** Errors of the YAML itself. */
  readonly errors: readonly InputError[]
  /** One value a document. */
  values(): unknown[]
  /** Line and column, from 1, of what stands at the keys, or of the nearest thing around it that exists. */
  position(document: number, keys: readonly PathKey[]): { line: number; column: number } | undefined
}

export async function readWithPositions(text: string): Promise<YamlSource> {
  const lines = new LineCounter()
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false })
  const documents: readonly Document.Parsed[] = Array.isArray(parsed) ? parsed : []
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col }
  }
  const errors = documents.flatMap((d) =>
    d.errors.map((e): InputError => ({ kind: 'input', message: e.message, ...place(e.pos[0]) })),
  )
  return {
    errors,
    // An alias bomb is cut off by `yaml` itself (100 aliases of large nodes).
    values: () => documents.map((d): unknown => d.toJS()),
    position: (document, keys) => {
      const contents = documents[document]?.contents
      if (!isNode(contents)) return undefined
      const offset = offsetOf(contents, keys)
      return offset === undefined ? undefined : place(offset)
    },
  }
}

function offsetOf(root: Node, keys: readonly PathKey[]): number | undefined {
  let node: Node = root
  let offset = root.range?.[0]
  for (const key of keys) {
    if (isMap(node)) {
      const pair = node.items.find(
        (p) => (isScalar(p.key) ? p.key.value : p.key) === key || (isScalar(p.key) && String(p.key.value) === key),
      )
      if (pair === undefined) return offset
      const { key: name, value } = pair
      offset = (isNode(name) ? name.range?.[0] : undefined) ?? offset
      if (!isNode(value)) return offset
      // A scalar is where the mistake is; of a whole block the key says more.
      if (isScalar(value)) offset = value.range?.[0] ?? offset
      node = value
    } else if (isSeq(node) && typeof key === 'number') {
      const item = node.items[key]
      if (!isNode(item)) return offset
      offset = item.range?.[0] ?? offset
      node = item
    } else return offset
  }
  return offset
}
