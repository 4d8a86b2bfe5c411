import { seqAdd, seqDiff } from '../sequence.ts'
import type { TcpSock } from './sock.ts'

/**
 * tcp_select_initial_window(): as many whole segments as fit into 64 KB, which is what the default tcp_rmem of 131072 bytes
 * leaves beside its overhead. 64240 for an MSS of 1460.
 */
export const initialWindow = (mss: number): number => Math.max(mss, Math.floor(65535 / mss) * mss)

/** tcp_select_window(): what the header's window field says now; remembers what was promised. */
export function selectWindow(sk: TcpSock, syn: boolean): number {
  if (syn) {
    sk.rcvWup = sk.rcvNxt
    return Math.min(sk.rcvWnd, 65535)
  }
  const scale = sk.rcvWscale ?? 0
  const unit = 1 << scale
  const free = Math.max(0, sk.rcvSsthresh - sk.receiveLength)
  const aligned = Math.ceil(free / unit) * unit
  // A window that was promised is never taken back (RFC 9293 section 3.8.6).
  const promised = Math.ceil(sk.receiveWindow / unit) * unit
  sk.rcvWnd = Math.max(aligned, promised)
  sk.rcvWup = sk.rcvNxt
  return Math.min(sk.rcvWnd >>> scale, 65535)
}

/** Room left in the other end's window after what is in flight, bytes. */
export const sendRoom = (sk: TcpSock): number => Math.max(0, seqDiff(seqAdd(sk.sndUna, sk.sndWnd), sk.sndNxt))
