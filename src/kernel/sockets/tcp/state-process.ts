import { TCP } from '../../../net/packet.ts'
import type { Skb } from '../../types.ts'
import type { SocketHost } from '../host.ts'
import { after, before, seqAdd, seqDiff } from '../sequence.ts'
import {
  classifyAck,
  dataSendCheck,
  duplicateAck,
  type Incoming,
  inWindow,
  isPawsOld,
  outOfWindowAck,
  processAck,
  resetIsExact,
  storeTimestamp,
} from './ack.ts'
import { acknowledgeDuplicate, queueIncoming } from './data.ts'
import { tcpDone, tcpFail, timeWait } from './done.ts'
import { ackSendCheck } from './output.ts'
import { sendReset } from './reset.ts'
import type { TcpSock } from './sock.ts'
import { sendAck } from './transmit.ts'

const has = (seg: Incoming, flag: number) => (seg.flags & flag) !== 0

/**
 * tcp_rcv_established(), tcp_rcv_state_process(): a segment for a connection that has seen both SYNs. First everything that can
 * be wrong with it (tcp_validate_incoming), then the ACK, then the data, then what is to be sent.
 */
export function processSegment(sk: TcpSock, skb: Skb, seg: Incoming): void {
  const { host } = sk
  if (isPawsOld(sk, seg) && !has(seg, TCP.RST)) {
    repel(sk, seg, host.drop(skb, 'SKB_DROP_REASON_TCP_INVALID_SEQUENCE'))
    return
  }
  if (!inWindow(sk, seg)) {
    const cause = host.drop(skb, 'SKB_DROP_REASON_TCP_INVALID_SEQUENCE')
    if (!has(seg, TCP.RST)) repel(sk, seg, cause)
    return
  }
  if (has(seg, TCP.RST)) {
    receiveReset(sk, skb, seg)
    return
  }
  if (has(seg, TCP.SYN)) {
    // RFC 5961 section 4: a SYN inside the window is questioned, whoever sent it.
    outOfWindowAck(sk, host.drop(skb, 'SKB_DROP_REASON_TCP_INVALID_SEQUENCE'))
    return
  }
  if (!has(seg, TCP.ACK)) {
    host.drop(skb, 'SKB_DROP_REASON_TCP_FLAGS')
    return
  }
  const verdict = classifyAck(sk, seg.ack)
  if (verdict === 'unsent') {
    outOfWindowAck(sk, host.drop(skb, 'SKB_DROP_REASON_TCP_INVALID_SEQUENCE'))
    return
  }
  const length = seqDiff(seg.end, seg.seq)
  if (length > 0 && !after(seg.end, sk.rcvNxt)) {
    receiveDuplicate(sk, skb, seg, verdict === 'new')
    return
  }
  const cause = host.deliver(skb, sk.ref)
  storeTimestamp(sk, seg)
  if (verdict === 'new') processAck(sk, seg, cause)
  sk.sync()
  if (!afterAck(sk, skb, seg, host, cause)) return
  if (sk.state !== 'TIME_WAIT' && sk.state !== 'CLOSED') {
    queueIncoming(sk, seg, cause)
    dataSendCheck(sk, cause)
    if (isOpen(sk)) ackSendCheck(sk, cause)
  }
}

/** tcp_validate_incoming(): a SYN is questioned, anything else is told what is known already. */
function repel(sk: TcpSock, seg: Incoming, cause: number): void {
  if (has(seg, TCP.SYN)) outOfWindowAck(sk, cause)
  else duplicateAck(sk, seg, cause)
}

const isOpen = (sk: TcpSock): boolean => sk.state !== 'TIME_WAIT' && sk.state !== 'CLOSED'

function receiveDuplicate(sk: TcpSock, skb: Skb, seg: Incoming, ackIsNew: boolean): void {
  const cause = sk.host.drop(skb, 'SKB_DROP_REASON_TCP_OLD_DATA')
  if (ackIsNew) processAck(sk, seg, cause)
  acknowledgeDuplicate(sk, seg)
  // Data that waits may carry the ACK.
  dataSendCheck(sk, cause)
  if (isOpen(sk)) ackSendCheck(sk, cause)
  if (sk.state === 'TIME_WAIT') timeWait(sk, 'TIME_WAIT', cause)
}

/** tcp_reset(), after RFC 5961 section 3 has been asked. */
function receiveReset(sk: TcpSock, skb: Skb, seg: Incoming): void {
  if (!resetIsExact(sk, seg)) {
    outOfWindowAck(sk, sk.host.drop(skb, 'SKB_DROP_REASON_TCP_RESET'))
    return
  }
  const cause = sk.host.deliver(skb, sk.ref)
  if (sk.state === 'CLOSE_WAIT') tcpFail(sk, 'EPIPE', cause)
  else if (sk.dead) tcpDone(sk, cause)
  else tcpFail(sk, 'ECONNRESET', cause)
}

/** The part of tcp_rcv_state_process() that moves a closing connection on. False when the segment has ended the connection. */
function afterAck(sk: TcpSock, skb: Skb, seg: Incoming, host: SocketHost, cause: number): boolean {
  const finAcked = sk.sndShutdown && sk.sndUna === sk.writeSeq
  if (sk.dead && sk.rcvShutdown === false && after(seqAdd(seg.seq, seg.bytes.length), sk.rcvNxt) && seg.bytes.length > 0) {
    // TCPABORTONDATA: nobody is left to read this.
    sendReset(host, skb, cause)
    tcpDone(sk, cause)
    return false
  }
  switch (sk.state) {
    case 'FIN_WAIT1':
      if (!finAcked) return true
      sk.setState('FIN_WAIT2', cause)
      if (sk.dead) timeWait(sk, 'FIN_WAIT2', cause)
      return true
    case 'CLOSING':
      if (finAcked) timeWait(sk, 'TIME_WAIT', cause)
      return true
    case 'LAST_ACK':
      if (!finAcked) return true
      tcpDone(sk, cause)
      return false
    default:
      return true
  }
}

/** tcp_timewait_state_process(): answers a repeated FIN, believes a reset, and gives way to a new connection with higher numbers. */
export function processTimeWait(sk: TcpSock, skb: Skb, seg: Incoming): 'done' | 'new-connection' {
  const { host } = sk
  const known = !before(seg.end, sk.rcvWup) && !after(seg.seq, seqAdd(sk.rcvNxt, sk.receiveWindow))
  if (has(seg, TCP.RST)) {
    if (seg.seq !== sk.rcvNxt) {
      host.drop(skb, 'SKB_DROP_REASON_TCP_RESET')
      return 'done'
    }
    tcpDone(sk, host.deliver(skb, sk.ref))
    return 'done'
  }
  const fresh = has(seg, TCP.SYN) && !has(seg, TCP.ACK) && after(seg.seq, sk.rcvNxt)
  if (fresh && !isPawsOld(sk, seg)) return 'new-connection'
  if (known && seg.bytes.length === 0 && !has(seg, TCP.SYN | TCP.FIN)) {
    host.deliver(skb, sk.ref)
    return 'done'
  }
  const cause = host.deliver(skb, sk.ref)
  if (has(seg, TCP.FIN)) timeWait(sk, 'TIME_WAIT', cause)
  sendAck(sk, cause)
  return 'done'
}
