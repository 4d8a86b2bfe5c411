import { type Packet, TCP } from '../../net/packet.ts'
import { decodeTcpOptions } from '../../net/tcp-options.ts'
import { TCP_INDEX, TCP_STATE } from './tcp-states.ts'
import { TCP_FLAG, type TcpEnd, type TcpTrack } from './tcp-track.ts'

/** Sequence number comparison modulo 2^32, RFC 9293 section 3.4. */
export const before = (a: number, b: number): boolean => ((a - b) | 0) < 0
export const after = (a: number, b: number): boolean => ((b - a) | 0) < 0

/** segment_seq_plus_len() */
export const segmentEnd = (p: Packet): number =>
  (p.seq + p.payload.length + ((p.tcpFlags & TCP.SYN) !== 0 ? 1 : 0) + ((p.tcpFlags & TCP.FIN) !== 0 ? 1 : 0)) >>> 0

/** tcp_options(): window scale and SACK permission of a SYN, into `end`; what it had before is forgotten. */
export function readOptions(options: Uint8Array, end: TcpEnd): void {
  if (options.length === 0) return
  end.scale = 0
  end.flags = 0
  for (const { option } of decodeTcpOptions(options)) {
    if (option.kind === 'sack-permitted') end.flags |= TCP_FLAG.SACK_PERM
    else if (option.kind === 'window-scale') {
      // RFC 7323 section 2.3: 14 is the largest shift.
      end.scale = Math.min(option.shift, 14)
      end.flags |= TCP_FLAG.WINDOW_SCALE
    }
  }
}

/** tcp_sack(): the highest right edge of the SACK blocks, `ack` when there is none. Seen on every packet, so nothing is allocated. */
function highestSack(options: Uint8Array, ack: number): number {
  let sack = ack
  for (let i = 0; i < options.length; ) {
    const kind = options[i] as number
    if (kind === 0) break
    if (kind === 1) {
      i++
      continue
    }
    const size = options[i + 1] ?? 0
    if (size < 2 || i + size > options.length) break
    if (kind === 5 && size >= 10 && (size - 2) % 8 === 0) {
      for (let at = i + 6; at < i + size; at += 8) {
        const right =
          (((options[at] as number) << 24) |
            ((options[at + 1] as number) << 16) |
            ((options[at + 2] as number) << 8) |
            (options[at + 3] as number)) >>>
          0
        if (after(right, sack)) sack = right
      }
      break
    }
    i += size
  }
  return sack
}

export const WINDOW = { ACCEPT: 0, IGNORE: 1, INVALID: 2 } as const
/** MAXACKWINCONST: how far behind an ACK may lag. */
const MAX_ACK_WINDOW = 66000

/** tcp_init_sender() */
function initSender(sender: TcpEnd, receiver: TcpEnd, p: Packet, end: number): void {
  sender.end = sender.maxEnd = end
  sender.maxWin = p.window === 0 ? 1 : p.window
  readOptions(p.options, sender)
  // RFC 7323 section 1.3: scaling holds only when both ends offered it.
  if ((sender.flags & receiver.flags & TCP_FLAG.WINDOW_SCALE) === 0) sender.scale = receiver.scale = 0
}

/**
 * tcp_in_window(), Linux 6.1 and later: does the segment fit what both ends have said? Updates what is known of them when
 * it does. Sequence number mangling by helpers (nf_ct_seqadj) does not exist here.
 */
