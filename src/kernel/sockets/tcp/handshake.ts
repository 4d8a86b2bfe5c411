import { ipv4 } from '../../../net/address.ts'
import { EMPTY, TCP } from '../../../net/packet.ts'
import type { Skb } from '../../types.ts'
import { seqAdd } from '../sequence.ts'
import { ackIsForSyn, answersOutOfWindow, type Incoming, inWindow, outOfWindowAck } from './ack.ts'
import { INIT_CWND, MIN_MSS, MSS_DEFAULT, TIMEOUT_INIT, TIMESTAMP_OPTION_LENGTH, WINDOW_SCALE } from './constants.ts'
import { queueIncoming } from './data.ts'
import { tcpDone, tcpFail } from './done.ts'
import { ackSendCheck } from './output.ts'
import { sendReset } from './reset.ts'
import { updateRtt } from './rtt.ts'
import { newSegment } from './segment.ts'
import { TcpSock } from './sock.ts'
import { onTimeout, resendSynAck } from './timeout.ts'
import { armRequest, armRetransmit, disarmRetransmit } from './timers.ts'
import { sendAck, transmit } from './transmit.ts'
import { initialWindow } from './window.ts'

const IP_TCP_HEADERS = 40

/** tcp_sync_mss(): the payload of a full segment for a path MTU, options taken off. Bytes. */
export function syncMss(sk: TcpSock, mtu: number): void {
  const options = sk.tsOk ? TIMESTAMP_OPTION_LENGTH : 0
  sk.mss = Math.max(MIN_MSS, Math.min(mtu - IP_TCP_HEADERS, sk.mssClamp) - options)
}

/** tcp_mss_clamp(): TCP_MAXSEG bounds what is announced, and what is sent. */
export const clampMss = (sk: TcpSock, mss: number): number => (sk.userMss > 0 && sk.userMss < mss ? sk.userMss : mss)

/** ipv4_default_advmss(): what an MTU lets us announce; a datagram has 65535 bytes at most. */
export const defaultAdvmss = (mtu: number): number => Math.min(mtu, 65535) - IP_TCP_HEADERS

/** tcp_initialize_rcv_mss() */
function initializeRcvMss(sk: TcpSock): void {
  sk.rcvMss = Math.max(MIN_MSS, Math.min(sk.advmss, sk.mss, Math.floor(sk.rcvWnd / 2), MSS_DEFAULT))
}

/** Draws what a connection starts from: initial sequence number and timestamp offset (secure_tcp_seq, secure_tcp_ts_off). */
export function drawSecrets(sk: TcpSock): void {
  sk.iss = sk.host.rng.next()
  sk.tsOffset = sk.host.rng.next()
  sk.synStamp = sk.timestamp()
  sk.sndUna = sk.iss
  sk.sndNxt = sk.iss
  sk.writeSeq = seqAdd(sk.iss, 1)
}

/** tcp_rcv_state_process() in LISTEN. `mtu` is of the route back to the sender. */
export function processListen(listener: TcpSock, skb: Skb, seg: Incoming, mtu: { device: number; path: number }): void {
  const { host } = listener
  if ((seg.flags & TCP.RST) !== 0) {
    host.drop(skb, 'SKB_DROP_REASON_TCP_RESET')
    return
  }
  if ((seg.flags & TCP.ACK) !== 0) {
    sendReset(host, skb, host.drop(skb, 'SKB_DROP_REASON_TCP_FLAGS'))
    return
  }
  if ((seg.flags & TCP.SYN) === 0 || (seg.flags & TCP.FIN) !== 0) {
    host.drop(skb, 'SKB_DROP_REASON_TCP_FLAGS')
    return
  }
  if (listener.onWake === undefined) {
    host.path.undetermined(skb, 'process', 'the process that listens here', listener.ref)
    return
  }
  if (listener.acceptQueue.length > listener.backlog) {
    // tcp_v4_conn_request(): ListenOverflows. The client will try again.
    host.drop(skb, 'SKB_DROP_REASON_NOT_SPECIFIED')
    return
  }
  const cause = host.deliver(skb, listener.ref)
  const sk = makeRequest(listener, skb, seg, mtu)
  const state = sk.setState('SYN_RECV', cause)
  armRequest(sk)
  transmit(sk, newSegment(sk.iss, EMPTY, TCP.SYN), state)
}

