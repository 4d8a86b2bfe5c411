import { TCP } from '../../../net/packet.ts'
import { STEP } from '../../../trace/columns.ts'
import { after, before, seqAdd, seqDiff } from '../sequence.ts'
import { enterQuickack, type Incoming, incrQuickack } from './ack.ts'
import { ATO_MIN } from './constants.ts'
import { timeWait } from './done.ts'
import type { TcpSock } from './sock.ts'
import { sendAck } from './transmit.ts'

const RECEIVE = 1

/** tcp_data_queue(): takes what is in order, keeps what is ahead, and notes that an ACK is due. */
export function queueIncoming(sk: TcpSock, seg: Incoming, cause: number): void {
  const fin = (seg.flags & TCP.FIN) !== 0
  if (seg.bytes.length === 0 && !fin) return
  if (after(seg.seq, sk.rcvNxt)) {
    keepForLater(sk, seg, fin)
    return
  }
  const skip = seqDiff(sk.rcvNxt, seg.seq)
  if (skip > 0) sk.dsack = { left: seg.seq, right: sk.rcvNxt }
  take(sk, seg.bytes.subarray(Math.max(0, skip)), fin, cause)
  eventDataReceived(sk, seg.bytes.length)
  takeWaiting(sk, cause)
}

function take(sk: TcpSock, bytes: Uint8Array, fin: boolean, cause: number): void {
  if (bytes.length > 0) {
    sk.receiveQueue.push(bytes)
    sk.receiveLength += bytes.length
    sk.rcvNxt = seqAdd(sk.rcvNxt, bytes.length)
    sk.host.step(STEP.socketData, cause, sk.ref, RECEIVE, bytes.length)
    sk.sync()
  }
  sk.ackScheduled = true
  if (fin) receiveFin(sk, cause)
  sk.wake(cause)
}

/** tcp_data_queue_ofo(): every segment beyond the hole is acknowledged at once, naming what is there (RFC 2018). */
function keepForLater(sk: TcpSock, seg: Incoming, fin: boolean): void {
  sk.ackScheduled = true
  const known = sk.outOfOrder.some((o) => !before(seg.seq, o.seq) && !after(seg.end, o.end))
  if (known) sk.dsack = { left: seg.seq, right: seg.end }
  else sk.outOfOrder.unshift({ seq: seg.seq, end: seg.end, bytes: seg.bytes, fin })
}

/** tcp_ofo_queue(): the hole is filled. */
function takeWaiting(sk: TcpSock, cause: number): void {
  for (;;) {
    const next = sk.outOfOrder.find((o) => !after(o.seq, sk.rcvNxt))
    if (next === undefined) return
    sk.outOfOrder = sk.outOfOrder.filter((o) => o !== next)
    if (after(next.end, sk.rcvNxt)) take(sk, next.bytes.subarray(seqDiff(sk.rcvNxt, next.seq)), next.fin, cause)
  }
}

/** tcp_event_data_recv(): adapts the delayed ACK time to how fast data comes. */
function eventDataReceived(sk: TcpSock, length: number): void {
  if (length === 0) return
  sk.ackScheduled = true
  measureRcvMss(sk, length)
  const { now } = sk.host
  const since = now - sk.lrcvTime
  if (sk.ato === 0) {
    // The first data of a connection: acknowledge at once for a while, the sender is in slow start.
    incrQuickack(sk)
    sk.ato = ATO_MIN
  } else if (since <= ATO_MIN / 2) sk.ato = sk.ato / 2 + ATO_MIN / 2
  else if (since < sk.ato) sk.ato = Math.min(sk.ato / 2 + since, sk.rto)
  else if (since > sk.rto) incrQuickack(sk)
  sk.lrcvTime = now
}

/** tcp_measure_rcv_mss(): the sender's segment size, and whether a small pushed segment came. */
function measureRcvMss(sk: TcpSock, length: number): void {
  if (length >= sk.rcvMss) {
    sk.rcvMss = Math.min(length, sk.advmss)
    return
  }
  sk.ackPushed = Math.min(sk.ackPushed + 1, 2)
}

/** tcp_fin(): the other end has said everything. */
function receiveFin(sk: TcpSock, cause: number): void {
  sk.rcvNxt = seqAdd(sk.rcvNxt, 1)
  sk.rcvShutdown = true
  sk.outOfOrder = []
  switch (sk.state) {
    case 'SYN_RECV':
    case 'ESTABLISHED':
      sk.setState('CLOSE_WAIT', cause)
      // inet_csk_enter_pingpong_mode(): our own FIN will probably carry the ACK.
      sk.pingpong = Math.max(sk.pingpong, 1)
      return
    case 'FIN_WAIT1':
      // Both close at once.
      sendAck(sk, cause)
      sk.setState('CLOSING', cause)
      return
    case 'FIN_WAIT2':
      sendAck(sk, cause)
      timeWait(sk, 'TIME_WAIT', cause)
      return
    default:
      return
  }
}

/** What tcp_data_queue() does with a segment that was here before: an ACK at once, for the first one may be lost. */
export function acknowledgeDuplicate(sk: TcpSock, seg: Incoming): void {
  sk.dsack = { left: seg.seq, right: seg.end }
  enterQuickack(sk)
  sk.ackScheduled = true
}
