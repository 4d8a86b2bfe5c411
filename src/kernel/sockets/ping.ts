import { err, ok, type Result } from '../../base/result.ts'
import { IPV4_ANY, type Ipv4, ipv4 } from '../../net/address.ts'
import { ETH_P, ICMP, IP_DF, IPPROTO, Packet } from '../../net/packet.ts'
import { STEP } from '../../trace/columns.ts'
import { PACKET_ORIGINS } from '../../trace/step.ts'
import type { Skb } from '../types.ts'
import type { Errno, SocketError } from './errno.ts'
import type { SocketHost } from './host.ts'
import { routeTo } from './route.ts'
import { sendBufferOf } from './send-buffer.ts'
import { type Owner, Socket, type SocketLook } from './socket.ts'

const FROM_SOCKET = PACKET_ORIGINS.indexOf('socket')
const SEND = 0
const RECEIVE = 1
const IP_ICMP_HEADERS = 28

/** IP_MTU_DISCOVER: `do` never fragments, `want` fragments here what does not fit, `dont` leaves it to the routers too. */
export type PathMtuDiscovery = 'do' | 'want' | 'dont'

export interface EchoReply {
  readonly kind: 'reply'
  readonly from: Ipv4
  readonly sequence: number
  readonly ttl: number
  readonly bytes: Uint8Array
  readonly decidedBy: number
}

/** What IP_RECVERR puts into the error queue (struct sock_extended_err, origin ICMP). */
export interface EchoError {
  readonly kind: 'error'
  /** Who reported it. */
  readonly from: Ipv4
  readonly sequence: number
  readonly type: number
  readonly code: number
  /** Next-hop MTU of "fragmentation needed". */
  readonly info: number
  readonly errno: Errno
  readonly decidedBy: number
}

/** socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP): net/ipv4/ping.c. The echo id is the socket's port. */
export class PingSocket extends Socket {
  readonly ident: number
  source: Ipv4 = IPV4_ANY
  discovery: PathMtuDiscovery = 'want'
  ttl = 0
  tos = 0
  /** SO_SNDBUF as it was asked for, bytes. */
  sendBuffer = Number.POSITIVE_INFINITY
  /** Called when there is room in the send buffer again, after it was full. */
  onWriteSpace: (() => void) | undefined
  #charged = 0
  readonly #queue: (EchoReply | EchoError)[] = []
  readonly #remove: () => void
  #open = true

  constructor(host: SocketHost, ident: number, owner: Owner | undefined, remove: () => void) {
    super(host, 'icmp')
    this.ident = ident
    this.owner = owner
    this.#remove = remove
  }

  protected look(): SocketLook | undefined {
    if (!this.#open) return undefined
    return { local: { address: this.source, port: this.ident }, state: 'UNCONN', receiveQueue: 0, sendQueue: 0 }
  }

  /** Errors: EADDRNOTAVAIL. */
  bind(address: Ipv4): Result<void, Errno> {
    if (address !== 0 && this.host.ns.fib.addressType(address) !== 'LOCAL') return err('EADDRNOTAVAIL')
    this.source = address
    this.sync()
    return ok(undefined)
  }

  /**
   * ping_v4_sendmsg(). Errors: the route's, EACCES for broadcast, netfilter's EPERM; EMSGSIZE with the MTU when the datagram
   * does not fit and must not be fragmented; EAGAIN while what was sent before fills the send buffer; and what an ICMP error
   * that nobody has read yet says (sock_alloc_send_pskb() looks at sk_err first).
   */
  sendEcho(to: Ipv4, sequence: number, bytes: Uint8Array, cause: number): Result<void, SocketError & { mtu?: number }> {
    const { host } = this
    const route = routeTo(host, { dst: to, src: this.source, oif: this.device })
    if (route.error !== undefined) return err({ errno: route.error })
    if (route.result === 'broadcast') return err({ errno: 'EACCES' })
    const mtu = host.pmtu.lookup(to, route.device?.mtu ?? 65535)
    const fits = bytes.length + IP_ICMP_HEADERS <= mtu
    if (!fits && this.discovery === 'do') return err({ errno: 'EMSGSIZE', mtu })
    const unread = this.#queue.find((m) => m.kind === 'error')
    if (unread !== undefined) return err({ errno: unread.errno, decidedBy: unread.decidedBy })
    if (this.#charged >= sendBufferOf(this.sendBuffer)) return err({ errno: 'EAGAIN' })
    const p = new Packet()
    p.etherType = ETH_P.IP
    p.protocol = IPPROTO.ICMP
    // Open, it is filled in from the route.
    p.src = this.source
    p.dst = to
    p.tos = this.tos
    p.ttl = this.ttl
    p.ipFlags = this.discovery !== 'dont' && fits ? IP_DF : 0
    p.icmpType = ICMP.ECHO
    p.icmpRest = ((this.ident << 16) | (sequence & 0xffff)) >>> 0
    p.payload = bytes
    const seq = host.step(STEP.socketData, cause, this.ref, SEND, bytes.length)
    const sent = host.path.localOut(host.ns, p, {
      how: FROM_SOCKET,
      cause: seq,
      socket: this,
      pathMtu: mtu,
      ...(this.owner === undefined ? {} : { process: this.owner.ref }),
      ...(this.device === undefined ? {} : { oif: this.device }),
    })
    return sent === 'OK' ? ok(undefined) : err({ errno: sent, decidedBy: host.rec.last })
  }

  charge(bytes: number): void {
    this.#charged += bytes
    if (bytes < 0) this.onWriteSpace?.()
  }

  /** recvmsg(2) with MSG_ERRQUEUE. */
  receiveError(): EchoError | undefined {
    const at = this.#queue.findIndex((m) => m.kind === 'error')
    const [found] = at < 0 ? [] : this.#queue.splice(at, 1)
    return found?.kind === 'error' ? found : undefined
  }

  /** recvmsg(2), the error queue included. */
  receive(): EchoReply | EchoError | undefined {
    return this.#queue.shift()
  }

  /** ping_rcv() */
  enqueue(skb: Skb): void {
    const decidedBy = this.host.deliver(skb, this.ref)
    const { pkt } = skb
    const seq = this.host.step(STEP.socketData, decidedBy, this.ref, RECEIVE, pkt.payload.length)
    const sequence = pkt.icmpRest & 0xffff
    this.#queue.push({ kind: 'reply', from: ipv4(pkt.src), sequence, ttl: pkt.ttl, bytes: pkt.payload, decidedBy })
    this.wake(seq)
  }

  /** ping_err() with IP_RECVERR */
  report(error: EchoError, cause: number): void {
    this.#queue.push(error)
    this.wake(cause)
  }

  close(): void {
    this.onWake = undefined
    this.onWriteSpace = undefined
    if (!this.#open) return
    this.#open = false
    this.#remove()
    this.sync()
  }
}
