import type { Ipv4 } from '../../../net/address.ts'
import { IPV4_ANY } from '../../../net/address.ts'
import { STEP } from '../../../trace/columns.ts'
import type { SocketRecord, TcpState } from '../../../world/records.ts'
import type { Timer } from '../../types.ts'
import type { SocketError } from '../errno.ts'
import type { SocketHost } from '../host.ts'
import { seqDiff } from '../sequence.ts'
import { Socket, type SocketLook } from '../socket.ts'
import { INIT_CWND, MSS_DEFAULT, TIMEOUT_INIT } from './constants.ts'
import type { Segment } from './segment.ts'
import type { TcpEnds, TcpTable } from './table.ts'

/** What waits behind a hole in the sequence space. */
export interface OutOfOrder {
  readonly seq: number
  readonly end: number
  readonly bytes: Uint8Array
  readonly fin: boolean
}

export type RetransmitTimerKind = 'retransmit' | 'loss-probe' | 'reordering' | 'window-probe' | 'syn-ack'

/** enum tcp_ca_state, without CWR: no ECN is modelled. */
export type CaState = 'open' | 'disorder' | 'recovery' | 'loss'

/**
 * struct tcp_sock with its inet and connection parts: fields only, named after the kernel's. What happens to them is in
 * input.ts, output.ts and their neighbours. A request socket (SYN_RECV) and a TIME_WAIT socket are this same object.
 */
export class TcpSock extends Socket implements TcpEnds {
  readonly table: TcpTable<TcpSock>
  reuse = false
  portHeld = false
  state: TcpState = 'CLOSED'
  localAddress: Ipv4 = IPV4_ANY
  localPort = 0
  remoteAddress: Ipv4 = IPV4_ANY
  remotePort = 0

  /** sk_txhash; another after each timeout, in the hope of a better way (sk_rethink_txhash(), net.core.txrehash). */
  txHash: number

  // Send side (RFC 9293 section 3.3.1).
  iss = 0
  sndUna = 0
  sndNxt = 0
  /** End of what the process has written. */
  writeSeq = 0
  sndWnd = 0
  /** Segment sequence number of the last window update. */
  sndWl1 = 0
  maxWindow = 0
  /** Last byte of the last small segment sent (Minshall's variant of Nagle). */
  sndSml = 0
  readonly writeQueue: Segment[] = []
  readonly rtxQueue: Segment[] = []
  noDelay = false

  // Sizes, bytes. `mss` is the payload of a full segment now: options are taken off.
  mss = MSS_DEFAULT
  mssClamp = MSS_DEFAULT
  advmss = MSS_DEFAULT
  /** TCP_MAXSEG (rx_opt.user_mss), 0 for none. */
  userMss = 0

  // Options that both ends agreed on.
  sackOk = false
  tsOk = false
  sndWscale = 0
  rcvWscale: number | undefined
  tsOffset = 0
  tsRecent = 0

  // Receive side.
  irs = 0
  rcvNxt = 0
  /** rcvNxt when the window was last announced. */
  rcvWup = 0
  rcvWnd = 0
  rcvSsthresh = 0
  /** End of what the process has read. */
  copiedSeq = 0
  readonly receiveQueue: Uint8Array[] = []
  receiveLength = 0
  outOfOrder: OutOfOrder[] = []
  /** duplicate_sack: what came twice, to be named by the next segment (RFC 2883). */
  dsack: { readonly left: number; readonly right: number } | undefined
  /** The other end has sent FIN. */
  rcvShutdown = false
  /** We have queued FIN. */
  sndShutdown = false
  /** No process holds it any more (SOCK_DEAD). */
  dead = false

  // struct inet_connection_sock.icsk_ack
  ackScheduled = false
  ackPushed = 0
  quick = 0
  pingpong = 0
  ato = 0
  lrcvTime = 0
  lsndTime = 0
  rcvMss = MSS_DEFAULT
  delackTimer: Timer | undefined

