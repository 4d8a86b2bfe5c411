import { assertNever } from '../base/assert-never.ts'
import { err, ok, type Result } from '../base/result.ts'
import { buildWorld } from '../cluster/build.ts'
import { worldChanges } from '../cluster/changes/index.ts'
import { importCluster } from '../cluster/import/index.ts'
import { placedJourneys } from '../cluster/places.ts'
import type { ServiceReport } from '../debug/report.ts'
import type { InputError, ScenarioDocument } from '../scenario/document.ts'
import { locateErrors } from '../scenario/locate.ts'
import { toYaml } from '../scenario/to-yaml.ts'
import { parseCommand } from '../sim/processes/index.ts'
import { run } from '../sim/run.ts'
import { prepare as prepareRun } from '../sim/starting-world.ts'
import { indexesOf } from '../trace/indexes.ts'
import { chunksOf } from '../trace/wire.ts'
import type { WorldChange } from '../world/changes.ts'
import type { World } from '../world/world.ts'
import type { InputFile, Methods, Opened, OpenSource, Phase, Reply, Request, WorkerFailure } from './protocol.ts'

// The worker's entry: document or files in, trace out. The clock here only measures; nothing of it reaches a trace.

interface Ready {
  readonly document: ScenarioDocument
  readonly world: World
  readonly changes: readonly WorldChange[]
  readonly imported: Opened['imported']
}

interface WorkerScope {
  postMessage(message: Reply, transfer: readonly ArrayBuffer[]): void
  addEventListener(type: 'message', listener: (event: { readonly data: Request }) => void): void
}
const scope = globalThis as unknown as WorkerScope

const reply = (message: Reply, transfer: readonly ArrayBuffer[] = []) => scope.postMessage(message, transfer)

/** At most one message in this many milliseconds: progress must not cost what it reports. */
const PROGRESS_EVERY = 80

function progressOf(id: number): (phase: Phase, done: number, total: number) => void {
  let last = performance.now()
  return (phase, done, total) => {
    const now = performance.now()
    if (now - last < PROGRESS_EVERY) return
    last = now
    reply({ id, kind: 'progress', progress: { phase, done, total } })
  }
}

const input = (errors: readonly InputError[]) => err<WorkerFailure>({ kind: 'input', errors })

async function open(id: number, source: OpenSource): Promise<Result<Opened, WorkerFailure>> {
  const progress = progressOf(id)
  const began = performance.now()
  const ready = await prepare(source, progress)
  if (!ready.ok) return input(ready.error)
  const { document, world, changes, imported } = ready.value
  const built = performance.now()
  const trace = run(world, placedJourneys(world, document.journeys), {
    seed: document.seed,
    changes,
    onProgress: (steps) => {
      progress('run', steps, 0)
      return undefined
    },
  })
  const ran = performance.now()
  for (const chunk of chunksOf(trace, indexesOf(trace)))
    reply({ id, kind: 'stream', item: { ...chunk, transfer: [] } }, chunk.transfer)
  return ok({ document, imported, times: { parse: 0, world: built - began, run: ran - built } })
}

type OnProgress = ReturnType<typeof progressOf>

async function prepare(source: OpenSource, progress: OnProgress): Promise<Result<Ready, readonly InputError[]>> {
  if (source.kind === 'document') {
    const { document } = source
    const world = buildWorld(document, { onProgress: (share) => progress('world', share, 1) })
    return world.ok ? checked({ document, world: world.value, imported: undefined }) : err(world.error)
  }
  const { files, journeys } = source
  const cluster = await importCluster(files, { onProgress: progress, ...(journeys === undefined ? {} : { journeys }) })
  if (!cluster.ok) return err(cluster.error)
  const { document, world, fromTables } = cluster.value
  const ready = checked({ document, world, imported: fromTables ? files : undefined })
  const [file] = files
  return ready.ok || file === undefined || files.length > 1 ? ready : err(await located(ready.error, file))
}

function checked(ready: Omit<Ready, 'changes'>): Result<Ready, readonly InputError[]> {
  const errors = commandErrors(ready.document)
  if (errors.length > 0) return err(errors)
  prepareRun(ready.world)
  const changes = worldChanges(ready.document, ready.world)
  return changes.ok ? ok({ ...ready, changes: changes.value }) : err(changes.error)
}

/** A shell would try and end with 127; somebody who types a command here is better told at once what there is. */
function commandErrors(document: ScenarioDocument): InputError[] {
  return document.journeys.flatMap((journey, i) => {
    const command = parseCommand(journey.run)
    return command.ok ? [] : [{ kind: 'input' as const, message: command.error.message, path: `journeys[${i}].run` }]
  })
}

/** A path of the document as a line of its text. */
async function located(errors: readonly InputError[], file: InputFile): Promise<InputError[]> {
  return (await locateErrors(file.text, errors)).map((e) => ({ ...e, file: file.name }))
}

/** Everything short of running it: what the editor marks while somebody types. */
async function validate({ text, file }: Methods['validate']['params']): Promise<Result<ScenarioDocument, WorkerFailure>> {
  const ready = await prepare({ kind: 'files', files: [{ name: file, text }] }, () => {})
  return ready.ok ? ok(ready.value.document) : input(ready.error)
}

async function lab(id: number, source: OpenSource): Promise<Result<string, WorkerFailure>> {
  const ready = await prepare(source, progressOf(id))
  if (!ready.ok) return input(ready.error)
  const { document, world, changes } = ready.value
  const journeys = placedJourneys(world, document.journeys)
  const trace = run(world, journeys, { seed: document.seed, changes })
  // Few ask for it: it stays out of what every page loads.
  const { labScript } = await import('../lab/script.ts')
  return ok(labScript(world, journeys, { title: document.title, trace, changes }))
}

async function debug(
  id: number,
  { source, question }: Methods['debug']['params'],
): Promise<Result<ServiceReport | undefined, WorkerFailure>> {
  const ready = await prepare(source, progressOf(id))
  if (!ready.ok) return input(ready.error)
  const { debugService } = await import('../debug/service.ts')
  return ok(debugService(ready.value.world, question, ready.value.document.seed))
}

async function answer(request: Request): Promise<Result<Methods[keyof Methods]['result'], WorkerFailure>> {
  switch (request.method) {
    case 'open':
      return open(request.id, request.params)
    case 'validate':
      return validate(request.params)
    case 'lab':
      return lab(request.id, request.params)
    case 'debug':
      return debug(request.id, request.params)
    case 'toYaml':
      return ok(await toYaml(request.params))
    default:
      return assertNever(request, 'request')
  }
}

// One after the other: calls must not interleave in the middle of a stream.
let queue: Promise<void> = Promise.resolve()
scope.addEventListener('message', ({ data: request }) => {
  queue = queue.then(async () => {
    let result: Awaited<ReturnType<typeof answer>>
    try {
      result = await answer(request)
    } catch (e) {
      // Only our own bugs throw: the page says so instead of waiting for ever.
      result = err({ kind: 'crash', message: e instanceof Error ? `${e.message}\n${e.stack ?? ''}` : String(e) })
    }
    reply({ id: request.id, kind: 'end', result })
  })
})
