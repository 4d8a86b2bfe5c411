/** struct ip_ct_tcp_state: what one end has said and may say. Sequence numbers are unsigned 32-bit. */
export class TcpEnd {
  /** Highest sequence number + length sent. */
  end = 0
  /** Highest sequence number + length it may send: the other end's last ack plus its window. */
  maxEnd = 0
  /** Largest window it announced, scaled; 0 while nothing is known of this end. */
  maxWin = 0
  /** Highest ack it sent; valid with TCP_FLAG.MAXACK_SET. */
  maxAck = 0
  /** Window scale it announced. */
  scale = 0
  /** TCP_FLAG bits */
  flags = 0

  clear(): void {
    this.end = this.maxEnd = this.maxWin = this.maxAck = this.scale = this.flags = 0
  }
}

/** IP_CT_TCP_FLAG_* and IP_CT_EXP_CHALLENGE_ACK, IP_CT_TCP_SIMULTANEOUS_OPEN (nf_conntrack_tcp.h). */
export const TCP_FLAG = {
  WINDOW_SCALE: 0x01,
  SACK_PERM: 0x02,
  CLOSE_INIT: 0x04,
  BE_LIBERAL: 0x08,
  DATA_UNACKNOWLEDGED: 0x10,
  MAXACK_SET: 0x20,
  EXP_CHALLENGE_ACK: 0x40,
  SIMULTANEOUS_OPEN: 0x80,
} as const

/** struct ip_ct_tcp */
export class TcpTrack {
  readonly seen: readonly [TcpEnd, TcpEnd] = [new TcpEnd(), new TcpEnd()]
  /** Index into TCP_CT_STATES. */
  state = 0
  lastDir = 0
  /** Index into TCP_INDEXES of the packet seen last. */
  lastIndex = 0
  retrans = 0
  lastSeq = 0
  lastAck = 0
  lastEnd = 0
  lastWin = 0
  lastScale = 0
  /** TCP_FLAG bits of the SYN that was let through unchecked. */
  lastFlags = 0
}
