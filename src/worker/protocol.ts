import type { Result } from '../base/result.ts'
import type { ServiceQuestion, ServiceReport } from '../debug/report.ts'
import type { InputError, JourneySpec, ScenarioDocument } from '../scenario/document.ts'
import type { TraceChunk } from '../trace/wire.ts'

// What the page may ask of the engine's worker, one line per method: parameters, answer, and what is streamed before it.

export interface InputFile {
  readonly name: string
  readonly text: string
}

/** What to open: a document that is already one, or files as a user gave them (a document, manifests, a node's tables). */
export type OpenSource =
  | { readonly kind: 'document'; readonly document: ScenarioDocument }
  | { readonly kind: 'files'; readonly files: readonly InputFile[]; readonly journeys?: readonly JourneySpec[] }

/** How long each phase took, in milliseconds of the worker's clock. For the page's own information; never part of a trace. */
export interface OpenTimes {
  readonly parse: number
  readonly world: number
  readonly run: number
}

export interface Opened {
  readonly document: ScenarioDocument
  readonly times: OpenTimes
  /** The world came from a node's own tables, so the document alone cannot make it again: it keeps them as its files. */
  readonly imported: readonly InputFile[] | undefined
  /** Name of the world that the trace began in: who says that they have it is not sent it again. */
  readonly world: string
}

export interface Methods {
  readonly open: { params: OpenSource & { readonly have?: string }; result: Opened; stream: TraceChunk }
  readonly validate: { params: { readonly text: string; readonly file: string }; result: ScenarioDocument; stream: never }
  /** The scenario as a bash script of real network namespaces, pinned to the engine's run of it. */
  readonly lab: { params: OpenSource; result: string; stream: never }
  /** The checks of "Debug Services", evaluated; undefined when there is no place to ask from. */
  readonly debug: {
    params: { readonly source: OpenSource; readonly question: ServiceQuestion }
    result: ServiceReport | undefined
    stream: never
  }
  readonly toYaml: { params: ScenarioDocument; result: string; stream: never }
}
export type Method = keyof Methods

export type Phase = 'parse' | 'world' | 'run' | 'transfer'
export interface Progress {
  readonly phase: Phase
  readonly done: number
  /** 0 when nobody can know. */
  readonly total: number
}

/** Why a call has no answer. `input` is the user's to mend, `crash` is our own bug, `cancelled` was wished. */
export type WorkerFailure =
  | { readonly kind: 'input'; readonly errors: readonly InputError[] }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'crash'; readonly message: string }

export type Request = {
  [M in Method]: { readonly id: number; readonly method: M; readonly params: Methods[M]['params'] }
}[Method]

export type Reply =
  | { readonly id: number; readonly kind: 'progress'; readonly progress: Progress }
  | { readonly id: number; readonly kind: 'stream'; readonly item: Methods[Method]['stream'] }
  | { readonly id: number; readonly kind: 'end'; readonly result: Result<Methods[Method]['result'], WorkerFailure> }
