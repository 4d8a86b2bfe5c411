import type { Packet } from '../net/packet.ts'
import type { TraceReader } from '../trace/reader.ts'
import type { Step, StepKind } from '../trace/step.ts'
import type { DeviceRecord } from '../world/records.ts'
import type { WorldView } from '../world/world.ts'
import { named, whereOf } from './names.ts'
import { record, type Span } from './sentence.ts'

export type StepOf<K extends StepKind> = Extract<Step, { kind: K }>

/** One step and what is around it: what every extractor of facts starts from. */
export interface Context {
  readonly reader: TraceReader
  /** The world after the step. */
  readonly view: WorldView
  readonly seq: number
  /** -1 for none. */
  readonly packet: number
  readonly where: Span
}

export function contextOf(reader: TraceReader, view: WorldView, seq: number): Context {
  return { reader, view, seq, packet: reader.packetOf(seq), where: whereOf(reader, seq) }
}

export const nameIn = (c: Context, id: string): Span => named(c.reader, id, c.seq)

/** The packet as it is after the step. */
export const packetOf = (c: Context): Packet => c.reader.packetAt(c.packet, c.seq)

/** A device record, also one that is gone by now. */
export function deviceOf(c: Context, id: string | undefined): DeviceRecord | undefined {
  const r = id === undefined ? undefined : c.reader.versions.near(id, c.seq)
  return r?.kind === 'device' ? r : undefined
}

export const deviceSpan = (d: DeviceRecord): Span => record(d.id, d.name)

export const optional = <K extends string, T>(key: K, value: T | undefined): { [P in K]?: T } =>
  (value === undefined ? {} : { [key]: value }) as { [P in K]?: T }

/** Steps of the hop that holds this one, up to and without it, latest first. */
export function before(c: Context): number[] {
  const hop = c.reader.hops.hopOf(c.seq)
  if (hop < 0) return []
  return c.reader.hops
    .stepsOf(hop)
    .filter((s) => s < c.seq)
    .reverse()
}