export function tcpInWindow(tcp: TcpTrack, dir: number, index: number, p: Packet, beLiberal: boolean): number {
  const sender = tcp.seen[dir === 0 ? 0 : 1]
  const receiver = tcp.seen[dir === 0 ? 1 : 0]
  const syn = (p.tcpFlags & TCP.SYN) !== 0
  const hasAck = (p.tcpFlags & TCP.ACK) !== 0
  const rst = (p.tcpFlags & TCP.RST) !== 0
  let seq = p.seq
  let ack = p.ack
  let end = segmentEnd(p)
  let win = p.window
  let sack = (receiver.flags & TCP_FLAG.SACK_PERM) !== 0 ? highestSack(p.options, ack) : ack

  if (sender.maxWin === 0) {
    if (syn) {
      initSender(sender, receiver, p, end)
      // Simultaneous open.
      if (!hasAck) return WINDOW.ACCEPT
    } else {
      // The middle of a connection whose beginning was not seen: believe this packet.
      sender.end = end
      const scaled = win << sender.scale
      sender.maxWin = scaled === 0 ? 1 : scaled
      sender.maxEnd = (end + sender.maxWin) >>> 0
      if (receiver.maxWin === 0) receiver.end = receiver.maxEnd = sack
      // Likely the answer to a keepalive.
      else if (sack === (receiver.end + 1) >>> 0) receiver.end = (receiver.end + 1) >>> 0
    }
  } else if (syn && after(end, sender.end) && (tcp.state === TCP_STATE.SYN_SENT || tcp.state === TCP_STATE.SYN_RECV)) {
    // RFC 9293 section 3.4.3: a reinitialised TCP starts above the numbers it used.
    initSender(sender, receiver, p, end)
    if (dir === 1 && !hasAck) return WINDOW.ACCEPT
  }

  // No ACK: as if it were set and right. An RST with ACK and number 0 comes from stacks that do not know better.
  if (!hasAck || (rst && ack === 0)) ack = sack = receiver.end
  // An RST that answers a SYN has no number of its own.
  if (rst && seq === 0 && tcp.state === TCP_STATE.SYN_SENT) seq = end = sender.end

  const liberal = beLiberal || (sender.flags & TCP_FLAG.BE_LIBERAL) !== 0
  const lowestAck = (receiver.end - Math.max(sender.maxWin, MAX_ACK_WINDOW) - 1) >>> 0
  const lowestEnd = (sender.end - receiver.maxWin - 1) >>> 0
  if (!before(seq, (sender.maxEnd + 1) >>> 0)) {
    const overshot = (end - sender.maxEnd + 1) >>> 0
    const tooMuch = receiver.maxWin !== 0 && after(end, lowestEnd) && overshot <= receiver.maxWin
    if (tooMuch && after(sack, lowestAck) && before(sack, (receiver.end + 1) >>> 0)) {
      // More bytes than the window allows: let it pass, and remember them so that their ACK is not over the bound.
      sender.end = end
      sender.flags |= TCP_FLAG.DATA_UNACKNOWLEDGED
      return liberal ? WINDOW.ACCEPT : WINDOW.IGNORE
    }
    return liberal ? WINDOW.ACCEPT : WINDOW.INVALID
  }
  // ACKed data not seen yet.
  if (!before(sack, (receiver.end + 1) >>> 0)) return liberal ? WINDOW.ACCEPT : WINDOW.INVALID
  // Old data again, or an overly delayed ACK.
  if ((receiver.maxWin !== 0 && !after(end, lowestEnd)) || !after(sack, lowestAck)) {
    return liberal ? WINDOW.ACCEPT : WINDOW.IGNORE
  }

  if (!syn) win <<= sender.scale
  sender.maxWin = Math.max(sender.maxWin, win + ((sack - ack) >>> 0))
  if (after(end, sender.end)) {
    sender.end = end
    sender.flags |= TCP_FLAG.DATA_UNACKNOWLEDGED
  }
  if (hasAck && ((sender.flags & TCP_FLAG.MAXACK_SET) === 0 || after(ack, sender.maxAck))) {
    sender.maxAck = ack
    sender.flags |= TCP_FLAG.MAXACK_SET
  }
  if (receiver.maxWin !== 0 && after(end, sender.maxEnd)) receiver.maxWin += (end - sender.maxEnd) >>> 0
  if (after((sack + win) >>> 0, (receiver.maxEnd - 1) >>> 0)) receiver.maxEnd = (sack + win + (win === 0 ? 1 : 0)) >>> 0
  if (ack === receiver.end) receiver.flags &= ~TCP_FLAG.DATA_UNACKNOWLEDGED
  if (index === TCP_INDEX.ACK) countRetransmission(tcp, { dir, seq, ack, end, win: p.window })
  return WINDOW.ACCEPT
}

function countRetransmission(tcp: TcpTrack, s: { dir: number; seq: number; ack: number; end: number; win: number }): void {
  if (tcp.lastDir === s.dir && tcp.lastSeq === s.seq && tcp.lastAck === s.ack && tcp.lastEnd === s.end && tcp.lastWin === s.win) {
    tcp.retrans++
    return
  }
  tcp.lastDir = s.dir
  tcp.lastSeq = s.seq
  tcp.lastAck = s.ack
  tcp.lastEnd = s.end
  tcp.lastWin = s.win
  tcp.retrans = 0
}
