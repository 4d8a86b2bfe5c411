import type { TraceRecorder } from '../../trace/recorder.ts'
import { CELL_FIELDS } from '../../world/world.ts'
import type { RealServer, VirtualService } from './service.ts'

// ip_vs_in_stats(), ip_vs_out_stats(), ip_vs_conn_stats(): cells of the real server and of its service. A removed real server
// counts no more.

const F = {
  connections: CELL_FIELDS.indexOf('connections'),
  inPackets: CELL_FIELDS.indexOf('rxPackets'),
  inBytes: CELL_FIELDS.indexOf('rxBytes'),
  outPackets: CELL_FIELDS.indexOf('txPackets'),
  outBytes: CELL_FIELDS.indexOf('txBytes'),
} as const

type Counted = Pick<VirtualService | RealServer, 'ref' | 'inPackets' | 'inBytes' | 'outPackets' | 'outBytes' | 'conns'>

/** `of`: the real server and its service, where that still exists. */
export function countIn(rec: TraceRecorder, of: readonly (Counted | undefined)[], length: number): void {
  for (const one of of) {
    if (one === undefined) continue
    rec.cell(one.ref, F.inPackets, ++one.inPackets)
    one.inBytes += length
    rec.cell(one.ref, F.inBytes, one.inBytes)
  }
}

export function countOut(rec: TraceRecorder, of: readonly (Counted | undefined)[], length: number): void {
  for (const one of of) {
    if (one === undefined) continue
    rec.cell(one.ref, F.outPackets, ++one.outPackets)
    one.outBytes += length
    rec.cell(one.ref, F.outBytes, one.outBytes)
  }
}

export function countConnection(rec: TraceRecorder, of: readonly Counted[]): void {
  for (const one of of) rec.cell(one.ref, F.connections, ++one.conns)
}

/** ip_vs_zero_stats() */
export function zeroStats(rec: TraceRecorder, of: Counted): void {
  of.conns = of.inPackets = of.inBytes = of.outPackets = of.outBytes = 0
  for (const field of Object.values(F)) rec.cell(of.ref, field, 0)
}
