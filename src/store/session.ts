import type { ScenarioDocument } from '../scenario/document.ts'
import type { HopIndex } from '../trace/hops.ts'
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

export function sessionOf(input: {
  readonly trace: Trace
  readonly document: ScenarioDocument
  readonly provenance: Provenance
  readonly times: OpenTimes
}): Session {
  const reader = new TraceReader(input.trace)
  const { hops, packets } = reader
  return {
    document: input.document,
    provenance: input.provenance,
    times: input.times,
    reader,
    timeline: new Timeline(reader),
    hops,
    packets,
    stops: stopsOf(input.trace, hops),
    length: input.trace.events.length,
  }
}
