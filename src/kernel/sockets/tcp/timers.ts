import { RTO_MAX, RTO_MIN } from './constants.ts'
import type { RetransmitTimerKind, TcpSock } from './sock.ts'

/** inet_csk_reset_xmit_timer(): one timer for all purposes; the last to arm it wins. `delay` in ns. */
export function armRetransmit(sk: TcpSock, kind: RetransmitTimerKind, delay: number): void {
  sk.retransmitTimer?.cancel()
  sk.retransmitKind = kind
  const expired = () => {
    sk.retransmitTimer = undefined
    // Those two go on as the retransmission timer, which counts from when the head was sent (tcp_write_timer_handler()).
    if (kind !== 'loss-probe' && kind !== 'reordering') sk.retransmitKind = undefined
    sk.onTimeout?.(kind)
  }
  const tick = kind === 'syn-ack' && sk.listener !== undefined ? 'pinned' : 'global'
  sk.retransmitTimer = sk.host.ns.kernel.schedule(Math.min(delay, RTO_MAX), expired, tick)
}

export function disarmRetransmit(sk: TcpSock): void {
  sk.retransmitTimer?.cancel()
  sk.retransmitTimer = undefined
  sk.retransmitKind = undefined
}

/**
 * The request's own timer (reqsk_timer_handler), for `sk.rto`. It is pinned: where client and server share a clock, it falls
 * into one tick with that of the SYN that made the request, and runs first.
 */
export const armRequest = (sk: TcpSock): void => armRetransmit(sk, 'syn-ack', sk.rto)

/** tcp_rearm_rto(): behind another timer of what is in flight, from when its first segment was sent. */
export function rearmRto(sk: TcpSock): void {
  if (sk.rtxQueue.length === 0) disarmRetransmit(sk)
  else {
    const within = sk.retransmitKind === 'loss-probe' || sk.retransmitKind === 'reordering'
    armRetransmit(sk, 'retransmit', within ? Math.max(rtoDelta(sk), LEAST_WAIT) : sk.rto)
  }
}

/** One jiffy, ns. */
const LEAST_WAIT = 4_000_000

/** tcp_rto_delta_us(), ns: until the first segment in flight has waited for its timeout. */
const rtoDelta = (sk: TcpSock): number => sk.rto - (sk.host.now - (sk.rtxQueue[0]?.sentAt ?? sk.host.now))

/** tcp_probe0_base() */
export const probeBase = (sk: TcpSock): number => Math.max(sk.rto, RTO_MIN)

/** tcp_probe0_when(): doubled with every probe, at most ten times. */
export const probeWait = (sk: TcpSock): number => Math.min(probeBase(sk) * 2 ** Math.min(sk.backoff, PROBE_DOUBLINGS), RTO_MAX)

/** ilog2(TCP_RTO_MAX / TCP_RTO_MIN) + 1 */
const PROBE_DOUBLINGS = 10

/**
 * tcp_schedule_loss_probe(), RFC 8985 section 7: with SACK and nothing lost, the last segment is sent once more after two round
 * trips (200 ms longer when it is alone, for its ACK may be delayed), unless the retransmission timeout comes first. False when
 * there is to be no probe.
 */
export function scheduleLossProbe(sk: TcpSock): boolean {
  if (sk.rtxQueue.length === 0 || !sk.sackOk || sk.caState !== 'open' || sk.tlpHighSeq !== undefined) return false
  if (sk.srtt === 0 || sk.state === 'SYN_SENT' || sk.state === 'SYN_RECV') return false
  const alone = sk.rtxQueue.length === 1
  const timeout = 2 * sk.srtt + (alone ? RTO_MIN : 2_000_000)
  armRetransmit(sk, 'loss-probe', Math.min(timeout, sk.rto))
  return true
}

/** tcp_set_xmit_timer() */
export function setXmitTimer(sk: TcpSock): void {
  if (!scheduleLossProbe(sk)) rearmRto(sk)
}
