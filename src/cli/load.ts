import { readFileSync } from 'node:fs'
import { err, ok, type Result } from '../base/result.ts'
import { playOf } from '../cluster/play.ts'
import { LIBRARY } from '../library/index.ts'
import type { InputError, JourneySpec, ScenarioDocument } from '../scenario/document.ts'
import { parseScenario } from '../scenario/parse.ts'
import type { WorldChange } from '../world/changes.ts'
import type { World } from '../world/world.ts'
import { UsageError } from './command.ts'

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

/** Builds the document's world; with `asked`, for that journey in place of the document's own, whose scheduled changes go with them. */
export async function load(file: string, asked?: JourneySpec): Promise<Result<Loaded, InputError[]>> {
  const document = await loadDocument(file)
  if (!document.ok) return document
  const wanted = asked === undefined ? document.value : withJourney(document.value, asked)
  const play = playOf(wanted)
  if (!play.ok) return err(play.error.map((e) => ({ file: file === '-' ? 'standard input' : file, ...e })))
  const { world, journeys, changes } = play.value
  return ok({ document: { ...wanted, journeys }, world, changes })
}

function withJourney({ changes: _, ...document }: ScenarioDocument, journey: JourneySpec): ScenarioDocument {
  return { ...document, journeys: [journey] }
}

/** What `--from PLACE --run COMMAND` ask for; undefined without either. */
export function askedJourney(from: string | undefined, run: string | undefined): JourneySpec | undefined {
  if (from === undefined && run === undefined) return undefined
  if (from === undefined) throw new UsageError('--from PLACE is missing, as in: --from pod/client --run "curl http://web/"')
  if (run === undefined) throw new UsageError('--run COMMAND is missing, as in: --from pod/client --run "curl http://web/"')
  return { from, run }
}

/** `file:line:column: path: message`, what editors can jump to. */
export function formatInputError(e: InputError): string {
  const place = [e.file, e.line, e.column].filter((x) => x !== undefined).join(':')
  return [place, e.path, e.message].filter((x) => x !== undefined && x !== '').join(': ')
}
