import { assertNever } from '../base/assert-never.ts'
import { err, ok, type Result } from '../base/result.ts'
import { sameJson } from '../base/same-json.ts'
import type { buildWorld } from '../cluster/build.ts'
import { type ImportedCluster, importCluster } from '../cluster/import/index.ts'
import { KeptWorlds } from '../cluster/kept-worlds.ts'
import { checkJourneys, placedJourneys } from '../cluster/places.ts'
import type { Play } from '../cluster/play.ts'
import type { ServiceReport } from '../debug/report.ts'
import type { InputError, ScenarioDocument } from '../scenario/document.ts'
import { locateErrors } from '../scenario/locate.ts'
import { toYaml } from '../scenario/to-yaml.ts'
import { parseCommand } from '../sim/processes/index.ts'
import { run } from '../sim/run.ts'
import { prepare as prepareRun } from '../sim/starting-world.ts'
import { indexesOf } from '../trace/indexes.ts'
import { chunksOf } from '../trace/wire.ts'
import type { World } from '../world/world.ts'
import type { InputFile, Methods, Opened, OpenSource, Phase, Reply, Request, WorkerFailure } from './protocol.ts'

interface Ready extends Play {
  readonly document: ScenarioDocument
  readonly imported: Opened['imported']
}

/** Where answers go, and the clock, in ms: it only measures; nothing of it reaches a trace. */
interface EngineHost {
  readonly reply: (message: Reply, transfer: readonly ArrayBuffer[]) => void
  readonly clock: () => number
  /** Part of the names of this engine's worlds, which no other engine of the page may use. */
  readonly salt: string
}

type OnProgress = (phase: Phase, done: number, total: number) => void

/** At most one message in this many milliseconds: progress must not cost what it reports. */
const PROGRESS_EVERY = 80

type Files = Extract<OpenSource, { kind: 'files' }>

const input = (errors: readonly InputError[]) => err<WorkerFailure>({ kind: 'input', errors })

/** What the worker does: document or files in, trace out. It keeps the worlds that it built for the next command in them. */
export class Engine {
  readonly worlds = new KeptWorlds()
  readonly #host: EngineHost
  /** What was made of machines' own tables last, and of which files. */
  #tables: { readonly files: readonly InputFile[]; readonly cluster: ImportedCluster } | undefined
  readonly #names = new WeakMap<World, string>()
  #named = 0

  constructor(host: EngineHost) {
    this.#host = host
  }

  async answer(request: Request): Promise<Result<Methods[keyof Methods]['result'], WorkerFailure>> {
    switch (request.method) {
      case 'open':
        return this.#open(request.id, request.params)
      case 'validate':
        return this.#validate(request.params)
      case 'lab':
        return this.#lab(request.id, request.params)
      case 'debug':
        return this.#debug(request.id, request.params)
      case 'toYaml':
        return ok(await toYaml(request.params))
      default:
        return assertNever(request, 'request')
    }
  }

