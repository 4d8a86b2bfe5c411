import { fromUtf8, utf8 } from '../../base/bytes.ts'
import { type Errno, strerror, type TcpSocket } from '../../kernel/sockets/index.ts'
import { formatIpv4, IPV4_ANY, parseIpv4 } from '../../net/address.ts'
import type { NcServer } from './nc-options.ts'
import { ANSWERED, failed, type Process } from './process.ts'

/** nc -l: prints what comes, sends its input, ends with its connection unless -k. */
export function listenNc(process: Process, options: NcServer, cause: number): void {
  const literal = options.address === undefined ? undefined : parseIpv4(options.address)
  const address = literal?.ok === true ? literal.value : IPV4_ANY
  const listening = process.step('listen', `${formatIpv4(address)}:${options.port}`, cause)
  if (options.verbose) process.print(`Listening on ${formatIpv4(address)} ${options.port}`, listening)
  const refuse = (errno: Errno) => {
    process.print(`nc: ${strerror(errno)}`, listening)
    process.exit(1, failed(errno, listening), listening)
  }
  if (options.udp) {
    const socket = process.sockets.adoptUdp(process.owner.id, options.port) ?? process.sockets.udp(process.owner)
    process.atExit(() => socket.close())
    const bound = socket.local.port === 0 ? socket.bind(address, options.port) : { ok: true as const }
    if (!bound.ok) {
      refuse(bound.error)
      return
    }
    let greeted = false
    socket.onWake = (woken) => {
      for (let d = socket.receive(); d !== undefined; d = socket.receive()) {
        const from = `${formatIpv4(d.from.address)} ${d.from.port}`
        if (!greeted && options.verbose) process.print(`Connection received on ${from}`, woken)
        process.step('receive', `${d.bytes.length} bytes`, woken)
        process.write(fromUtf8(d.bytes), woken)
        if (!greeted && options.input !== undefined)
          socket.send(utf8(options.input), d.from, process.step('send', options.input.trimEnd(), woken))
        greeted = true
      }
    }
    return
  }
  const adopted = process.sockets.adoptTcp(process.owner.id, options.port)
  const socket = adopted ?? process.sockets.tcp(process.owner)
  process.atExit((seq) => socket.close(seq))
  if (adopted === undefined) {
    socket.set({ reuse: true })
    const bound = socket.bind(address, options.port)
    const result = bound.ok ? socket.listen(1, listening) : bound
    if (!result.ok) {
      refuse(result.error)
      return
    }
  }
  acceptNext(process, options, socket)
}

function acceptNext(process: Process, options: NcServer, listener: TcpSocket): void {
  let busy = false
  const take = (cause: number) => {
    if (busy) return
    const socket = listener.accept(process.owner)
    if (socket === undefined) return
    busy = true
    if (options.verbose) process.print(`Connection received on ${formatIpv4(socket.remote.address)} ${socket.remote.port}`, cause)
    // Without -k the listening socket is closed as soon as somebody came.
    if (!options.keep) listener.close(cause)
    converse(process, options, socket, cause, (seq) => {
      busy = false
      if (options.keep) take(seq)
      else process.exit(0, ANSWERED, seq)
    })
  }
  listener.onWake = take
}

function converse(process: Process, options: NcServer, socket: TcpSocket, accepted: number, done: (cause: number) => void): void {
  process.atExit((seq) => socket.close(seq))
  const read = (cause: number): void => {
    const got = socket.receive(cause)
    switch (got.kind) {
      case 'nothing':
        return
      case 'data':
        process.step('receive', `${got.bytes.length} bytes`, cause)
        process.write(fromUtf8(got.bytes), cause)
        read(cause)
        return
      default:
        socket.onWake = undefined
        socket.close(cause)
        done(cause)
    }
  }
  socket.onWake = read
  if (options.input !== undefined) socket.send(utf8(options.input), process.step('send', options.input.trimEnd(), accepted))
  read(accepted)
}
