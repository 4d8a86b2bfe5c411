import { TCP } from '../../../net/packet.ts'
import { seqAdd } from '../sequence.ts'

/** What sits in the write and retransmission queues: one segment's worth of sequence space. */
export interface Segment {
  seq: number
  bytes: Uint8Array
  /** SYN, FIN and PSH; ACK is added when it goes out. */
  flags: number
  /** Virtual ns of the last transmission. */
  sentAt: number
  /** Went out more than once: its round trip proves nothing (Karn). */
  retransmitted: boolean
  /** A retransmission is in flight (TCPCB_SACKED_RETRANS). */
  retransOut: boolean
  sacked: boolean
  lost: boolean
}

export const newSegment = (seq: number, bytes: Uint8Array, flags: number): Segment => ({
  seq,
  bytes,
  flags,
  sentAt: 0,
  retransmitted: false,
  retransOut: false,
  sacked: false,
  lost: false,
})

/** SYN and FIN take one number each (RFC 9293 section 3.4). */
const controlLength = (flags: number): number => ((flags & TCP.SYN) !== 0 ? 1 : 0) + ((flags & TCP.FIN) !== 0 ? 1 : 0)
/** The number after the last one. */
export const endOf = (s: Segment): number => seqAdd(s.seq, s.bytes.length + controlLength(s.flags))
/** Sequence space of an arriving segment. */
export const segmentLength = (flags: number, payload: number): number => payload + controlLength(flags)

/** tcp_fragment(): the same bytes in pieces of at most `mss`; flags that end a segment stay with the last. */
export function splitSegment(s: Segment, mss: number): Segment[] {
  if (s.bytes.length <= mss) return [s]
  const pieces: Segment[] = []
  for (let at = 0; at < s.bytes.length; at += mss) {
    const last = at + mss >= s.bytes.length
    const piece = newSegment(seqAdd(s.seq, at), s.bytes.subarray(at, at + mss), last ? s.flags : 0)
    piece.sentAt = s.sentAt
    piece.retransmitted = s.retransmitted
    pieces.push(piece)
  }
  return pieces
}
