import { type Packet, TCP } from '../../net/packet.ts'
import { type ConntrackEntry, IPS } from './entry.ts'
import type { ConntrackSettings } from './sysctls.ts'
import { nextTcpState, TCP_INDEX, TCP_STATE, tcpClosing, tcpFlagsValid, tcpIndex } from './tcp-states.ts'
import { TCP_FLAG, TcpEnd, type TcpTrack } from './tcp-track.ts'
import { before, readOptions, segmentEnd, tcpInWindow, WINDOW } from './tcp-window.ts'
import { TRACK, type Tracked } from './track.ts'

/** tcp_new(): what the first packet of a flow tells. False when no connection can start with it. */
function tcpNew(tcp: TcpTrack, p: Packet, settings: ConntrackSettings): boolean {
  const next = nextTcpState(0, tcpIndex(p.tcpFlags), TCP_STATE.NONE)
  if (next >= TCP_STATE.INVALID) return false
  const first = tcp.seen[0]
  first.clear()
  tcp.seen[1].clear()
  first.end = segmentEnd(p)
  first.maxWin = p.window === 0 ? 1 : p.window
  if (next === TCP_STATE.SYN_SENT) {
    first.maxEnd = first.end
    readOptions(p.options, first)
  } else {
    if (!settings.loose) return false
    // Picked up in the middle: the scale is unknown, so the windows are not believed.
    first.maxEnd = (first.end + first.maxWin) >>> 0
    first.flags = tcp.seen[1].flags = TCP_FLAG.SACK_PERM | TCP_FLAG.BE_LIBERAL
  }
  tcp.lastIndex = TCP_INDEX.NONE
  return true
}

/** Case TCP_CONNTRACK_IGNORE: the table is out of step with the ends, so the packet passes and is only noted. */
function note(tcp: TcpTrack, p: Packet, dir: number, index: number, state: number): void {
  tcp.lastIndex = index
  tcp.lastDir = dir
  tcp.lastSeq = p.seq
  tcp.lastEnd = segmentEnd(p)
  tcp.lastWin = p.window
  if (index === TCP_INDEX.SYN && dir === 0) {
    const seen = new TcpEnd()
    readOptions(p.options, seen)
    tcp.lastFlags = seen.flags
    tcp.lastScale = seen.scale
    // RFC 5961: the answer may be a challenge ACK, which must not count as the last ACK of the old connection.
    if (state === TCP_STATE.LAST_ACK) tcp.lastFlags |= TCP_FLAG.EXP_CHALLENGE_ACK
  }
  if (state === TCP_STATE.SYN_SENT && index === TCP_INDEX.ACK && dir === 1) tcp.lastAck = p.ack
}

/** A SYN/ACK acknowledges the SYN that was let through before: take the ends' word for where they are. */
function resync(tcp: TcpTrack, dir: number): void {
  const sender = tcp.seen[tcp.lastDir === 0 ? 0 : 1]
  sender.end = sender.maxEnd = tcp.lastEnd
  sender.maxWin = tcp.lastWin === 0 ? 1 : tcp.lastWin
  sender.scale = tcp.lastScale
  tcp.lastFlags &= ~TCP_FLAG.EXP_CHALLENGE_ACK
  sender.flags = tcp.lastFlags
  tcp.seen[dir === 0 ? 0 : 1].clear()
}

const RESET = { CHECK: 0, SKIP_WINDOW: 1, KEEP_STATE: 2, INVALID: 3 } as const

/** Case TCP_CONNTRACK_CLOSE for an RST: RFC 5961 section 3.2, an RST counts only at exactly the expected number. */
function judgeReset(entry: ConntrackEntry, tcp: TcpTrack, p: Packet, dir: number, settings: ConntrackSettings): number {
  if (tcpClosing(tcp.state)) return RESET.SKIP_WINDOW
  const other = tcp.seen[dir === 0 ? 1 : 0]
  if ((other.flags & TCP_FLAG.MAXACK_SET) !== 0 && tcp.lastIndex !== TCP_INDEX.SYN) {
    const established = tcp.state === TCP_STATE.ESTABLISHED && (entry.status & IPS.ASSURED) !== 0
    if (p.seq === 0 && !established) return RESET.CHECK
    if (before(p.seq, other.maxAck) && !settings.ignoreInvalidRst) return RESET.INVALID
    if (!established || p.seq === other.maxAck) return RESET.CHECK
    if (tcp.lastIndex === TCP_INDEX.ACK && tcp.lastDir === dir && p.seq === tcp.lastEnd) return RESET.CHECK
    // Not exact: stay established, so that a challenge ACK can be answered.
    return RESET.KEEP_STATE
  }
  const answersIgnored =
    ((entry.status & IPS.SEEN_REPLY) !== 0 && tcp.lastIndex === TCP_INDEX.SYN) ||
    ((entry.status & IPS.ASSURED) === 0 && tcp.lastIndex === TCP_INDEX.ACK)
  return answersIgnored && p.ack === tcp.lastEnd ? RESET.SKIP_WINDOW : RESET.CHECK
}

function timeoutOf(tcp: TcpTrack, index: number, state: number, s: ConntrackSettings): number {
  const own = s.tcp[state] as number
  if (tcp.retrans >= s.maxRetrans && own > s.tcpMaxRetrans) return s.tcpMaxRetrans
  if (index === TCP_INDEX.RST) return s.tcp[TCP_STATE.CLOSE] as number
  const unacknowledged = ((tcp.seen[0].flags | tcp.seen[1].flags) & TCP_FLAG.DATA_UNACKNOWLEDGED) !== 0
  if (unacknowledged && own > s.tcpUnacknowledged) return s.tcpUnacknowledged
  if (tcp.lastWin === 0 && own > s.tcpMaxRetrans) return s.tcpMaxRetrans
  return own
}

