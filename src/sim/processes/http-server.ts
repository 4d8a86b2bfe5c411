import { utf8 } from '../../base/bytes.ts'
import { strerror, type TcpSocket } from '../../kernel/sockets/index.ts'
import { IPV4_ANY } from '../../net/address.ts'
import { contentLength, HttpBuffer, keepsAlive, type MessageHead } from './http.ts'
import { failed, type Process } from './process.ts'

// What every HTTP/1.1 server of the engine does alike: connections, requests one after the other, keep-alive.

export const HTTP_BACKLOG = 4096

export interface HttpAnswer {
  /** `200 OK` */
  readonly status: string
  /** Before Content-Length. */
  readonly headers: readonly string[]
  readonly body: string
}
export type Respond = (request: MessageHead, socket: TcpSocket) => HttpAnswer

/** Serves a port until the process ends. `name` is what the program calls itself when it cannot. */
export function serveHttp(
  process: Process,
  { port, name, respond }: { readonly port: number; readonly name: string; readonly respond: Respond },
  cause: number,
): void {
  const listener = process.sockets.adoptTcp(process.owner.id, port) ?? open(process, port, { name, cause })
  if (listener === undefined) return
  process.atExit((seq) => listener.close(seq))
  listener.onWake = (woken) => {
    for (let c = listener.accept(process.owner); c !== undefined; c = listener.accept(process.owner))
      handle(process, c, { respond, accepted: woken })
  }
}

function open(process: Process, port: number, { name, cause }: { name: string; cause: number }): TcpSocket | undefined {
  const socket = process.sockets.tcp(process.owner)
  socket.set({ reuse: true })
  const bound = socket.bind(IPV4_ANY, port)
  const listening = bound.ok ? socket.listen(HTTP_BACKLOG, process.step('listen', `listen 0.0.0.0:${port}`, cause)) : bound
  if (listening.ok) return socket
  process.print(`${name}: bind: ${strerror(listening.error)}`, cause)
  process.exit(1, failed(listening.error), cause)
  return undefined
}

/** One connection: requests one after the other, until either end wants no more. */
function handle(
  process: Process,
  socket: TcpSocket,
  { respond, accepted }: { readonly respond: Respond; readonly accepted: number },
): void {
  const buffer = new HttpBuffer()
  let pending: MessageHead | undefined
  socket.set({ noDelay: true })
  const close = (cause: number) => {
    socket.onWake = undefined
    socket.close(cause)
  }
  process.atExit(close)
  const onWake = (cause: number) => {
    const got = socket.receive(cause)
    if (got.kind === 'data') buffer.push(got.bytes)
    for (;;) {
      pending ??= buffer.takeHead()
      if (pending === undefined) break
      const length = contentLength(pending) ?? 0
      if (buffer.length < length) break
      buffer.take(length)
      const head = pending
      pending = undefined
      if (!answer(process, socket, { request: head, respond, cause })) {
        close(cause)
        return
      }
    }
    if (got.kind === 'error') close(cause)
    else if (got.kind === 'data') onWake(cause)
    else if (got.kind === 'end') close(cause)
  }
  socket.onWake = onWake
  onWake(accepted)
}

/** Sends the response; false when the connection is to be closed after it. */
function answer(
  process: Process,
  socket: TcpSocket,
  { request, respond, cause }: { readonly request: MessageHead; readonly respond: Respond; readonly cause: number },
): boolean {
  const [method = '', , version] = request.startLine.split(' ')
  const received = process.step('receive', request.startLine, cause)
  const wellFormed = version !== undefined && /^HTTP\/1\.[01]$/.test(version)
  const keep = wellFormed && keepsAlive(request)
  const { status, headers, body } = wellFormed ? respond(request, socket) : BAD_REQUEST
  const head = [`HTTP/1.1 ${status}`, ...headers, `Content-Length: ${utf8(body).length}`, ...(keep ? [] : ['Connection: close'])]
  const sent = process.step('send', `HTTP/1.1 ${status}`, received)
  const result = socket.send(utf8(`${head.join('\r\n')}\r\n\r\n${method === 'HEAD' ? '' : body}`), sent)
  return keep && result.ok
}

export const PLAIN_TEXT = 'Content-Type: text/plain; charset=utf-8'
const BAD_REQUEST: HttpAnswer = { status: '400 Bad Request', headers: [PLAIN_TEXT], body: 'Bad Request\n' }
