import { readFileSync } from 'node:fs'
import { err, ok, type Result } from '../base/result.ts'
import { playOf } from '../cluster/play.ts'
import { LIBRARY } from '../library/index.ts'
import type { InputError, ScenarioDocument } from '../scenario/document.ts'
import { parseScenario } from '../scenario/parse.ts'
import type { WorldChange } from '../world/changes.ts'
import type { World } from '../world/world.ts'

export interface Loaded {
  readonly document: ScenarioDocument
  readonly world: World
  /** What changes while it runs. */
  readonly changes: readonly WorldChange[]
}

/** FILE is a path, `-` for standard input, or `library:ID` for a built-in scenario. */
export async function loadDocument(file: string): Promise<Result<ScenarioDocument, InputError[]>> {
  if (file.startsWith('library:')) {
    const id = file.slice('library:'.length)
    const entry = LIBRARY.find((e) => e.id === id)
    if (entry !== undefined) return ok(entry.document)
    const known = LIBRARY.map((e) => e.id).join(', ')
    return err([{ kind: 'input', file, message: `no built-in scenario has this id; there are ${known}` }])
  }
  let text: string
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (e) {
    return err([{ kind: 'input', file, message: `cannot be read: ${e instanceof Error ? e.message : String(e)}` }])
  }
  return parseScenario(text, { file: file === '-' ? 'standard input' : file })
}

export async function load(file: string): Promise<Result<Loaded, InputError[]>> {
  const document = await loadDocument(file)
  if (!document.ok) return document
  const play = playOf(document.value)
  if (!play.ok) return err(play.error.map((e) => ({ file: file === '-' ? 'standard input' : file, ...e })))
  const { world, journeys, changes } = play.value
  return ok({ document: { ...document.value, journeys }, world, changes })
}

/** `file:line:column: path: message`, what editors can jump to. */
export function formatInputError(e: InputError): string {
  const place = [e.file, e.line, e.column].filter((x) => x !== undefined).join(':')
  return [place, e.path, e.message].filter((x) => x !== undefined && x !== '').join(': ')
}