/** tcp_conn_request(): a request socket takes over what the SYN offers. */
function makeRequest(listener: TcpSock, skb: Skb, seg: Incoming, mtu: { device: number; path: number }): TcpSock {
  const { host } = listener
  const sk = new TcpSock(host, listener.table)
  sk.onTimeout = (kind) => onTimeout(sk, kind)
  sk.listener = listener
  listener.children.add(sk)
  sk.state = 'LISTEN'
  sk.localAddress = ipv4(skb.pkt.dst)
  sk.localPort = listener.localPort
  sk.remoteAddress = ipv4(skb.pkt.src)
  sk.remotePort = skb.pkt.sport
  sk.reuse = listener.reuse
  sk.portHeld = true
  sk.device = listener.device
  drawSecrets(sk)
  sk.sndNxt = seqAdd(sk.iss, 1)
  sk.advmss = defaultAdvmss(mtu.device)
  takeSynOptions(sk, seg)
  syncMss(sk, mtu.path)
  sk.irs = seg.seq
  sk.rcvNxt = seqAdd(seg.seq, 1)
  sk.rcvWup = sk.rcvNxt
  sk.copiedSeq = sk.rcvNxt
  sk.sndWnd = seg.window
  sk.maxWindow = seg.window
  sk.sndWl1 = seg.seq
  sk.rcvWnd = initialWindow(sk.advmss - (sk.tsOk ? TIMESTAMP_OPTION_LENGTH : 0))
  sk.rcvSsthresh = sk.rcvWnd
  initializeRcvMss(sk)
  const syn = newSegment(sk.iss, EMPTY, TCP.SYN)
  syn.sentAt = host.now
  sk.rtxQueue.push(syn)
  sk.table.bind(sk)
  sk.table.hash(sk)
  return sk
}

function takeSynOptions(sk: TcpSock, seg: Incoming): void {
  const { mss, windowScale, sackPermitted, timestamps } = seg.options
  sk.mssClamp = clampMss(sk, Math.max(MIN_MSS, mss ?? MSS_DEFAULT))
  sk.sackOk = sackPermitted
  sk.tsOk = timestamps !== undefined
  sk.tsRecent = timestamps?.value ?? 0
  sk.sndWscale = windowScale ?? 0
  sk.rcvWscale = windowScale === undefined ? undefined : WINDOW_SCALE
}

/** tcp_check_req() and the child's first tcp_rcv_state_process(): does this segment complete the handshake? */
export function processRequest(sk: TcpSock, skb: Skb, seg: Incoming): void {
  const { host } = sk
  const onlySyn = (seg.flags & (TCP.SYN | TCP.ACK | TCP.RST)) === TCP.SYN
  if (onlySyn && seg.seq === sk.irs) {
    // The SYN ACK was lost, or crossed with a retransmission.
    const cause = host.deliver(skb, sk.ref)
    if (answersOutOfWindow(sk) && resendSynAck(sk, cause)) armRequest(sk)
    return
  }
  if (!inWindow(sk, seg)) {
    const cause = host.drop(skb, 'SKB_DROP_REASON_TCP_INVALID_SEQUENCE')
    if ((seg.flags & TCP.RST) === 0) outOfWindowAck(sk, cause)
    return
  }
  // Both ends called at once: the other's SYN ACK repeats a SYN that we have (RFC 9293 section 3.5).
  const crossed = sk.listener === undefined && (seg.flags & TCP.ACK) !== 0 && seg.end === sk.rcvNxt && seg.ack === sk.sndNxt
  if ((seg.flags & TCP.RST) !== 0 || ((seg.flags & TCP.SYN) !== 0 && !crossed)) {
    const cause = host.deliver(skb, sk.ref)
    if ((seg.flags & TCP.SYN) !== 0) sendReset(host, skb, cause)
    tcpDone(sk, cause)
    return
  }
  if ((seg.flags & TCP.ACK) === 0) {
    host.drop(skb, 'SKB_DROP_REASON_TCP_FLAGS')
    return
  }
  if (seg.ack !== sk.sndNxt) {
    sendReset(host, skb, host.drop(skb, 'SKB_DROP_REASON_TCP_INVALID_SEQUENCE'))
    return
  }
  const listener = sk.listener
  if (listener !== undefined && listener.acceptQueue.length > listener.backlog) {
    host.drop(skb, 'SKB_DROP_REASON_NOT_SPECIFIED')
    return
  }
  const cause = host.deliver(skb, sk.ref)
  establish(sk, seg)
  const state = sk.setState('ESTABLISHED', cause)
  if (listener !== undefined) {
    listener.acceptQueue.push(sk)
    listener.sync()
    listener.wake(state)
  } else sk.wake(state)
  queueIncoming(sk, seg, cause)
  ackSendCheck(sk, cause)
}