  async #open(id: number, params: Methods['open']['params']): Promise<Result<Opened, WorkerFailure>> {
    const { clock, reply } = this.#host
    const progress = this.#progressOf(id)
    const began = clock()
    const ready = await this.#prepare(params, progress)
    if (!ready.ok) return input(ready.error)
    const { document, world, journeys, changes, imported } = ready.value
    prepareRun(world)
    const built = clock()
    const trace = run(world, journeys, {
      seed: document.seed,
      changes,
      onProgress: (steps) => {
        progress('run', steps, 0)
        return undefined
      },
    })
    const ran = clock()
    const name = this.#nameOf(trace.initial)
    const known = params.have === name
    for (const chunk of chunksOf(trace, indexesOf(trace), known))
      reply({ id, kind: 'stream', item: { ...chunk, transfer: [] } }, chunk.transfer)
    return ok({ document, imported, world: name, times: { parse: 0, world: built - began, run: ran - built } })
  }

  /** Everything short of running it: what the editor marks while somebody types. */
  async #validate({ text, file }: Methods['validate']['params']): Promise<Result<ScenarioDocument, WorkerFailure>> {
    const ready = await this.#prepare({ kind: 'files', files: [{ name: file, text }] }, () => {})
    return ready.ok ? ok(ready.value.document) : input(ready.error)
  }

  async #lab(id: number, source: OpenSource): Promise<Result<string, WorkerFailure>> {
    const ready = await this.#prepare(source, this.#progressOf(id))
    if (!ready.ok) return input(ready.error)
    const { document, world, journeys, changes } = ready.value
    const trace = run(world, journeys, { seed: document.seed, changes })
    // Few ask for it: it stays out of what every page loads.
    const { labScript } = await import('../lab/script.ts')
    return ok(labScript(world, journeys, { title: document.title, trace, changes }))
  }

  async #debug(
    id: number,
    { source, question }: Methods['debug']['params'],
  ): Promise<Result<ServiceReport | undefined, WorkerFailure>> {
    const ready = await this.#prepare(source, this.#progressOf(id))
    if (!ready.ok) return input(ready.error)
    const { debugService } = await import('../debug/service.ts')
    return ok(debugService(ready.value.world, question, ready.value.document.seed))
  }

  async #prepare(source: OpenSource, progress: OnProgress): Promise<Result<Ready, readonly InputError[]>> {
    if (source.kind === 'document') {
      const { document } = source
      const world = this.worlds.world(document, { onProgress: (share) => progress('world', share, 1) })
      return world.ok ? this.#checked({ document, world: world.value, imported: undefined }) : world
    }
    const { files } = source
    const cluster = this.#again(source) ?? (await this.#import(source, progress))
    if (!cluster.ok) return cluster
    const { document, world, fromTables } = cluster.value
    const ready = this.#checked({ document, world, imported: fromTables ? files : undefined })
    const [file] = files
    return ready.ok || file === undefined || files.length > 1 ? ready : err(await located(ready.error, file))
  }

  #checked(ready: Pick<Ready, 'document' | 'world' | 'imported'>): Result<Ready, readonly InputError[]> {
    const { document, world } = ready
    const errors = commandErrors(document)
    if (errors.length > 0) return err(errors)
    const changes = this.worlds.changes(document, world)
    return changes.ok
      ? ok({ ...ready, journeys: placedJourneys(world, document.journeys), changes: changes.value })
      : err(changes.error)
  }

  async #import({ files, journeys }: Files, onProgress: OnProgress): Promise<Result<ImportedCluster, readonly InputError[]>> {
    const build: typeof buildWorld = (document, options) => this.worlds.world(document, options)
    const cluster = await importCluster(files, { onProgress, build, ...(journeys === undefined ? {} : { journeys }) })
    if (cluster.ok && cluster.value.fromTables) this.#tables = { files, cluster: cluster.value }
    return cluster
  }

  /** Another command on machines whose tables were read already. */
  #again({ files, journeys }: Files): Result<ImportedCluster, never> | undefined {
    const known = this.#tables
    if (known === undefined || journeys === undefined || !sameJson(known.files, files)) return undefined
    const { cluster } = known
    // What is wrong with a journey is said with its place in the text, which only reading it anew finds.
    if (checkJourneys(journeys, cluster.world).length > 0) return undefined
    return ok({ ...cluster, document: { ...cluster.document, journeys } })
  }

  #nameOf(world: World): string {
    let name = this.#names.get(world)
    if (name === undefined) {
      name = `${this.#host.salt}/${this.#named++}`
      this.#names.set(world, name)
    }
    return name
  }

  #progressOf(id: number): OnProgress {
    const { clock, reply } = this.#host
    let last = clock()
    return (phase, done, total) => {
      const now = clock()
      if (now - last < PROGRESS_EVERY) return
      last = now
      reply({ id, kind: 'progress', progress: { phase, done, total } }, [])
    }
  }
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
