import { strerror, type TcpSocket } from '../../kernel/sockets/index.ts'
import type { Timer } from '../../kernel/types.ts'
import { formatIpv4, IPV4_ANY, type Ipv4 } from '../../net/address.ts'
import { parseDns } from '../../net/dns.ts'
import { DNS_PORT, type DnsMessage } from '../../net/dns-message.ts'
import { DnsStream, dnsFrames } from '../../net/dns-stream.ts'
import { failed, type Process } from './process.ts'

/** How steps say that a message goes over a connection and not in a datagram. */
export const OVER_TCP = ' over TCP'
const SECOND = 1_000_000_000
/** A server closes a connection that has been idle for so long (CoreDNS' idleTimeout), seconds. */
const IDLE = 10

export interface DnsListenerParts {
  readonly address: Ipv4
  readonly backlog: number
  /** One question at a time; `respond` takes the response's bytes, and the seq of the step that says so. */
  readonly handle: (query: DnsMessage, from: string, respond: (bytes: Uint8Array, cause: number) => void, cause: number) => void
}

/** The TCP side of a DNS server. False when it could not listen, and the process has ended. */
export function serveDnsTcp(process: Process, parts: DnsListenerParts, cause: number): boolean {
  const listener = process.sockets.adoptTcp(process.owner.id, DNS_PORT) ?? open(process, parts, cause)
  if (listener === undefined) return false
  process.atExit((seq) => listener.close(seq))
  listener.onWake = (woken) => {
    for (let c = listener.accept(process.owner); c !== undefined; c = listener.accept(process.owner))
      serve(process, c, parts, woken)
  }
  return true
}

function open(process: Process, { address, backlog }: DnsListenerParts, cause: number): TcpSocket | undefined {
  const socket = process.sockets.tcp(process.owner)
  socket.set({ reuse: true })
  const where = `${formatIpv4(address)}:${DNS_PORT}`
  const bound = socket.bind(address, DNS_PORT)
  const listening = bound.ok ? socket.listen(backlog, process.step('listen', `listen ${where}`, cause)) : bound
  if (listening.ok) return socket
  process.print(`listen tcp ${where}: bind: ${strerror(listening.error)}`, cause)
  process.exit(1, failed(listening.error), cause)
  return undefined
}

/** One connection: its questions are answered one after the other, in their order, as long as the client keeps it. */
function serve(process: Process, socket: TcpSocket, parts: DnsListenerParts, accepted: number): void {
  const stream = new DnsStream()
  const from = `${formatIpv4(socket.remote.address)}:${socket.remote.port}`
  let busy = false
  let ended = false
  let idle: Timer | undefined
  socket.set({ noDelay: true })
  const close = (cause: number) => {
    ended = true
    idle?.cancel()
    socket.onWake = undefined
    socket.close(cause)
  }
  process.atExit(close)
  const rest = (cause: number) => {
    idle?.cancel()
    idle = process.after(IDLE * SECOND, 'idle connection', cause, close)
  }
  const next = (cause: number) => {
    while (!busy && !ended) {
      const bytes = stream.take()
      if (bytes === undefined) return
      const query = parseDns(bytes)
      if (!query.ok || query.value.response) continue
      busy = true
      const respond = (response: Uint8Array, at: number) => {
        if (process.exited || ended) return
        busy = false
        socket.send(dnsFrames([response]), at)
        rest(at)
        next(at)
      }
      parts.handle(query.value, from, respond, cause)
    }
  }
  const onWake = (cause: number) => {
    const got = socket.receive(cause)
    if (got.kind === 'data') {
      stream.push(got.bytes)
      next(cause)
      if (!ended) onWake(cause)
    } else if (got.kind !== 'nothing') close(cause)
  }
  socket.onWake = onWake
  rest(accepted)
  onWake(accepted)
}

export interface TcpQuestions {
  readonly process: Process
  readonly server: Ipv4
  /** All in one write. */
  readonly queries: readonly Uint8Array[]
  /** For each of them: what the steps say. */
  readonly texts: readonly string[]
  /** 0 for any. */
  readonly sourcePort?: number
  readonly source?: Ipv4
  /** TCP_MAXSEG */
  readonly maxSegment?: number
  /** One that an earlier question has left open. */
  readonly use?: TcpSocket
  /** Takes the connection instead of closing it. */
  readonly keep?: (socket: TcpSocket, cause: number) => void
  /** A message has come; true when no more is wanted, and the connection is closed. */
  readonly onMessage: (message: DnsMessage, bytes: Uint8Array, cause: number) => boolean
  /** The connection came to nothing, or was closed by the other end before that. */
  readonly onFailed: (error: 'connection refused' | 'timed out', cause: number) => void
}

/** Asks over a connection of its own. Answers how to give it up. */
export function askOverTcp(q: TcpQuestions, cause: number): (cause: number) => void {
  const { process, server, queries, texts } = q
  const { use } = q
  const socket = use ?? process.sockets.tcp(process.owner)
  const stream = new DnsStream()
  let over = false
  let sent = false
  const close = (seq: number) => {
    over = true
    socket.onWake = undefined
    socket.close(seq)
  }
  const end = (seq: number) => {
    if (!over) close(seq)
  }
  if (use === undefined) process.atExit(close)
  const fail = (error: 'connection refused' | 'timed out', seq: number) => {
    if (over) return
    end(seq)
    q.onFailed(error, seq)
  }
  if (use === undefined && !connect(q, socket, cause)) {
    process.after(0, 'resolver', cause, (seq) => fail('connection refused', seq))
    return end
  }
  const write = (woken: number) => {
    sent = true
    let seq = woken
    for (const text of texts) seq = process.step('send', `${text}${OVER_TCP}`, seq)
    if (!socket.send(dnsFrames(queries), seq).ok) fail('connection refused', seq)
  }
  const read = (woken: number) => {
    for (;;) {
      const got = socket.receive(woken)
      if (got.kind === 'nothing') return
      if (got.kind !== 'data') {
        fail('connection refused', woken)
        return
      }
      stream.push(got.bytes)
      for (let bytes = stream.take(); bytes !== undefined; bytes = stream.take()) {
        const m = parseDns(bytes)
        if (over || !m.ok || !m.value.response) continue
        if (!q.onMessage(m.value, bytes, woken)) continue
        if (q.keep === undefined) end(woken)
        else {
          over = true
          socket.onWake = undefined
          q.keep(socket, woken)
        }
        return
      }
    }
  }
  socket.onWake = (woken) => {
    const error = socket.takeError()
    if (error !== undefined) {
      const refused = error.errno !== 'ETIMEDOUT'
      const what = strerror(error.errno)
      const seq = process.step('error', `${formatIpv4(server)}:${DNS_PORT} ${what}`, woken)
      fail(refused ? 'connection refused' : 'timed out', seq)
      return
    }
    if (!socket.connected) return
    if (!sent) write(woken)
    else read(woken)
  }
  if (use !== undefined) write(cause)
  return end
}

function connect(q: TcpQuestions, socket: TcpSocket, cause: number): boolean {
  const { sourcePort = 0, source = IPV4_ANY, maxSegment } = q
  if (maxSegment !== undefined) socket.set({ maxSegment })
  if (sourcePort !== 0 || source !== IPV4_ANY) socket.bind(source, sourcePort)
  return socket.connect(q.server, DNS_PORT, cause).ok
}
