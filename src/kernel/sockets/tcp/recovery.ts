import { after, before, seqDiff } from '../sequence.ts'
import { REORDERING } from './constants.ts'
import { retransmitLost } from './loss.ts'
import { markLost, rackAdvance, rackDetectLoss, rackMarkLost, rackTimeout } from './rack.ts'
import { endOf } from './segment.ts'
import type { TcpSock } from './sock.ts'
import { armRetransmit, rearmRto } from './timers.ts'

/** What the SACK blocks of an arriving ACK told (struct tcp_sacktag_state). */
export interface SackNews {
  /** FLAG_DATA_SACKED: something arrived of which that was not known. */
  readonly data: boolean
  /** FLAG_DSACKING_ACK: something arrived twice; `probe` where that is the tail loss probe (FLAG_DSACK_TLP). */
  readonly duplicate: boolean
  readonly probe: boolean
  /** Round trip, ns, of the first such segment, if it was never sent twice. */
  readonly rtt: number | undefined
}

export const NO_SACK: SackNews = { data: false, duplicate: false, probe: false, rtt: undefined }

type Block = { readonly left: number; readonly right: number }

/** tcp_sacktag_write_queue(), tcp_check_dsack() (RFC 2883): `ack` is the number that the segment acknowledges. */
export function markSacked(sk: TcpSock, blocks: readonly Block[], ack: number): SackNews {
  const [first, second] = blocks
  const within =
    first !== undefined && second !== undefined && !before(first.left, second.left) && !after(first.right, second.right)
  const duplicate = first !== undefined && before(first.left, first.right) && (before(first.left, ack) || within)
  const probe = duplicate && sk.tlpHighSeq === first.right && seqDiff(first.right, first.left) <= sk.mss
  let data = false
  let rtt: number | undefined
  for (const block of duplicate ? blocks.slice(1) : blocks) {
    for (const s of sk.rtxQueue) {
      if (s.sacked || before(s.seq, block.left) || before(block.right, endOf(s))) continue
      rackAdvance(sk, s)
      if (!s.retransmitted) rtt ??= sk.host.now - s.sentAt
      if (!s.retransOut || s.lost) s.retransOut = false
      s.lost = false
      s.sacked = true
      data = true
    }
  }
  if (duplicate) for (const s of sk.rtxQueue) if (covers(first, s.seq, endOf(s))) s.retransOut = false
  return { data, duplicate, probe, rtt }
}

const covers = (block: Block, left: number, right: number): boolean => !before(left, block.left) && !before(block.right, right)

/** tcp_enter_loss(): after a timeout what a round trip has passed for counts as lost, and the window starts from one segment. */
export function enterLoss(sk: TcpSock): void {
  sk.rtxQueue.forEach((s, i) => {
    if (i > 0 && sk.sackOk && rackTimeout(sk, s, 0) > 0) return
    markLost(s)
    s.retransOut = false
  })
  if (sk.caState === 'open' || sk.caState === 'disorder' || !after(sk.highSeq, sk.sndUna)) {
    sk.ssthresh = Math.max(Math.floor(sk.cwnd / 2), 2)
  }
  sk.cwnd = sk.inFlight + 1
  sk.caState = 'loss'
  sk.highSeq = sk.sndNxt
  sk.tlpHighSeq = undefined
}

/** tcp_enter_recovery(), tcp_init_cwnd_reduction() */
function enterRecovery(sk: TcpSock): void {
  sk.ssthresh = Math.max(Math.floor(sk.cwnd / 2), 2)
  sk.cwnd = sk.ssthresh
  sk.highSeq = sk.sndNxt
  sk.tlpHighSeq = undefined
  sk.caState = 'recovery'
}

/** How far an ACK brought things, and whether the timer of what is in flight is set anew after it. */
export interface AckAlert {
  readonly advanced: boolean
  readonly duplicate: boolean
  readonly sack: SackNews
}

/**
 * tcp_fastretrans_alert(), for an ACK that is dubious or comes while something is amiss. `rexmit`: what is lost may go again;
 * `waits`: RACK has set the timer.
 */
export function fastRetransAlert(sk: TcpSock, alert: AckAlert): { rexmit: boolean; waits: boolean } {
  const recovered = !before(sk.sndUna, sk.highSeq)
  if (sk.caState === 'recovery' && recovered) open(sk)
  switch (sk.caState) {
    case 'loss': {
      if (recovered) open(sk)
      const found = identifyLoss(sk, alert)
      if (recovered || found.again) return timeToRecover(sk, found.waits)
      return { rexmit: true, waits: found.waits }
    }
    case 'recovery':
      return { rexmit: true, waits: identifyLoss(sk, alert).waits }
    default:
      return timeToRecover(sk, identifyLoss(sk, alert).waits)
  }
}

/** tcp_time_to_recover(), tcp_try_keep_open() */
function timeToRecover(sk: TcpSock, waits: boolean): { rexmit: boolean; waits: boolean } {
  if (sk.rtxQueue.some((s) => s.lost)) {
    enterRecovery(sk)
    return { rexmit: true, waits }
  }
  const untidy = sk.rtxQueue[0]?.retransmitted === true || sk.rtxQueue.some((s) => s.sacked || s.retransOut)
  sk.caState = untidy ? 'disorder' : 'open'
  return { rexmit: false, waits }
}

/** tcp_try_undo_recovery(), tcp_end_cwnd_reduction() */
function open(sk: TcpSock): void {
  if (sk.caState === 'recovery') sk.cwnd = sk.ssthresh
  sk.caState = 'open'
  sk.dupacks = 0
}

/** tcp_identify_packet_loss(): by RACK; without SACK after three duplicate ACKs, or one that ends within the hole (RFC 6582). */
function identifyLoss(sk: TcpSock, { advanced, duplicate }: AckAlert): { again: boolean; waits: boolean } {
  const head = sk.rtxQueue[0]
  if (head === undefined) return { again: false, waits: false }
  if (!sk.sackOk) {
    if (duplicate) sk.dupacks++
    const within = sk.caState === 'recovery' || sk.caState === 'loss'
    if (within ? advanced : sk.dupacks >= REORDERING) head.lost = true
    return { again: false, waits: false }
  }
  const { again, timeout } = rackMarkLost(sk)
  if (timeout > 0) armRetransmit(sk, 'reordering', timeout)
  return { again, waits: timeout > 0 }
}

/** tcp_rack_reo_timeout(): long enough waited for what may have been overtaken. */
export function reorderingTimeout(sk: TcpSock, cause: number): void {
  const before = sk.inFlight
  rackDetectLoss(sk)
  if (sk.inFlight !== before) {
    if (sk.caState !== 'recovery') enterRecovery(sk)
    retransmitLost(sk, cause)
  }
  if (sk.retransmitKind !== 'retransmit') rearmRto(sk)
}

/** tcp_process_tlp_ack(): whether the tail loss probe has been accounted for. */
export function processLossProbeAck(sk: TcpSock, ack: number, news: { readonly sack: SackNews; readonly pure: boolean }): void {
  if (sk.tlpHighSeq === undefined || before(ack, sk.tlpHighSeq)) return
  const told = !sk.tlpRetrans || news.sack.probe || news.pure
  if (told) sk.tlpHighSeq = undefined
  else if (after(ack, sk.tlpHighSeq)) {
    // The probe filled a hole: one reduction of the window, as for any loss.
    sk.ssthresh = Math.max(Math.floor(sk.cwnd / 2), 2)
    sk.cwnd = sk.ssthresh
    sk.tlpHighSeq = undefined
  }
}
