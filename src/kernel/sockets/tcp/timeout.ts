import { assertNever } from '../../../base/assert-never.ts'
import { EMPTY, TCP } from '../../../net/packet.ts'
import { STEP } from '../../../trace/columns.ts'
import { seqDiff } from '../sequence.ts'
import { ORPHAN_RETRIES, RTO_MAX, RTO_MIN } from './constants.ts'
import { tcpDone, writeError } from './done.ts'
import { probeSequence, resend, retransmit } from './loss.ts'
import { sendNew } from './output.ts'
import { enterLoss, reorderingTimeout } from './recovery.ts'
import { endOf, splitSegment } from './segment.ts'
import type { RetransmitTimerKind, TcpSock } from './sock.ts'
import { armRequest, armRetransmit, probeWait, rearmRto } from './timers.ts'
import { transmit } from './transmit.ts'
import { sendRoom } from './window.ts'

const TIMER_NAMES: Record<RetransmitTimerKind, string> = {
  retransmit: 'tcp retransmit',
  'loss-probe': 'tcp loss probe',
  reordering: 'tcp reordering',
  'window-probe': 'tcp window probe',
  'syn-ack': 'tcp syn-ack retransmit',
}

/** tcp_write_timer_handler() */
export function onTimeout(sk: TcpSock, kind: RetransmitTimerKind): void {
  const cause = sk.host.timerStep(TIMER_NAMES[kind], sk.ref, sk.lastCause)
  switch (kind) {
    case 'retransmit':
      retransmitTimer(sk, cause)
      return
    case 'loss-probe':
      lossProbe(sk, cause)
      return
    case 'reordering':
      reorderingTimeout(sk, cause)
      return
    case 'window-probe':
      windowProbe(sk, cause)
      return
    case 'syn-ack':
      synAckTimer(sk, cause)
      return
    default:
      assertNever(kind, 'timer')
  }
}

/** tcp_retransmit_timer() */
export function retransmitTimer(sk: TcpSock, cause: number): void {
  const head = sk.rtxQueue[0]
  if (head === undefined) return
  if (exhausted(sk)) {
    writeError(sk, cause)
    return
  }
  sk.txHash = sk.host.nextTxHash()
  enterLoss(sk)
  sk.retransmits++
  if (sk.state !== 'SYN_SENT' || sk.retransmits > synLinearTimeouts(sk)) {
    sk.backoff++
    sk.rto = Math.min(sk.rto * 2, RTO_MAX)
  }
  armRetransmit(sk, 'retransmit', sk.rto)
  retransmit(sk, head, sk.rto, cause)
}

/**
 * So many SYNs come at even intervals before the waits double. Linux 6.5 brought it, with 4 as its default; a namespace here
 * starts with 0, as Linux 6.1 behaves, whose defaults all others are (sysctl.ts) and which sends at 1, 3, 7 … seconds.
 */
const synLinearTimeouts = (sk: TcpSock): number => sk.host.ns.sysctl('net.ipv4.tcp_syn_linear_timeouts')

/** tcp_write_timeout(): SYNs are counted, everything else is given the time that many doublings would take. */
function exhausted(sk: TcpSock): boolean {
  const { ns } = sk.host
  if (sk.state === 'SYN_SENT') return sk.retransmits >= ns.sysctl('net.ipv4.tcp_syn_retries') + synLinearTimeouts(sk)
  const retries = sk.dead && sk.rto < RTO_MAX ? ORPHAN_RETRIES : ns.sysctl('net.ipv4.tcp_retries2')
  if (sk.retransStamp === undefined || sk.retransmits === 0) return false
  return sk.host.now - sk.retransStamp >= modelTimeout(retries)
}

/** tcp_model_timeout(): the sum of `boundary` + 1 doublings from 200 ms, each at most 120 s. 924.6 s for tcp_retries2 = 15. */
export function modelTimeout(boundary: number): number {
  const linear = Math.floor(Math.log2(RTO_MAX / RTO_MIN))
  if (boundary <= linear) return ((2 << boundary) - 1) * RTO_MIN
  return ((2 << linear) - 1) * RTO_MIN + (boundary - linear) * RTO_MAX
}

/** tcp_send_loss_probe(): new data if there is some, else the last segment; then the ordinary timeout runs. */
function lossProbe(sk: TcpSock, cause: number): void {
  const last = sk.rtxQueue.at(-1)
  if (last === undefined) {
    sk.retransmitKind = undefined
    return
  }
  const next = sk.writeQueue[0]
  const fresh = next !== undefined && seqDiff(endOf(next), sk.sndNxt) <= sendRoom(sk)
  if (fresh ? sendNew(sk, next, cause) : resend(sk, last, sk.rto, cause)) {
    sk.tlpHighSeq = sk.sndNxt
    sk.tlpRetrans = !fresh
    sk.retransmitKind = undefined
  }
  rearmRto(sk)
}

/** tcp_probe_timer(), tcp_send_probe0(): as long as nothing is in flight, something is sent from time to time. */
function windowProbe(sk: TcpSock, cause: number): void {
  if (sk.rtxQueue.length > 0 || sk.writeQueue.length === 0) {
    sk.probesOut = 0
    return
  }
  const retries = sk.host.ns.sysctl('net.ipv4.tcp_retries2')
  if (sk.probesOut >= (sk.dead ? ORPHAN_RETRIES : retries)) {
    writeError(sk, cause)
    return
  }
  writeWakeup(sk, cause)
  if (sk.rtxQueue.length > 0 || sk.writeQueue.length === 0) {
    sk.probesOut = 0
    sk.backoff = 0
    return
  }
  sk.probesOut++
  if (sk.backoff < retries) sk.backoff++
  armRetransmit(sk, 'window-probe', probeWait(sk))
}

/** tcp_write_wakeup(): what waits, as far as the window takes it; with no window an old number, which must be answered. */
function writeWakeup(sk: TcpSock, cause: number): void {
  const head = sk.writeQueue[0]
  const room = sendRoom(sk)
  if (head === undefined || room <= 0) {
    transmit(sk, { seq: probeSequence(sk), bytes: EMPTY, flags: 0 }, cause)
    return
  }
  head.flags |= TCP.PSH
  const pieces = splitSegment(head, Math.min(room, sk.mss))
  if (pieces.length > 1) sk.writeQueue.splice(0, 1, ...pieces)
  const [first] = pieces
  if (first === undefined) return
  first.flags |= TCP.PSH
  sendNew(sk, first, cause)
}

/** reqsk_timer_handler(): a request that nobody completes, or whose answer cannot be sent, is forgotten without a word. */
function synAckTimer(sk: TcpSock, cause: number): void {
  const head = sk.rtxQueue[0]
  if (head === undefined) return
  if (sk.retransmits >= sk.host.ns.sysctl('net.ipv4.tcp_synack_retries')) {
    tcpDone(sk, cause)
    return
  }
  sk.retransmits++
  sk.rto = Math.min(sk.rto * 2, RTO_MAX)
  armRequest(sk)
  if (!resendSynAck(sk, cause)) tcpDone(sk, cause)
}

/** inet_rtx_syn_ack(): false when there was no way out for it. */
export function resendSynAck(sk: TcpSock, cause: number): boolean {
  const head = sk.rtxQueue[0]
  if (head === undefined) return false
  sk.attempts++
  sk.txHash = sk.host.nextTxHash()
  head.retransmitted = true
  const seq = sk.host.step(STEP.tcpRetransmit, cause, sk.ref, sk.attempts, Math.round(sk.rto / 1000))
  sk.lastRetransmit = seq
  return transmit(sk, head, seq) === 'OK'
}
