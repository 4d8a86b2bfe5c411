import { readFileSync } from 'node:fs'
import { err, ok, type Result } from '../base/result.ts'
import { buildWorld } from '../cluster/build.ts'
import { placedJourneys } from '../cluster/places.ts'
import { LIBRARY } from '../library/index.ts'
import type { InputError, ScenarioDocument } from '../scenario/document.ts'
import { parseScenario } from '../scenario/parse.ts'
import type { World } from '../world/world.ts'

export interface Loaded {
  readonly document: ScenarioDocument
  readonly world: World
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
  const world = buildWorld(document.value)
  if (!world.ok) return err(world.error.map((e) => ({ file: file === '-' ? 'standard input' : file, ...e })))
  const journeys = placedJourneys(world.value, document.value.journeys)
  return ok({ document: { ...document.value, journeys }, world: world.value })
}

/** `file:line:column: path: message`, what editors can jump to. */
export function formatInputError(e: InputError): string {
  const place = [e.file, e.line, e.column].filter((x) => x !== undefined).join(':')
  return [place, e.path, e.message].filter((x) => x !== undefined && x !== '').join(': ')
}
