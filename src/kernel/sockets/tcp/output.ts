import { EMPTY, TCP } from '../../../net/packet.ts'
import { after, before, seqAdd, seqDiff } from '../sequence.ts'
import { ATO_MIN } from './constants.ts'
import { endOf, newSegment, type Segment, splitSegment } from './segment.ts'
import type { TcpSock } from './sock.ts'
import { armRetransmit, probeBase, rearmRto, scheduleLossProbe } from './timers.ts'
import { inPingpong, sendAck, transmit } from './transmit.ts'
import { sendRoom } from './window.ts'

/** tcp_sendmsg(): appends to the write queue in segments of the current MSS; the last one carries PSH. */
export function queueData(sk: TcpSock, bytes: Uint8Array): void {
  let at = 0
  const tail = sk.writeQueue.at(-1)
  if (tail !== undefined && (tail.flags & (TCP.SYN | TCP.FIN)) === 0 && tail.bytes.length < sk.mss) {
    at = Math.min(bytes.length, sk.mss - tail.bytes.length)
    const joined = new Uint8Array(tail.bytes.length + at)
    joined.set(tail.bytes)
    joined.set(bytes.subarray(0, at), tail.bytes.length)
    tail.bytes = joined
  }
  for (; at < bytes.length; at += sk.mss) {
    sk.writeQueue.push(newSegment(seqAdd(sk.writeSeq, at), bytes.subarray(at, at + sk.mss), 0))
  }
  sk.writeSeq = seqAdd(sk.writeSeq, bytes.length)
  const last = sk.writeQueue.at(-1)
  if (last !== undefined) last.flags |= TCP.PSH
}

/** tcp_send_fin(): rides on the last unsent segment, else is one of its own. */
export function queueFin(sk: TcpSock): void {
  const tail = sk.writeQueue.at(-1)
  if (tail !== undefined) tail.flags |= TCP.FIN
  else sk.writeQueue.push(newSegment(sk.writeSeq, EMPTY, TCP.FIN))
  sk.writeSeq = seqAdd(sk.writeSeq, 1)
  sk.sndShutdown = true
}

/** tcp_write_xmit(), __tcp_push_pending_frames(): sends what the congestion window, the other end's window and Nagle allow. */
export function pushPending(sk: TcpSock, cause: number): void {
  let sent = false
  for (let s = sk.writeQueue[0]; s !== undefined; s = sk.writeQueue[0]) {
    if (sk.inFlight >= sk.cwnd || seqDiff(endOf(s), sk.sndNxt) > sendRoom(sk) || !nagleAllows(sk, s)) break
    if (!sendNew(sk, s, cause)) break
    sent = true
  }
  if (sent) scheduleLossProbe(sk)
  else if (sk.rtxQueue.length === 0 && sk.writeQueue.length > 0 && sk.retransmitKind === undefined) {
    // tcp_check_probe_timer(): nothing in flight will bring news of the window, or of what was refused here.
    armRetransmit(sk, 'window-probe', probeBase(sk))
  }
}

/**
 * tcp_transmit_skb() of the first segment that waits, and tcp_event_new_data_sent(). False when the host itself refused it
 * (OUTPUT dropped it): then it was never sent, and goes on waiting.
 */
export function sendNew(sk: TcpSock, s: Segment, cause: number): boolean {
  if (transmit(sk, s, cause) !== 'OK') return false
  const first = sk.rtxQueue.length === 0
  s.sentAt = sk.host.now
  sk.writeQueue.shift()
  sk.rtxQueue.push(s)
  sk.sndNxt = endOf(s)
  if (s.bytes.length > 0 && s.bytes.length < sk.mss) sk.sndSml = endOf(s)
  if (first || sk.retransmitKind === 'loss-probe') rearmRto(sk)
  return true
}

/** tcp_nagle_check(): a small segment waits while another small one is on its way. */
function nagleAllows(sk: TcpSock, s: Segment): boolean {
  const { length } = s.bytes
  if (length >= sk.mss || length === 0 || (s.flags & TCP.FIN) !== 0 || sk.noDelay) return true
  const smallInFlight = after(sk.sndSml, sk.sndUna) && !after(sk.sndSml, sk.sndNxt)
  return sk.rtxQueue.length === 0 || !smallInFlight
}

/** tcp_ack_snd_check(): after a segment was taken in, acknowledge now or within the delayed ACK time. */
export function ackSendCheck(sk: TcpSock, cause: number): void {
  if (!sk.ackScheduled) return
  const unannounced = seqDiff(sk.rcvNxt, sk.rcvWup)
  if (unannounced > sk.rcvMss || (sk.quick > 0 && !inPingpong(sk)) || sk.outOfOrder.length > 0) {
    sendAck(sk, cause)
    return
  }
  if (sk.delackTimer !== undefined) return
  sk.delackTimer = sk.host.ns.kernel.schedule(Math.max(sk.ato, ATO_MIN), () => {
    sk.delackTimer = undefined
    if (!sk.ackScheduled || sk.state === 'CLOSED') return
    delayedAck(sk, cause)
  })
}

/** tcp_delack_timer_handler() */
function delayedAck(sk: TcpSock, cause: number): void {
  if (inPingpong(sk)) {
    // The answer that was hoped for did not come: back to prompt ACKs.
    sk.pingpong = 0
    sk.ato = ATO_MIN
  }
  sendAck(sk, sk.host.timerStep('tcp delayed ack', sk.ref, cause))
}

/** tcp_cleanup_rbuf(): the process has read; a lone small segment or a grown window is acknowledged at once. */
export function cleanupReceive(sk: TcpSock, copied: number, cause: number): void {
  if (!sk.ackScheduled) return
  const many = seqDiff(sk.rcvNxt, sk.rcvWup) > sk.rcvMss
  const drained = copied > 0 && sk.receiveLength === 0
  if (many || (drained && (sk.ackPushed >= 2 || (sk.ackPushed >= 1 && !inPingpong(sk))))) sendAck(sk, cause)
}

/** tcp_simple_retransmit() after the path MTU shrank: what no longer fits goes again, in smaller pieces, at once. */
export function resegment(sk: TcpSock, cause: number): void {
  const tooLong = sk.rtxQueue.filter((s) => s.bytes.length > sk.mss)
  const cut = (queue: typeof sk.rtxQueue) => queue.splice(0, queue.length, ...queue.flatMap((s) => splitSegment(s, sk.mss)))
  cut(sk.rtxQueue)
  cut(sk.writeQueue)
  if (tooLong.length === 0) return
  for (const s of sk.rtxQueue) {
    if (tooLong.some((t) => !before(s.seq, t.seq) && before(s.seq, endOf(t)))) {
      s.retransmitted = true
      s.sentAt = sk.host.now
      transmit(sk, s, cause)
    }
  }
  rearmRto(sk)
}
