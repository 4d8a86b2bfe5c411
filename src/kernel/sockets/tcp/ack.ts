import { TCP } from '../../../net/packet.ts'
import { after, before, between, seqAdd, seqDiff } from '../sequence.ts'
import { ATO_MIN, MAX_QUICKACKS, SECOND } from './constants.ts'
import { detectLoss, leaveRecovery, markSacked, retransmitLost } from './loss.ts'
import type { ReceivedOptions } from './options.ts'
import { pushPending } from './output.ts'
import { currentRto, updateRtt } from './rtt.ts'
import { endOf } from './segment.ts'
import type { TcpSock } from './sock.ts'
import { armRetransmit, disarmRetransmit, probeWait, rearmRto, scheduleLossProbe } from './timers.ts'
import { sendAck } from './transmit.ts'
import { sendRoom } from './window.ts'

/** An arriving segment with what its options said. */
export interface Incoming {
  readonly seq: number
  /** The number after its last. */
  readonly end: number
  readonly ack: number
  readonly flags: number
  readonly window: number
  readonly bytes: Uint8Array
  readonly options: ReceivedOptions
}

export type AckVerdict = 'new' | 'old' | 'unsent'

/** Which of the three an acknowledgement is; nothing changes yet. */
export function classifyAck(sk: TcpSock, ack: number): AckVerdict {
  if (before(ack, sk.sndUna)) return 'old'
  return after(ack, sk.sndNxt) ? 'unsent' : 'new'
}

/** tcp_ack(): takes the window, frees what is acknowledged, measures the round trip, sends what that allows. */
export function processAck(sk: TcpSock, seg: Incoming, cause: number): void {
  const una = sk.sndUna
  const inFlight = sk.rtxQueue.length > 0
  const windowChanged = updateWindow(sk, seg)
  if (seg.options.sack.length > 0) markSacked(sk, seg.options.sack)
  sk.sndUna = seg.ack
  const progressed = cleanQueue(sk, seg.options.timestamps)
  if (seg.ack !== una) onProgress(sk, una)
  else if (sk.rtxQueue.length > 0 && seg.bytes.length === 0 && !windowChanged && (seg.flags & (TCP.SYN | TCP.FIN)) === 0) {
    sk.dupacks++
  }
  if (sk.rtxQueue.length > 0) {
    detectLoss(sk)
    if (progressed && sk.highSeq === undefined) scheduleLossProbe(sk)
  }
  sk.probesOut = 0
  if (!inFlight) probeAnswered(sk)
  retransmitLost(sk, cause)
}

/** tcp_ack_probe(): whatever waits either fits the window now and goes out, or is probed for again. */
function probeAnswered(sk: TcpSock): void {
  const head = sk.writeQueue[0]
  if (head === undefined) return
  if (seqDiff(endOf(head), sk.sndNxt) <= sendRoom(sk)) {
    sk.backoff = 0
    if (sk.retransmitKind === 'window-probe') disarmRetransmit(sk)
  } else armRetransmit(sk, 'window-probe', probeWait(sk))
}

/** tcp_ack_update_window() */
function updateWindow(sk: TcpSock, seg: Incoming): boolean {
  const window = (seg.flags & TCP.SYN) !== 0 ? seg.window : seg.window * 2 ** sk.sndWscale
  const newer = after(seg.ack, sk.sndUna) || after(seg.seq, sk.sndWl1) || (seg.seq === sk.sndWl1 && window > sk.sndWnd)
  if (!newer) return false
  sk.sndWl1 = seg.seq
  const changed = window !== sk.sndWnd
  sk.sndWnd = window
  sk.maxWindow = Math.max(sk.maxWindow, window)
  return changed
}

