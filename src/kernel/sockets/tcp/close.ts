import { tcpDone, timeWait } from './done.ts'
import { pushPending, queueFin } from './output.ts'
import { sendActiveReset } from './reset.ts'
import type { TcpSock } from './sock.ts'

/** tcp_shutdown(SEND_SHUTDOWN): everything written goes out first, the FIN last. */
export function shutdownSend(sk: TcpSock, cause: number): void {
  if (sk.sndShutdown) return
  if (sk.state === 'ESTABLISHED') sendFin(sk, 'FIN_WAIT1', cause)
  else if (sk.state === 'CLOSE_WAIT') sendFin(sk, 'LAST_ACK', cause)
}

function sendFin(sk: TcpSock, state: 'FIN_WAIT1' | 'LAST_ACK', cause: number): void {
  queueFin(sk)
  pushPending(sk, sk.setState(state, cause))
}

/** tcp_close(): FIN, or a reset when something was left unread. */
export function closeSocket(sk: TcpSock, cause: number): void {
  sk.onWake = undefined
  if (sk.dead) return
  sk.dead = true
  switch (sk.state) {
    case 'CLOSED':
      if (sk.bound) sk.table.remove(sk)
      return
    case 'LISTEN':
      stopListening(sk, cause)
      return
    case 'SYN_SENT':
    case 'SYN_RECV':
      tcpDone(sk, cause)
      return
    default:
      closeConnection(sk, cause)
  }
}

/** inet_csk_listen_stop(): connections that nobody accepted are reset, requests forgotten. */
function stopListening(sk: TcpSock, cause: number): void {
  for (const child of [...sk.children]) {
    if (child.state !== 'SYN_RECV' && child.state !== 'CLOSED') sendActiveReset(child, cause)
    tcpDone(child, cause)
  }
  sk.acceptQueue.length = 0
  tcpDone(sk, cause)
}

function closeConnection(sk: TcpSock, cause: number): void {
  if (sk.receiveLength > 0) {
    sendActiveReset(sk, cause)
    tcpDone(sk, cause)
    return
  }
  shutdownSend(sk, cause)
  if (sk.state === 'FIN_WAIT2') timeWait(sk, 'FIN_WAIT2', cause)
  sk.owner = undefined
  sk.sync()
}

/** tcp_disconnect() of SO_LINGER with zero seconds: a reset where a FIN would have been due. */
export function abortSocket(sk: TcpSock, cause: number): void {
  sk.onWake = undefined
  sk.dead = true
  const open = sk.state === 'ESTABLISHED' || sk.state === 'CLOSE_WAIT' || sk.state === 'FIN_WAIT1' || sk.state === 'FIN_WAIT2'
  if (open) sendActiveReset(sk, cause)
  if (sk.state !== 'CLOSED') tcpDone(sk, cause)
}
