import { type CellColumns, cellColumns } from './cells.ts'
import { exchangeOfPackets } from './exchanges.ts'
import type { Groups } from './groups.ts'
import { type HopColumns, hopColumns } from './hops.ts'
import { type PacketColumns, packetColumns } from './packet-index.ts'
import { rewritesByPacket, TraceReader } from './reader.ts'
import type { Trace } from './trace.ts'

/** Everything about a trace that takes a pass over all of its steps. Typed arrays alone: the worker makes them, the page gets them by transfer. */
export interface TraceIndexes {
  readonly hops: HopColumns
  readonly packets: PacketColumns
  /** seqs of rewrites by packet. */
  readonly rewrites: Groups
  readonly cells: CellColumns
  /** Per packet: its exchange, -1 for none. */
  readonly exchangeOf: Int32Array
}

export function indexesOf(trace: Trace): TraceIndexes {
  const hops = hopColumns(trace)
  const packets = packetColumns(trace)
  const rewrites = rewritesByPacket(trace)
  const reader = new TraceReader(trace, { hops, packets, rewrites })
  return { hops, packets, rewrites, cells: cellColumns(trace, reader.versions), exchangeOf: exchangeOfPackets(reader) }
}
