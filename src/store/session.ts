import type { ScenarioDocument } from '../scenario/document.ts'
import type { HopIndex } from '../trace/hops.ts'
import type { TraceIndexes } from '../trace/indexes.ts'
import type { PacketIndex } from '../trace/packet-index.ts'
import { TraceReader } from '../trace/reader.ts'
import { Timeline } from '../trace/timeline.ts'
import type { Trace } from '../trace/trace.ts'
import type { InputFile, OpenTimes } from '../worker/protocol.ts'
import { type Stops, stopsOf } from './stops.ts'

/** Where the open document came from: what a link says instead of the whole document, and what editing starts from. */
export type Provenance =
  | { readonly kind: 'library'; readonly id: string }
  | { readonly kind: 'own' }
  | { readonly kind: 'imported'; readonly files: readonly InputFile[] }

/** One finished run and every index over it. Immutable: a new run is a new session. */
export interface Session {
  readonly document: ScenarioDocument
  readonly provenance: Provenance
  readonly reader: TraceReader
  readonly timeline: Timeline
  readonly hops: HopIndex
  readonly packets: PacketIndex
  readonly stops: Stops
  readonly length: number
  readonly times: OpenTimes
}

export interface SessionInput {
  readonly trace: Trace
  /** Made in the worker; without them they are built here. */
  readonly indexes?: TraceIndexes | undefined
  readonly document: ScenarioDocument
  readonly provenance: Provenance
  readonly times: OpenTimes
}

/** Runs longer than this are indexed with pauses, so that no single task keeps the page from drawing. */
const SHORT = 20_000

export function sessionOf(input: SessionInput): Session {
  const reader = readerOf(input)
  return finish(input, reader, stopsOf(input.trace, reader.hops))
}

/** The same, letting `pause` pass between one index and the next when the run is long. */
export async function sessionInPauses(input: SessionInput, pause: () => Promise<void>): Promise<Session> {
  const reader = readerOf(input)
  if (reader.length < SHORT) return sessionOf(input)
  await pause()
  void reader.hops
  void reader.packets
  await pause()
  void reader.versions
  await pause()
  const stops = stopsOf(input.trace, reader.hops)
  await pause()
  return finish(input, reader, stops)
}

const readerOf = ({ trace, indexes }: SessionInput) => new TraceReader(trace, indexes)

function finish(input: SessionInput, reader: TraceReader, stops: Stops): Session {
  return {
    document: input.document,
    provenance: input.provenance,
    times: input.times,
    reader,
    timeline: new Timeline(reader),
    hops: reader.hops,
    packets: reader.packets,
    stops,
    length: reader.length,
  }
}
