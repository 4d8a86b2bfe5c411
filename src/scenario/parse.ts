import { err, ok, type Result } from '../base/result.ts'
import type { InputError, ScenarioDocument } from './document.ts'
import { hasForbiddenKey } from './forbidden.ts'
import { locateErrors } from './locate.ts'
import { isScenario, wrapManifests } from './manifests.ts'
import { validateDocument } from './schema.ts'
import { withoutTerminalLines } from './terminal-lines.ts'

export interface ParseScenarioOptions {
  /** Named in every error, and the title of a document that is wrapped around bare manifests. */
  readonly file?: string
  /** Characters read so far, of all. Called between documents of a large input, and at its end. */
  readonly onProgress?: (done: number, total: number) => void
}

/** From here on text is read by the quick parsers, and the one that knows positions only steps in for an error. */
export const BULK = 300_000

/**
 * Reads a scenario document, or bare Kubernetes manifests as `kubectl get … -o yaml|json` prints them, which get a document
 * around them. Kinds that nobody knows are kept.
 *
 * Every error names the file, the path inside the document, line and column, what was found and what was expected.
 */
export async function parseScenario(
  input: string,
  options: ParseScenarioOptions = {},
): Promise<Result<ScenarioDocument, InputError[]>> {
  const text = withoutTerminalLines(input)
  const named = (errors: readonly InputError[]) =>
    err(errors.map((e) => ({ ...e, ...(options.file === undefined ? {} : { file: options.file }) })))
  const values = await readValues(text, options)
  if (!values.ok) return named(values.error)
  const documents = values.value.filter((d) => d !== null && d !== undefined)
  if (hasForbiddenKey(text, documents)) {
    return named([{ kind: 'input', message: 'there is a key named __proto__; expected ordinary keys only' }])
  }
  const scenario = documents.findIndex(isScenario)
  if (scenario >= 0 && documents.length > 1) {
    const message = `there are ${documents.length} documents in it, and one is a scenario; expected the scenario alone, with the manifests as its objects`
    return named([{ kind: 'input', message }])
  }
  const document = scenario >= 0 ? validateDocument(documents[0]) : wrapManifests(values.value, titleOf(options.file))
  if (document.ok) return document
  return named(await locateErrors(text, document.error))
}

const titleOf = (file: string | undefined): string =>
  file
    ?.split('/')
    .pop()
    ?.replace(/\.(ya?ml|json)$/, '') || 'Pasted cluster'

async function readValues(text: string, options: ParseScenarioOptions): Promise<Result<unknown[], InputError[]>> {
  if (/^\s*[[{]/.test(text)) {
    try {
      const value: unknown = JSON.parse(text)
      options.onProgress?.(text.length, text.length)
      return ok([value])
    } catch {
      // YAML's flow style begins alike, and the YAML parser says where the error is.
    }
  }
  if (text.length > BULK) {
    const bulk = await readBulk(text, options)
    if (bulk !== undefined) return ok(bulk)
  }
  const { readWithPositions } = await import('./yaml-source.ts')
  const source = await readWithPositions(text)
  options.onProgress?.(text.length, text.length)
  return source.errors.length > 0 ? err([...source.errors]) : ok(source.values())
}

/** js-yaml reads ten times as fast as `yaml`, but knows no positions: undefined when it meets an error. */
async function readBulk(text: string, options: ParseScenarioOptions): Promise<unknown[] | undefined> {
  const { loadAll } = await import('js-yaml')
  const values: unknown[] = []
  let done = 0
  try {
    for (const part of splitDocuments(text)) {
      values.push(...loadAll(part))
      done += part.length
      options.onProgress?.(done, text.length)
    }
    return values
  } catch {
    return undefined
  }
}

/** `---` at the start of a line ends a document, whatever stands before it (YAML 1.2, 9.1.2). */
export function splitDocuments(text: string): string[] {
  const parts: string[] = []
  let from = 0
  for (let at = text.indexOf('\n---'); at >= 0; at = text.indexOf('\n---', at + 1)) {
    const next = text[at + 4]
    if (next !== undefined && !/\s/.test(next)) continue
    parts.push(text.slice(from, at + 1))
    from = at + 1
  }
  parts.push(text.slice(from))
  return parts
}
