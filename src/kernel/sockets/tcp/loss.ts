import { STEP } from '../../../trace/columns.ts'
import { seqAdd } from '../sequence.ts'
import type { Segment } from './segment.ts'
import type { TcpSock } from './sock.ts'
import { armRetransmit } from './timers.ts'
import { transmit } from './transmit.ts'

/** __tcp_retransmit_skb(): one segment once more. `timeout`, ns, is how long the next wait will be. False: the host refused it. */
export function resend(sk: TcpSock, s: Segment, timeout: number, cause: number): boolean {
  sk.attempts++
  // Whether or not it goes out: a round trip must never be taken from it.
  s.retransmitted = true
  const seq = sk.host.step(STEP.tcpRetransmit, cause, sk.ref, sk.attempts, Math.round(timeout / 1000))
  sk.lastRetransmit = seq
  if (transmit(sk, s, seq) !== 'OK') return false
  s.sentAt = sk.host.now
  return true
}

/** tcp_retransmit_skb(): what counts as a retransmission in flight, other than a tail loss probe. */
export function retransmit(sk: TcpSock, s: Segment, timeout: number, cause: number): boolean {
  sk.retransStamp ??= sk.host.now
  const sent = resend(sk, s, timeout, cause)
  if (sent) s.retransOut = true
  return sent
}

/** tcp_xmit_retransmit_queue(): lost segments go again as the congestion window allows. */
export function retransmitLost(sk: TcpSock, cause: number): void {
  let head = false
  for (const s of sk.rtxQueue) {
    if (!s.lost || s.retransOut) continue
    if (sk.inFlight >= sk.cwnd || !retransmit(sk, s, sk.rto, cause)) break
    head ||= s === sk.rtxQueue[0]
  }
  if (head && sk.retransmitKind !== 'reordering') armRetransmit(sk, 'retransmit', sk.rto)
}

/** The segment a zero-window probe sends: an old number, which must be answered (RFC 9293 section 3.8.6.1). */
export const probeSequence = (sk: TcpSock): number => seqAdd(sk.sndUna, -1)
