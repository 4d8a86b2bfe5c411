import { strerror, type TcpSocket } from '../../kernel/sockets/index.ts'
import type { Timer } from '../../kernel/types.ts'
import { targetText } from './reverse-proxy-routes.ts'
import { DIAL_TIMEOUTS, type Portal } from './userspace-proxy-portal.ts'
import { wakingUp } from './wakeup.ts'

/** tcpProxySocket.ProxyLoop(): one connection after the other is accepted and given its own to an endpoint; copying goes on beside that. */
export function serveTcp(portal: Portal, listener: TcpSocket): void {
  const { process } = portal
  process.atExit((seq) => listener.close(seq))
  let dialling = false
  const next = (cause: number): void => {
    if (dialling) return
    const client = listener.accept(process.owner)
    if (client === undefined) return
    client.set({ noDelay: true })
    process.atExit((seq) => client.close(seq))
    dialling = true
    dial(portal, client, cause, (endpoint, seq) => {
      dialling = false
      if (endpoint === undefined) client.close(seq)
      else copyBoth(portal, client, endpoint, seq)
      next(seq)
    })
  }
  listener.onWake = wakingUp(process, next)
}

type Dialled = (endpoint: TcpSocket | undefined, cause: number) => void

/** TryConnectEndpoints(): four tries, each on the next endpoint. */
function dial(portal: Portal, client: TcpSocket, accepted: number, done: Dialled): void {
  const { process } = portal
  const attempt = (n: number, cause: number): void => {
    const timeout = DIAL_TIMEOUTS[n]
    if (timeout === undefined) {
      done(undefined, cause)
      return
    }
    const { target, seq } = portal.choose({ address: client.remote.address, reset: n > 0 }, cause)
    if (target === undefined) {
      done(undefined, seq)
      return
    }
    const socket = process.sockets.tcp(process.owner)
    socket.set({ noDelay: true })
    process.atExit((last) => socket.close(last))
    const connecting = process.step('connect', targetText(target), seq)
    const failed = (why: string, at: number) => {
      timer?.cancel()
      socket.onWake = undefined
      socket.close(at)
      attempt(n + 1, process.step('error', `dial tcp ${targetText(target)}: ${why}`, at))
    }
    let timer: Timer | undefined
    const begun = socket.connect(target.address, target.port, connecting)
    if (!begun.ok) {
      failed(strerror(begun.error), connecting)
      return
    }
    timer = process.after(timeout, 'net.DialTimeout', connecting, (at) => failed('i/o timeout', at))
    socket.onWake = wakingUp(process, (at) => {
      const error = socket.takeError()
      if (error !== undefined) {
        failed(strerror(error.errno), at)
        return
      }
      if (!socket.connected) return
      timer?.cancel()
      socket.onWake = undefined
      done(socket, at)
    })
  }
  attempt(0, accepted)
}

/**
 * ProxyTCP(): two copying loops. Whichever comes to an end closes both connections. Since Go 1.11 io.Copy moves the bytes by
 * splice(2), within the kernel; the wakeups and the system calls stay.
 */
function copyBoth({ process }: Portal, client: TcpSocket, endpoint: TcpSocket, cause: number): void {
  let closed = false
  const copy = (from: TcpSocket, to: TcpSocket) => (woken: number) => {
    for (;;) {
      if (closed) return
      const got = from.receive(woken)
      if (got.kind === 'nothing') return
      const seq = got.kind === 'data' ? process.copied({ from: from.ref, to: to.ref, bytes: got.bytes.length }, woken) : woken
      if (got.kind === 'data' && to.send(got.bytes, seq).ok) continue
      closed = true
      to.close(seq)
      from.close(seq)
    }
  }
  const up = copy(client, endpoint)
  const down = copy(endpoint, client)
  client.onWake = wakingUp(process, up)
  endpoint.onWake = wakingUp(process, down)
  up(cause)
  down(cause)
}
