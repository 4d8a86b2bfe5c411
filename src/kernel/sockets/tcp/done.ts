import type { Errno } from '../errno.ts'
import { TIMEWAIT_LEN } from './constants.ts'
import type { TcpSock } from './sock.ts'

/** tcp_done(): the connection is over; its record goes. */
export function tcpDone(sk: TcpSock, cause: number): void {
  sk.cancelTimers()
  sk.writeQueue.length = 0
  sk.rtxQueue.length = 0
  sk.outOfOrder = []
  sk.listener?.children.delete(sk)
  sk.rcvShutdown = true
  if (sk.state !== 'CLOSED') {
    sk.table.remove(sk)
    sk.setState('CLOSED', cause)
  }
  sk.wake(cause)
}

/** Ends the connection with an error for the process. `decidedBy` is the step that brought it. */
export function tcpFail(sk: TcpSock, errno: Errno, decidedBy: number): void {
  sk.error = { errno, decidedBy }
  tcpDone(sk, decidedBy)
}

/** tcp_write_err(): retransmitting has been in vain. An ICMP error seen on the way says more than "timed out". */
export function writeError(sk: TcpSock, cause: number): void {
  sk.error = sk.softError ?? { errno: 'ETIMEDOUT', decidedBy: sk.lastRetransmit ?? cause }
  tcpDone(sk, cause)
}

/** tcp_time_wait(): only the ends live on, for 60 s (TCP_TIMEWAIT_LEN), or as long as FIN_WAIT2 may wait for the other FIN. */
export function timeWait(sk: TcpSock, state: 'TIME_WAIT' | 'FIN_WAIT2', cause: number): void {
  sk.cancelTimers()
  if (state === 'TIME_WAIT') {
    sk.owner = undefined
    if (sk.state !== 'TIME_WAIT') sk.setState('TIME_WAIT', cause)
  }
  sk.timewaitTimer = sk.host.ns.kernel.schedule(TIMEWAIT_LEN, () => {
    sk.timewaitTimer = undefined
    tcpDone(sk, sk.host.timerStep(state === 'TIME_WAIT' ? 'tcp time wait' : 'tcp fin timeout', sk.ref, cause))
  })
}