/** tcp_create_openreq_child(), or the second half of two crossing SYNs: our SYN is acknowledged. */
function establish(sk: TcpSock, seg: Incoming): void {
  disarmRetransmit(sk)
  const syn = sk.rtxQueue.shift()
  sk.sndUna = seg.ack
  sk.sndWl1 = seg.seq
  sk.sndWnd = seg.window * 2 ** sk.sndWscale
  sk.maxWindow = Math.max(sk.maxWindow, sk.sndWnd)
  if (seg.options.timestamps !== undefined) sk.tsRecent = seg.options.timestamps.value
  sk.cwnd = initialCwnd(sk, seg)
  sk.retransmits = 0
  sk.attempts = 0
  sk.lastRetransmit = undefined
  sk.rto = TIMEOUT_INIT
  // tcp_synack_rtt_meas()
  updateRtt(sk, syn === undefined || syn.retransmitted ? undefined : sk.host.now - syn.sentAt, seg.options.timestamps)
}

/** tcp_rcv_synsent_state_process() */
export function processSynSent(sk: TcpSock, skb: Skb, seg: Incoming, mtu: number): void {
  const { host } = sk
  const acks = (seg.flags & TCP.ACK) !== 0
  if (acks && !ackIsForSyn(sk, seg.ack)) {
    sendReset(host, skb, host.drop(skb, 'SKB_DROP_REASON_TCP_INVALID_SEQUENCE'))
    return
  }
  if ((seg.flags & TCP.RST) !== 0) {
    if (!acks) {
      host.drop(skb, 'SKB_DROP_REASON_TCP_RESET')
      return
    }
    tcpFail(sk, 'ECONNREFUSED', host.deliver(skb, sk.ref))
    return
  }
  if ((seg.flags & TCP.SYN) === 0) {
    host.drop(skb, 'SKB_DROP_REASON_TCP_FLAGS')
    return
  }
  const cause = host.deliver(skb, sk.ref)
  takeSynOptions(sk, seg)
  if (!sk.tsOk && seg.options.windowScale === undefined) sk.rcvWscale = undefined
  syncMss(sk, mtu)
  sk.irs = seg.seq
  sk.rcvNxt = seqAdd(seg.seq, 1)
  sk.rcvWup = sk.rcvNxt
  sk.copiedSeq = sk.rcvNxt
  sk.sndWnd = seg.window
  sk.maxWindow = seg.window
  sk.sndWl1 = seg.seq
  initializeRcvMss(sk)
  if (acks) finishConnect(sk, seg, cause)
  else crossedSyn(sk, cause)
}

/**
 * tcp_init_transfer(): segments to begin with. One SYN more may have been a second too hasty (RFC 6298); two say that there is
 * congestion, unless what came answers the first (tcp_try_undo_spurious_syn()).
 */
const initialCwnd = (sk: TcpSock, seg: Incoming): number =>
  sk.retransmits > 1 && seg.options.timestamps?.echo !== sk.synStamp ? 1 : INIT_CWND

/** tcp_finish_connect(), and the handshake's third segment. */
function finishConnect(sk: TcpSock, seg: Incoming, cause: number): void {
  const syn = sk.rtxQueue.shift()
  sk.sndUna = seg.ack
  disarmRetransmit(sk)
  sk.cwnd = initialCwnd(sk, seg)
  sk.retransmits = 0
  sk.backoff = 0
  sk.attempts = 0
  sk.caState = 'open'
  sk.retransStamp = undefined
  sk.ssthresh = Number.POSITIVE_INFINITY
  sk.softError = undefined
  sk.lastRetransmit = undefined
  sk.rto = TIMEOUT_INIT
  sk.dstConfirm = true
  updateRtt(sk, syn === undefined || syn.retransmitted ? undefined : sk.host.now - syn.sentAt, seg.options.timestamps)
  sk.lrcvTime = sk.host.now
  const state = sk.setState('ESTABLISHED', cause)
  sendAck(sk, state)
  sk.wake(state)
}

/** RFC 9293 section 3.5, figure 7: both ends have sent a SYN. */
function crossedSyn(sk: TcpSock, cause: number): void {
  const syn = sk.rtxQueue[0]
  const state = sk.setState('SYN_RECV', cause)
  if (syn === undefined) return
  armRetransmit(sk, 'syn-ack', sk.rto)
  transmit(sk, syn, state)
}
