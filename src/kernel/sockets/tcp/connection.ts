import { concatBytes } from '../../../base/bytes.ts'
import { err, ok, type Result } from '../../../base/result.ts'
import { type Ipv4, ipv4, isMulticast } from '../../../net/address.ts'
import { EMPTY, TCP } from '../../../net/packet.ts'
import { STEP } from '../../../trace/columns.ts'
import type { SocketRecord } from '../../../world/records.ts'
import type { Device } from '../../types.ts'
import type { Errno, SocketError } from '../errno.ts'
import type { SocketHost } from '../host.ts'
import { routeConnect } from '../route.ts'
import { seqAdd } from '../sequence.ts'
import type { Owner } from '../socket.ts'
import { abortSocket, closeSocket, shutdownSend } from './close.ts'
import { clampMss, defaultAdvmss, drawSecrets } from './handshake.ts'
import { cleanupReceive, pushPending, queueData } from './output.ts'
import { newSegment } from './segment.ts'
import { TcpSock } from './sock.ts'
import type { TcpTable } from './table.ts'
import { onTimeout } from './timeout.ts'
import { armRetransmit } from './timers.ts'
import { transmit } from './transmit.ts'
import { initialWindow } from './window.ts'

const SEND = 0

export type Received =
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  /** The other end has closed its direction. */
  | { readonly kind: 'end' }
  /** EAGAIN */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'error'; readonly error: SocketError }

/** socket(AF_INET, SOCK_STREAM): the calls a process makes. `cause` is always the seq of the step that led to the call. */
export class TcpSocket {
  readonly #sk: TcpSock

  private constructor(sk: TcpSock) {
    this.#sk = sk
    sk.onTimeout = (kind) => onTimeout(sk, kind)
  }

  static create(host: SocketHost, table: TcpTable<TcpSock>, owner: Owner | undefined): TcpSocket {
    const sk = new TcpSock(host, table)
    sk.owner = owner
    return new TcpSocket(sk)
  }

  /** A listener that the world had before anything ran. */
  static adopt(host: SocketHost, table: TcpTable<TcpSock>, record: SocketRecord): TcpSocket {
    const sk = new TcpSock(host, table, record)
    if (record.process !== undefined) sk.owner = { id: record.process, ref: host.rec.ref(record.process) }
    sk.reuse = true
    sk.portHeld = true
    table.bind(sk)
    return new TcpSocket(sk)
  }