/** tcp_clean_rtx_queue(): the round trip comes from segments that went out once (Karn). */
function cleanQueue(sk: TcpSock, timestamps: Incoming['options']['timestamps']): boolean {
  let rtt: number | undefined
  let freed = 0
  while (sk.rtxQueue[0] !== undefined && !after(endOf(sk.rtxQueue[0]), sk.sndUna)) {
    const s = sk.rtxQueue.shift()
    if (s === undefined) break
    freed++
    sk.dstConfirm = true
    if (!s.retransmitted && !s.sacked) rtt = sk.host.now - s.sentAt
  }
  if (freed > 0) updateRtt(sk, rtt, timestamps)
  // Slow start; beyond ssthresh a segment a round trip (RFC 5681 section 3.1).
  if (freed > 0 && sk.highSeq === undefined) sk.cwnd += sk.cwnd < sk.ssthresh ? freed : freed / sk.cwnd
  return freed > 0
}

function onProgress(sk: TcpSock, una: number): void {
  sk.backoff = 0
  sk.retransmits = 0
  sk.attempts = 0
  sk.dupacks = 0
  sk.retransStamp = undefined
  sk.rto = currentRto(sk)
  if (sk.highSeq !== undefined) sk.cwnd += Math.max(1, Math.floor(seqDiff(sk.sndUna, una) / sk.mss))
  leaveRecovery(sk)
  rearmRto(sk)
}

/** tcp_data_snd_check(): the ACK may have made room. */
export function dataSendCheck(sk: TcpSock, cause: number): void {
  if (sk.writeQueue.length > 0) pushPending(sk, cause)
}

/** tcp_enter_quickack_mode() */
export function enterQuickack(sk: TcpSock): void {
  incrQuickack(sk)
  sk.pingpong = 0
  sk.ato = ATO_MIN
}

/** tcp_incr_quickack(): how many segments are acknowledged at once, from the window and the sender's segment size. */
export function incrQuickack(sk: TcpSock): void {
  const quick = Math.max(2, Math.floor(sk.rcvWnd / (2 * sk.rcvMss)))
  sk.quick = Math.max(sk.quick, Math.min(quick, MAX_QUICKACKS))
}

const CHALLENGE_INTERVAL = SECOND / 2

/** tcp_oow_rate_limited(), the other way round: what is out of the window is answered at most twice a second. */
export function answersOutOfWindow(sk: TcpSock): boolean {
  const { now } = sk.host
  if (now - sk.lastOowAck < CHALLENGE_INTERVAL) return false
  sk.lastOowAck = now
  return true
}

/** tcp_send_dupack(): a segment out of the window. What is a copy of something is named. */
export function duplicateAck(sk: TcpSock, seg: Incoming, cause: number): void {
  if (!answersOutOfWindow(sk)) return
  if (seg.end !== seg.seq && before(seg.seq, sk.rcvNxt)) {
    enterQuickack(sk)
    sk.dsack = { left: seg.seq, right: after(seg.end, sk.rcvNxt) ? sk.rcvNxt : seg.end }
  }
  sendAck(sk, cause)
}

/** tcp_send_challenge_ack(): tells the other end where this one stands (RFC 5961). */
export function outOfWindowAck(sk: TcpSock, cause: number): void {
  if (answersOutOfWindow(sk)) sendAck(sk, cause)
}

/** tcp_sequence(): does the segment touch the window at all. */
export const inWindow = (sk: TcpSock, seg: Incoming): boolean =>
  !before(seg.end, sk.rcvWup) && !after(seg.seq, seqAdd(sk.rcvNxt, sk.receiveWindow))

/** RFC 5961 section 3.2: only a reset with exactly the next number is believed. */
export const resetIsExact = (sk: TcpSock, seg: Incoming): boolean => seg.seq === sk.rcvNxt

/** tcp_paws_discard(): older than the last timestamp accepted. */
export function isPawsOld(sk: TcpSock, seg: Incoming): boolean {
  const ts = seg.options.timestamps
  return sk.tsOk && ts !== undefined && seqDiff(sk.tsRecent, ts.value) > 0
}

/** tcp_replace_ts_recent() */
export function storeTimestamp(sk: TcpSock, seg: Incoming): void {
  const ts = seg.options.timestamps
  if (sk.tsOk && ts !== undefined && !after(seg.seq, sk.rcvWup)) sk.tsRecent = ts.value
}

export const ackIsForSyn = (sk: TcpSock, ack: number): boolean => between(ack, seqAdd(sk.sndUna, 1), sk.sndNxt)