/** nf_tcp_handle_invalid(): two out-of-window FIN or RST in a row mean that the entry is stale; shorten its life. */
function handleInvalid(
  entry: ConntrackEntry,
  tcp: TcpTrack,
  dir: number,
  index: number,
  now: number,
  s: ConntrackSettings,
): void {
  if ((entry.status & IPS.ASSURED) !== 0 || (index !== TCP_INDEX.RST && index !== TCP_INDEX.FIN)) return
  if (tcp.lastDir !== dir && (tcp.lastIndex === TCP_INDEX.RST || tcp.lastIndex === TCP_INDEX.FIN)) {
    const left = entry.timeout - now
    if (left >= 120e9 && left > s.tcpUnacknowledged) entry.timeout = now + s.tcpUnacknowledged
    return
  }
  tcp.lastIndex = index
  tcp.lastDir = dir
}

/**
 * nf_conntrack_tcp_packet(): moves the entry's state by one packet and sets its timeout. `dir` 0 original, 1 reply.
 * SYN proxy and offload are not modelled.
 */
export function trackTcp(entry: ConntrackEntry, p: Packet, dir: number, now: number, settings: ConntrackSettings): Tracked {
  const tcp = entry.tcp
  if (tcp === undefined || !tcpFlagsValid(p.tcpFlags)) return TRACK.INVALID
  if (!entry.confirmed && !tcpNew(tcp, p, settings)) return TRACK.INVALID

  let old = tcp.state
  const index = tcpIndex(p.tcpFlags)
  let next = nextTcpState(dir, index, old)
  let checkWindow = true

  if (next === TCP_STATE.SYN_SENT && old >= TCP_STATE.TIME_WAIT) {
    const closing = ((tcp.seen[0].flags | tcp.seen[1].flags) & TCP_FLAG.CLOSE_INIT) !== 0
    // A new connection on the tuple of a closed or aborted one: forget that one and look again.
    if (closing || (tcp.lastDir === dir && tcp.lastIndex === TCP_INDEX.RST)) return TRACK.REPEAT
    next = TCP_STATE.IGNORE
  }
  if (next === TCP_STATE.IGNORE) {
    const answersNoted = index === TCP_INDEX.SYNACK && tcp.lastIndex === TCP_INDEX.SYN && tcp.lastDir !== dir
    if (!answersNoted || p.ack !== tcp.lastEnd) {
      note(tcp, p, dir, index, old)
      return TRACK.ACCEPT
    }
    resync(tcp, dir)
    old = TCP_STATE.SYN_SENT
    next = TCP_STATE.SYN_RECV
  } else if (next === TCP_STATE.INVALID) return TRACK.INVALID
  else if (next === TCP_STATE.TIME_WAIT) {
    const challenge = (tcp.lastFlags & TCP_FLAG.EXP_CHALLENGE_ACK) !== 0 && tcp.lastIndex === TCP_INDEX.SYN && tcp.lastDir !== dir
    if (challenge && old === TCP_STATE.LAST_ACK && index === TCP_INDEX.ACK) {
      tcp.lastFlags &= ~TCP_FLAG.EXP_CHALLENGE_ACK
      return TRACK.ACCEPT
    }
  } else if (next === TCP_STATE.SYN_SENT2) tcp.lastFlags |= TCP_FLAG.SIMULTANEOUS_OPEN
  else if (next === TCP_STATE.SYN_RECV) {
    const simultaneous = (tcp.lastFlags & TCP_FLAG.SIMULTANEOUS_OPEN) !== 0
    if (dir === 1 && index === TCP_INDEX.ACK && simultaneous) next = TCP_STATE.ESTABLISHED
  } else if (next === TCP_STATE.CLOSE && index === TCP_INDEX.RST) {
    const reset = judgeReset(entry, tcp, p, dir, settings)
    if (reset === RESET.INVALID) return TRACK.INVALID
    if (reset === RESET.KEEP_STATE) next = old
    checkWindow = reset !== RESET.SKIP_WINDOW
  }

  if (checkWindow) {
    const window = tcpInWindow(tcp, dir, index, p, settings.beLiberal)
    if (window === WINDOW.IGNORE) return TRACK.ACCEPT
    if (window === WINDOW.INVALID) {
      handleInvalid(entry, tcp, dir, index, now, settings)
      return TRACK.INVALID
    }
  }

  tcp.lastIndex = index
  tcp.lastDir = dir
  tcp.state = next
  if (old !== next && next === TCP_STATE.FIN_WAIT) tcp.seen[dir === 0 ? 0 : 1].flags |= TCP_FLAG.CLOSE_INIT
  let timeout = timeoutOf(tcp, index, next, settings)

  if ((entry.status & IPS.SEEN_REPLY) === 0) {
    // The only answer is a reset: there is no connection to keep.
    if ((p.tcpFlags & TCP.RST) !== 0) return TRACK.KILL
    // A retransmitted SYN does not keep the entry alive.
    if (index === TCP_INDEX.SYN && old === TCP_STATE.SYN_SENT) return TRACK.ACCEPT
    // Picked up in the middle and never answered.
    if (next === TCP_STATE.ESTABLISHED) timeout = Math.min(timeout, settings.tcpUnacknowledged)
  } else if (
    (entry.status & IPS.ASSURED) === 0 &&
    (old === TCP_STATE.SYN_RECV || old === TCP_STATE.ESTABLISHED) &&
    next === TCP_STATE.ESTABLISHED
  ) {
    entry.status |= IPS.ASSURED
  }
  entry.timeout = entry.confirmed ? now + timeout : timeout
  return TRACK.ACCEPT
}
