import { STEP } from '../../../trace/columns.ts'
import { before, seqAdd } from '../sequence.ts'
import { REORDERING } from './constants.ts'
import { endOf, type Segment } from './segment.ts'
import type { TcpSock } from './sock.ts'
import { rearmRto } from './timers.ts'
import { transmit } from './transmit.ts'

/** tcp_retransmit_skb(): one segment once more. `timeout`, ns, is how long the next wait will be. False: the host refused it. */
export function retransmit(sk: TcpSock, s: Segment, timeout: number, cause: number): boolean {
  sk.attempts++
  s.retransmitted = true
  s.retransOut = true
  s.sentAt = sk.host.now
  sk.retransStamp ??= sk.host.now
  const seq = sk.host.step(STEP.tcpRetransmit, cause, sk.ref, sk.attempts, Math.round(timeout / 1000))
  sk.lastRetransmit = seq
  return transmit(sk, s, seq) === 'OK'
}

/** tcp_enter_loss(): after a timeout everything unacknowledged counts as lost, and the window starts from one segment. */
export function enterLoss(sk: TcpSock): void {
  if (sk.highSeq === undefined) sk.ssthresh = Math.max(Math.floor(sk.cwnd / 2), 2)
  sk.cwnd = 1
  sk.highSeq = sk.sndNxt
  for (const s of sk.rtxQueue) {
    s.lost = !s.sacked
    s.retransOut = false
  }
}

/** tcp_sacktag_write_queue() */
export function markSacked(sk: TcpSock, blocks: readonly { readonly left: number; readonly right: number }[]): void {
  for (const { left, right } of blocks) {
    for (const s of sk.rtxQueue) {
      if (!before(s.seq, left) && !before(right, endOf(s))) {
        s.sacked = true
        s.lost = false
      }
    }
  }
}

/**
 * Fast retransmit (RFC 5681 section 3.2, RFC 6675): three segments beyond a hole prove it lost. The kernel's RACK decides by
 * time, within a quarter of a round trip of this.
 */
export function detectLoss(sk: TcpSock): void {
  const sacked = sk.rtxQueue.filter((s) => s.sacked).length
  if (sk.sackOk ? sacked < REORDERING : sk.dupacks < REORDERING) return
  if (sk.highSeq === undefined) {
    sk.ssthresh = Math.max(Math.floor(sk.cwnd / 2), 2)
    sk.cwnd = sk.ssthresh
    sk.highSeq = sk.sndNxt
    const head = sk.rtxQueue[0]
    if (head !== undefined && !head.sacked) head.lost = true
  }
  let beyond = sacked
  for (const s of sk.rtxQueue) {
    if (s.sacked) beyond--
    else if (sk.sackOk && beyond >= REORDERING) s.lost = true
  }
}

/** tcp_xmit_retransmit_queue(): lost segments go again as the congestion window allows. */
export function retransmitLost(sk: TcpSock, cause: number): void {
  let sent = false
  for (const s of sk.rtxQueue) {
    if (!s.lost || s.retransOut) continue
    if (sk.inFlight >= sk.cwnd) break
    retransmit(sk, s, sk.rto, cause)
    sent = true
  }
  if (sent) rearmRto(sk)
}

/** Leaves recovery once everything that was out when it began has been acknowledged. */
export function leaveRecovery(sk: TcpSock): void {
  if (sk.highSeq !== undefined && !before(sk.sndUna, sk.highSeq)) {
    sk.highSeq = undefined
    sk.dupacks = 0
  }
  if (sk.tlpHighSeq !== undefined && !before(sk.sndUna, sk.tlpHighSeq)) sk.tlpHighSeq = undefined
}

/** The segment a zero-window probe sends: an old number, which must be answered (RFC 9293 section 3.8.6.1). */
export const probeSequence = (sk: TcpSock): number => seqAdd(sk.sndUna, -1)
