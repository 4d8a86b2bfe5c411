import { ICMP, IPPROTO } from '../net/packet.ts'
import { STEP } from '../trace/columns.ts'
import { PACKET_WIDTH, readPacketRow } from '../trace/packets.ts'
import { DROP_REASONS, PACKET_ORIGINS } from '../trace/step.ts'
import type { JourneyResult, JourneyVerdict, Trace } from '../trace/trace.ts'

const BY_ICMP = PACKET_ORIGINS.indexOf('icmp')
const BY_RESET = PACKET_ORIGINS.indexOf('reset')
/** A frame that was flooded to a machine it is not for: never why a journey failed. */
const OTHERHOST = DROP_REASONS.indexOf('SKB_DROP_REASON_OTHERHOST')

/**
 * A process knows only what it saw: an errno, or silence. This finds the step in the network that decided it: the drop
 * behind the ICMP error or the reset that came, or, when nothing came, the first packet of the journey that was lost.
 */
export function decided(trace: Trace, journey: JourneyResult): JourneyVerdict {
  const { verdict, first, last } = journey
  if (verdict.kind !== 'failed' || last < first) return verdict
  const met = firstRow(trace, first, last, (kind) => kind === STEP.undetermined)
  if (met !== undefined) {
    return { kind: 'undetermined', what: trace.texts[trace.events.a[met] as number] ?? '', decidedBy: met }
  }
  const seen = verdict.decidedBy
  const behind = seen === undefined ? undefined : behindReport(trace, seen)
  if (behind !== undefined) return { ...verdict, decidedBy: behind }
  if (seen !== undefined && !isSilence(trace, seen)) return verdict
  const lost = firstRow(trace, first, last, (kind, row) => kind === STEP.drop && isLoss(trace, row))
  return lost === undefined ? verdict : { ...verdict, decidedBy: lost }
}

function firstRow(trace: Trace, first: number, last: number, test: (kind: number, row: number) => boolean): number | undefined {
  for (let row = first; row <= last; row++) if (test(trace.events.kind[row] as number, row)) return row
  return undefined
}

/** Of the drops that a run has, those that leave somebody waiting: a redirect (RFC 1122 section 3.2.2.2) is only advice. */
function isLoss(trace: Trace, row: number): boolean {
  if (trace.events.a[row] === OTHERHOST) return false
  const { protocol, icmpType } = readPacketRow(trace.packets.rows, (trace.events.packet[row] as number) * PACKET_WIDTH)
  return protocol !== IPPROTO.ICMP || icmpType !== ICMP.REDIRECT
}

/** The step is about running out of time, not about something that arrived. */
function isSilence(trace: Trace, row: number): boolean {
  const kind = trace.events.kind[row]
  return kind === STEP.tcpRetransmit || kind === STEP.timer || kind === STEP.process
}

/** `row` is where an ICMP error or a reset arrived: the end of the packet that it reports on. */
function behindReport(trace: Trace, row: number): number | undefined {
  const { events } = trace
  const packet = events.packet[row] as number
  if (packet < 0) return undefined
  const born = lastRowBefore(trace, row, (r) => events.kind[r] === STEP.born && events.packet[r] === packet)
  if (born === undefined) return undefined
  const how = events.a[born]
  const parent = events.b[born] as number
  if ((how !== BY_ICMP && how !== BY_RESET) || parent < 0) return undefined
  return firstRow(trace, 0, row, (kind, r) => kind === STEP.drop && events.packet[r] === parent)
}

function lastRowBefore(trace: Trace, row: number, test: (row: number) => boolean): number | undefined {
  for (let r = Math.min(row, trace.events.length - 1); r >= 0; r--) if (test(r)) return r
  return undefined
}