  // Round trips and retransmission, ns.
  srtt = 0
  mdev = 0
  /** tcp_min_rtt() */
  minRtt = Number.POSITIVE_INFINITY
  rttvar = 0
  rto = TIMEOUT_INIT
  backoff = 0
  /** Timeouts since the last progress. */
  retransmits = 0
  /** icsk_probes_out: window probes that nothing answered yet. */
  probesOut = 0
  /** Retransmissions of any kind since the last progress: what a trace calls the attempt. */
  attempts = 0
  retransStamp: number | undefined
  /** The time stamp of the first SYN or SYN-ACK. */
  synStamp = 0
  /** seq of the last tcpRetransmit step. */
  lastRetransmit: number | undefined
  cwnd = INIT_CWND
  ssthresh = Number.POSITIVE_INFINITY
  dupacks = 0
  caState: CaState = 'open'
  /** sndNxt when the last recovery began. */
  highSeq = 0
  /** sndNxt at the tail loss probe that is not accounted for; and whether it sent something again. */
  tlpHighSeq: number | undefined
  tlpRetrans = false
  /** Of what was delivered and had been sent last: when it was sent, its end, its round trip; `advanced` since the last look. */
  readonly rack = { sentAt: Number.NEGATIVE_INFINITY, end: 0, rtt: 0, advanced: false }
  /** sk_dst_pending_confirm: the next packet may tell the neighbour entry that it works. */
  dstConfirm = false
  retransmitTimer: Timer | undefined
  /** Seq that the last transmission was caused by: what a timer's step refers back to. */
  lastCause = -1
  /** Set by connection.ts: what happens when `retransmitTimer` fires. */
  onTimeout: ((kind: RetransmitTimerKind) => void) | undefined
  retransmitKind: RetransmitTimerKind | undefined
  timewaitTimer: Timer | undefined
  /** Out-of-window duplicates are answered at most twice a second (tcp_invalid_ratelimit). */
  lastOowAck = Number.NEGATIVE_INFINITY

  // Listeners and what they make.
  backlog = 0
  listener: TcpSock | undefined
  readonly acceptQueue: TcpSock[] = []
  /** Requests and accepted-but-not-fetched connections. */
  readonly children = new Set<TcpSock>()

  /** sk_err: taken by whoever reads it. */
  error: SocketError | undefined
  /** sk_err_soft: reported only if nothing better comes. */
  softError: SocketError | undefined

  constructor(host: SocketHost, table: TcpTable<TcpSock>, record?: SocketRecord) {
    super(host, 'tcp', record)
    this.table = table
    this.txHash = host.nextTxHash()
    if (record === undefined || record.protocol !== 'tcp') return
    this.state = record.state as TcpState
    this.localAddress = record.local.address
    this.localPort = record.local.port
    this.backlog = record.sendQueue
  }

  get bound(): boolean {
    return this.localPort !== 0
  }

  /** tcp_packets_in_flight(), in segments. */
  get inFlight(): number {
    let n = 0
    for (const s of this.rtxQueue) if (!s.sacked && (!s.lost || s.retransOut)) n++
    return n
  }

  /** tcp_receive_window(): what the other end may still send. */
  get receiveWindow(): number {
    return Math.max(0, this.rcvWnd - seqDiff(this.rcvNxt, this.rcvWup))
  }

  protected look(): SocketLook | undefined {
    if (this.state === 'CLOSED') return undefined
    const local = { address: this.localAddress, port: this.localPort }
    if (this.state === 'LISTEN') {
      return { local, state: this.state, receiveQueue: this.acceptQueue.length, sendQueue: this.backlog }
    }
    const silent = this.state === 'TIME_WAIT' || this.state === 'SYN_RECV'
    return {
      local,
      remote: { address: this.remoteAddress, port: this.remotePort },
      state: this.state,
      receiveQueue: silent ? 0 : this.receiveLength,
      sendQueue: silent ? 0 : seqDiff(this.writeSeq, this.sndUna),
    }
  }

  /** tcp_set_state(): one step, and the record follows. Answers the step's seq. */
  setState(to: TcpState, cause: number): number {
    const { rec } = this.host
    const seq = this.host.step(STEP.tcpState, cause, this.ref, rec.text(this.state), rec.text(to))
    this.state = to
    this.sync()
    return seq
  }

  /** tcp_time_stamp(): milliseconds from an offset of the connection's own. */
  timestamp(): number {
    return (Math.floor(this.host.now / 1_000_000) + this.tsOffset) >>> 0
  }

  cancelTimers(): void {
    this.retransmitTimer?.cancel()
    this.retransmitTimer = undefined
    this.retransmitKind = undefined
    this.delackTimer?.cancel()
    this.delackTimer = undefined
    this.timewaitTimer?.cancel()
    this.timewaitTimer = undefined
  }
}