  get id() {
    return this.#sk.id
  }
  get ref() {
    return this.#sk.ref
  }
  get state() {
    return this.#sk.state
  }
  get local() {
    return { address: this.#sk.localAddress, port: this.#sk.localPort }
  }
  get remote() {
    return { address: this.#sk.remoteAddress, port: this.#sk.remotePort }
  }
  /** connect() has succeeded. */
  get connected(): boolean {
    return this.#sk.state !== 'SYN_SENT' && this.#sk.state !== 'SYN_RECV' && this.#sk.state !== 'CLOSED'
  }
  /** Everything written has been acknowledged. */
  get flushed(): boolean {
    return this.#sk.sndUna === this.#sk.writeSeq
  }

  /** What poll(2) would wake the process for. */
  get onWake(): ((cause: number) => void) | undefined {
    return this.#sk.onWake
  }
  set onWake(handler: ((cause: number) => void) | undefined) {
    this.#sk.onWake = handler
  }

  /** setsockopt: SO_REUSEADDR, TCP_NODELAY, SO_BINDTODEVICE, TCP_MAXSEG. */
  set(options: { reuse?: boolean; noDelay?: boolean; device?: Device; maxSegment?: number }): void {
    if (options.maxSegment !== undefined) this.#sk.userMss = options.maxSegment
    if (options.reuse !== undefined) this.#sk.reuse = options.reuse
    if (options.noDelay !== undefined) this.#sk.noDelay = options.noDelay
    if (options.device !== undefined) this.#sk.device = options.device
  }

  /** SO_ERROR: reads and clears. Where there is no other, an ICMP error that has not ended the connection (sk_getsockopt()). */
  takeError(): SocketError | undefined {
    const error = this.#sockError()
    if (error !== undefined) return error
    const { softError } = this.#sk
    this.#sk.softError = undefined
    return softError
  }

  /** sock_error() */
  #sockError(): SocketError | undefined {
    const { error } = this.#sk
    this.#sk.error = undefined
    return error
  }

  /** inet_bind(). Port 0 asks for any. Errors: EADDRINUSE, EADDRNOTAVAIL, EINVAL when bound already. */
  bind(address: Ipv4, port: number): Result<void, Errno> {
    const sk = this.#sk
    if (sk.bound) return err('EINVAL')
    const { host, table } = sk
    if (address !== 0 && host.ns.fib.addressType(address) !== 'LOCAL') return err('EADDRNOTAVAIL')
    const conflicts = (p: number) => table.conflicts({ address, port: p, device: sk.device, reuse: sk.reuse }, sk)
    const chosen = port !== 0 ? port : host.ports.forBind((p) => !conflicts(p))
    if (chosen === undefined || conflicts(chosen)) return err('EADDRINUSE')
    sk.localAddress = address
    sk.localPort = chosen
    sk.portHeld = true
    table.bind(sk)
    return ok(undefined)
  }

  /** inet_csk_listen_start(). `backlog` is capped by net.core.somaxconn. */
  listen(backlog: number, cause: number): Result<void, Errno> {
    const sk = this.#sk
    if (sk.state !== 'CLOSED') return err('EINVAL')
    if (!sk.bound) {
      const bound = this.bind(ipv4(0), 0)
      if (!bound.ok) return bound
    }
    sk.backlog = Math.min(backlog, SOMAXCONN)
    sk.setState('LISTEN', cause)
    return ok(undefined)
  }

  accept(owner: Owner | undefined): TcpSocket | undefined {
    const child = this.#sk.acceptQueue.shift()
    if (child === undefined) return undefined
    this.#sk.children.delete(child)
    child.listener = undefined
    child.owner = owner
    child.sync()
    this.#sk.sync()
    return new TcpSocket(child)
  }

  /**
   * tcp_v4_connect(): chooses source address and port, sends the SYN. Success means EINPROGRESS. Errors: those of the route
   * (ENETUNREACH, EHOSTUNREACH, EACCES, EINVAL), EADDRNOTAVAIL when no port is left or the bound one clashes, EISCONN.
   */
  connect(address: Ipv4, port: number, cause: number): Result<void, Errno> {
    const sk = this.#sk
    if (sk.state === 'SYN_SENT') return err('EALREADY')
    if (sk.state !== 'CLOSED') return err('EISCONN')
    const { host, table } = sk
    const dst = address === 0 ? LOOPBACK : address
    const route = routeConnect(host, { dst, src: sk.localAddress, oif: sk.device })
    if (route.error !== undefined) return err(route.error)
    if (route.result === 'broadcast' || route.result === 'multicast' || isMulticast(dst)) return err('ENETUNREACH')
    const src = ipv4(route.source)
    const free = (p: number) => table.freeForConnect(src, p, dst, port)
    const chosen = sk.bound ? sk.localPort : host.ports.forConnect({ src, dst, dport: port }, free)
    if (chosen === undefined) return err('EADDRNOTAVAIL')
    if (sk.bound && table.connection(src, chosen, dst, port) !== undefined) return err('EADDRNOTAVAIL')
    sk.localAddress = src
    sk.localPort = chosen
    sk.remoteAddress = dst
    sk.remotePort = port
    table.bind(sk)
    table.hash(sk)
    this.#sendSyn(route.device?.mtu ?? 1500, cause)
    return ok(undefined)
  }

  /** tcp_connect() */
  #sendSyn(mtu: number, cause: number): void {
    const sk = this.#sk
    drawSecrets(sk)
    sk.advmss = clampMss(sk, defaultAdvmss(mtu))
    sk.mssClamp = sk.advmss
    sk.rcvWnd = initialWindow(sk.advmss)
    sk.rcvSsthresh = sk.rcvWnd
    sk.rcvWscale = 7
    sk.sndNxt = seqAdd(sk.iss, 1)
    const syn = newSegment(sk.iss, EMPTY, TCP.SYN)
    syn.sentAt = sk.host.now
    sk.rtxQueue.push(syn)
    const state = sk.setState('SYN_SENT', cause)
    armRetransmit(sk, 'retransmit', sk.rto)
    // What becomes of the SYN on its way out is no business of connect(2): it will be sent again.
    transmit(sk, syn, state)
  }

  /** send(2). Answers the bytes taken: all, the send buffer has no end here. Errors: the pending error, EPIPE, ENOTCONN. */
  send(bytes: Uint8Array, cause: number): Result<number, SocketError> {
    const sk = this.#sk
    const pending = this.#sockError()
    if (pending !== undefined) return err(pending)
    if (sk.sndShutdown || sk.state === 'CLOSED') return err({ errno: 'EPIPE' })
    if (sk.state !== 'ESTABLISHED' && sk.state !== 'CLOSE_WAIT') return err({ errno: 'ENOTCONN' })
    if (bytes.length === 0) return ok(0)
    queueData(sk, bytes)
    const seq = sk.host.step(STEP.socketData, cause, sk.ref, SEND, bytes.length)
    sk.sync()
    pushPending(sk, seq)
    return ok(bytes.length)
  }

  /** recv(2), all that is there. */
  receive(cause: number): Received {
    const sk = this.#sk
    if (sk.receiveLength > 0) {
      const bytes = concatBytes(sk.receiveQueue)
      sk.receiveQueue.length = 0
      sk.receiveLength = 0
      sk.copiedSeq = seqAdd(sk.copiedSeq, bytes.length)
      sk.sync()
      if (sk.state !== 'CLOSED') cleanupReceive(sk, bytes.length, cause)
      return { kind: 'data', bytes }
    }
    const error = this.#sockError()
    if (error !== undefined) return { kind: 'error', error }
    return sk.rcvShutdown ? { kind: 'end' } : { kind: 'nothing' }
  }

  /** shutdown(SHUT_WR) */
  shutdown(cause: number): void {
    shutdownSend(this.#sk, cause)
  }

  /** close(2). The kernel keeps the connection until it is over. */
  close(cause: number): void {
    closeSocket(this.#sk, cause)
  }

  /** Closes with a reset, as SO_LINGER of zero seconds does. */
  abort(cause: number): void {
    abortSocket(this.#sk, cause)
  }
}

/** net.core.somaxconn */
const SOMAXCONN = 4096
const LOOPBACK = ipv4(0x7f000001)
