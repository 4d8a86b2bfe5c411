import { after } from '../sequence.ts'
import { REORDERING } from './constants.ts'
import { endOf, type Segment } from './segment.ts'
import type { TcpSock } from './sock.ts'

// Loss by time, RFC 8985 (net/ipv4/tcp_recovery.c): a segment is lost once something that was sent after it has arrived and a
// round trip has passed since. The links here keep the order of frames, so the window for reordering never widens.

/** TCP_TIMEOUT_MIN_US, ns */
const TIMEOUT_MIN = 2_000_000

/** tcp_skb_sent_after() */
const sentAfter = (at: number, end: number, than: number, thanEnd: number): boolean =>
  at > than || (at === than && after(end, thanEnd))

/** tcp_rack_advance(): this segment was delivered, and none that was sent later so far. */
export function rackAdvance(sk: TcpSock, s: Segment): void {
  const rtt = sk.host.now - s.sentAt
  // What answers so soon after a retransmission answers the first copy.
  if (s.retransmitted && rtt < sk.minRtt) return
  const { rack } = sk
  rack.advanced = true
  rack.rtt = rtt
  if (!sentAfter(s.sentAt, endOf(s), rack.sentAt, rack.end)) return
  rack.sentAt = s.sentAt
  rack.end = endOf(s)
}

/** tcp_rack_reo_wnd(), ns: what is late may have been overtaken, until a loss is certain. */
function reorderingWindow(sk: TcpSock): number {
  if (sk.caState === 'recovery' || sk.caState === 'loss') return 0
  let sacked = 0
  for (const s of sk.rtxQueue) if (s.sacked) sacked++
  return sacked >= REORDERING ? 0 : Math.min(sk.minRtt / 4, sk.srtt)
}

/** tcp_rack_skb_timeout(): how long, ns, until this segment counts as lost. */
export const rackTimeout = (sk: TcpSock, s: Segment, window: number): number => sk.rack.rtt + window - (sk.host.now - s.sentAt)

/** tcp_mark_skb_lost(). True when it is a retransmission that was lost. */
export function markLost(s: Segment): boolean {
  if (s.sacked) return false
  const again = s.lost && s.retransOut
  if (again) s.retransOut = false
  s.lost = true
  return again
}

/** What a look at all that is in flight came to. */
export interface RackLosses {
  /** A retransmission was lost too. */
  readonly again: boolean
  /** ns until the next look, when something may only be late; else 0. */
  readonly timeout: number
}

/** tcp_rack_detect_loss() */
export function rackDetectLoss(sk: TcpSock): RackLosses {
  const window = reorderingWindow(sk)
  let again = false
  let timeout = 0
  for (const s of sk.rtxQueue) {
    if (s.sacked || (s.lost && !s.retransOut)) continue
    if (!sentAfter(sk.rack.sentAt, sk.rack.end, s.sentAt, endOf(s))) continue
    const remaining = rackTimeout(sk, s, window)
    if (remaining > 0) timeout = Math.max(timeout, remaining)
    else again = markLost(s) || again
  }
  return { again, timeout: timeout > 0 ? timeout + TIMEOUT_MIN : 0 }
}

/** tcp_rack_mark_lost(): only after something new was delivered. */
export function rackMarkLost(sk: TcpSock): RackLosses {
  if (!sk.rack.advanced) return { again: false, timeout: 0 }
  sk.rack.advanced = false
  return rackDetectLoss(sk)
}
