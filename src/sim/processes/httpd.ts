import { utf8 } from '../../base/bytes.ts'
import { ok, type Result } from '../../base/result.ts'
import { strerror, type TcpSocket } from '../../kernel/sockets/index.ts'
import { formatIpv4, IPV4_ANY } from '../../net/address.ts'
import { contentLength, HttpBuffer, keepsAlive, type MessageHead } from './http.ts'
import { type CommandError, commandError, numberOption, parseOptions } from './options.ts'
import { failed, type Process } from './process.ts'
import type { Program } from './program.ts'

const BACKLOG = 4096

interface HttpdOptions {
  readonly port: number
}

function parse(argv: readonly string[]): Result<HttpdOptions, CommandError> {
  const options = parseOptions('httpd', argv, [{ name: 'port', short: 'p', long: 'port', value: true }])
  if (!options.ok) return options
  const port = numberOption('httpd', options.value, { name: 'port', flag: '-p', min: 1, max: 65535 })
  if (!port.ok) return port
  if (options.value.operands.length > 0) return commandError('httpd: takes no operands; httpd [-p PORT]')
  return ok({ port: port.value ?? 80 })
}

/** An HTTP/1.1 server for tests, of the kind of agnhost's netexec or echoserver: the answer says who answered, and whom it saw. */
export const httpd: Program = {
  name: 'httpd',
  usage: 'httpd [-p PORT]',
  prepare(argv) {
    const options = parse(argv)
    if (!options.ok) return options
    const { port } = options.value
    return ok({
      role: 'server',
      notes: [],
      listens: { protocol: 'tcp', port, backlog: BACKLOG },
      start: (process, cause) => serve(process, port, cause),
    })
  },
}

function serve(process: Process, port: number, cause: number): void {
  const listener = process.sockets.adoptTcp(process.owner.id, port) ?? open(process, port, cause)
  if (listener === undefined) return
  process.atExit((seq) => listener.close(seq))
  listener.onWake = (woken) => {
    for (let c = listener.accept(process.owner); c !== undefined; c = listener.accept(process.owner)) handle(process, c, woken)
  }
}

function open(process: Process, port: number, cause: number): TcpSocket | undefined {
  const socket = process.sockets.tcp(process.owner)
  socket.set({ reuse: true })
  const bound = socket.bind(IPV4_ANY, port)
  const listening = bound.ok ? socket.listen(BACKLOG, process.step('listen', `listen 0.0.0.0:${port}`, cause)) : bound
  if (listening.ok) return socket
  process.print(`httpd: bind: ${strerror(listening.error)}`, cause)
  process.exit(1, failed(listening.error), cause)
  return undefined
}

/** One connection: requests one after the other, until either end wants no more. */
function handle(process: Process, socket: TcpSocket, accepted: number): void {
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
      if (!answer(process, socket, head, cause)) {
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
function answer(process: Process, socket: TcpSocket, request: MessageHead, cause: number): boolean {
  const [method = '', , version] = request.startLine.split(' ')
  const received = process.step('receive', request.startLine, cause)
  const wellFormed = version !== undefined && /^HTTP\/1\.[01]$/.test(version)
  const keep = wellFormed && keepsAlive(request)
  const status = wellFormed ? '200 OK' : '400 Bad Request'
  const { remote } = socket
  const lines = [
    `Hostname: ${process.hostname}`,
    `RemoteAddr: ${formatIpv4(remote.address)}:${remote.port}`,
    `Request: ${request.startLine}`,
    // What proxies on the way say of the client.
    ...request.headers.flatMap(({ name, value }) => (/^x-/i.test(name) ? [`${name}: ${value}`] : [])),
  ]
  const body = wellFormed ? `${lines.join('\n')}\n` : 'Bad Request\n'
  const head = [
    `HTTP/1.1 ${status}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${utf8(body).length}`,
    ...(keep ? [] : ['Connection: close']),
  ]
  const sent = process.step('send', `HTTP/1.1 ${status}`, received)
  const result = socket.send(utf8(`${head.join('\r\n')}\r\n\r\n${method === 'HEAD' ? '' : body}`), sent)
  return keep && result.ok
}
