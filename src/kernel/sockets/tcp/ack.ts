import { TCP } from '../../../net/packet.ts'
import { after, before, between, seqAdd, seqDiff } from '../sequence.ts'
import { ATO_MIN, MAX_QUICKACKS, SECOND } from './constants.ts'
import { retransmitLost } from './loss.ts'
import type { ReceivedOptions } from './options.ts'
import { pushPending } from './output.ts'
import { rackAdvance } from './rack.ts'
import { fastRetransAlert, markSacked, NO_SACK, processLossProbeAck } from './recovery.ts'
import { updateRtt } from './rtt.ts'
import { endOf } from './segment.ts'
import type { TcpSock } from './sock.ts'
import { armRetransmit, disarmRetransmit, probeWait, setXmitTimer } from './timers.ts'
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
  const windowNews = updateWindow(sk, seg)
  sk.sndUna = seg.ack
  const sack = seg.options.sack.length > 0 ? markSacked(sk, seg.options.sack, seg.ack) : NO_SACK
  const advanced = seg.ack !== una
  if (advanced) onProgress(sk)
  sk.probesOut = 0
  const acked = inFlight ? cleanQueue(sk, seg.options.timestamps, sack.rtt) : 0
  const plain = seg.end === seg.seq && !windowNews && acked === 0
  processLossProbeAck(sk, seg.ack, { sack, pure: plain && !advanced && !sack.data })
  if (!inFlight) {
    probeAnswered(sk)
    return
  }
  const dubious = plain || sack.data || sack.duplicate || sk.caState !== 'open'
  const duplicate = plain && !advanced && !sack.duplicate
  const { rexmit, waits } = dubious ? fastRetransAlert(sk, { advanced, duplicate, sack }) : CALM
  if (acked > 0 && !waits) setXmitTimer(sk)
  if (acked > 0 || sack.data || plain) sk.dstConfirm = true
  // Slow start; beyond ssthresh a segment a round trip (RFC 5681 section 3.1).
  if (acked > 0 && sk.caState !== 'recovery') sk.cwnd += sk.cwnd < sk.ssthresh ? acked : acked / sk.cwnd
  if (rexmit) retransmitLost(sk, cause)
}

const CALM = { rexmit: false, waits: false }

/** tcp_ack_probe(): whatever waits either fits the window now and goes out, or is probed for again. */
function probeAnswered(sk: TcpSock): void {
  const head = sk.writeQueue[0]
  if (head === undefined) return
  if (seqDiff(endOf(head), sk.sndNxt) <= sendRoom(sk)) {
    sk.backoff = 0
    if (sk.retransmitKind === 'window-probe') disarmRetransmit(sk)
  } else armRetransmit(sk, 'window-probe', probeWait(sk))
}

/** tcp_ack_update_window(): true where the segment is newer than what the window was taken from. */
function updateWindow(sk: TcpSock, seg: Incoming): boolean {
  const window = (seg.flags & TCP.SYN) !== 0 ? seg.window : seg.window * 2 ** sk.sndWscale
  const wider = seg.seq === sk.sndWl1 && (window > sk.sndWnd || window === 0)
  if (!after(seg.ack, sk.sndUna) && !after(seg.seq, sk.sndWl1) && !wider) return false
  sk.sndWl1 = seg.seq
  sk.sndWnd = window
  sk.maxWindow = Math.max(sk.maxWindow, window)
  return true
}

/**
 * tcp_clean_rtx_queue(): the round trip comes from segments that went out once (Karn), else from `sacked` (ns). How many were
 * acknowledged.
 */
function cleanQueue(sk: TcpSock, timestamps: Incoming['options']['timestamps'], sacked: number | undefined): number {
  let rtt: number | undefined
  let again = false
  let freed = 0
  while (sk.rtxQueue[0] !== undefined && !after(endOf(sk.rtxQueue[0]), sk.sndUna)) {
    const s = sk.rtxQueue.shift()
    if (s === undefined) break
    freed++
    if (s.retransmitted) again = true
    else if (!s.sacked) rtt ??= sk.host.now - s.sentAt
    if (!s.sacked && sk.sackOk) rackAdvance(sk, s)
  }
  const measured = again ? sacked : (rtt ?? sacked)
  if (freed > 0 || measured !== undefined) updateRtt(sk, measured, freed > 0 ? timestamps : undefined)
  return freed
}

function onProgress(sk: TcpSock): void {
  sk.retransmits = 0
  sk.attempts = 0
  sk.dupacks = 0
  sk.retransStamp = undefined
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
