import { err, ok, type Result } from '../../base/result.ts'
import { IPV4_ANY, type Ipv4, ipv4 } from '../../net/address.ts'
import { ETH_P, IP_DF, IPPROTO, Packet } from '../../net/packet.ts'
import { STEP } from '../../trace/columns.ts'
import { PACKET_ORIGINS } from '../../trace/step.ts'
import type { SocketRecord } from '../../world/records.ts'
import type { Device, Skb } from '../types.ts'
import type { Errno, SocketError } from './errno.ts'
import type { SocketHost } from './host.ts'
import type { PathMtuDiscovery } from './ping.ts'
import { routeConnect, routeTo } from './route.ts'
import { type Endpoint, type Owner, Socket, type SocketLook } from './socket.ts'
import type { UdpTable } from './udp-table.ts'

const FROM_SOCKET = PACKET_ORIGINS.indexOf('socket')
const SEND = 0
const RECEIVE = 1
/** 65535 less the IPv4 and UDP headers. */
const MAX_PAYLOAD = 65507
const IP_UDP_HEADERS = 28

export interface Datagram {
  readonly bytes: Uint8Array
  readonly from: Endpoint
  /** seq of its arrival: several may wait when a process wakes. */
  readonly cause: number
}

/** socket(AF_INET, SOCK_DGRAM). `cause` is always the seq of the step that led to the call. */
export class UdpSocket extends Socket {
  local: Endpoint = { address: IPV4_ANY, port: 0 }
  remote: Endpoint | undefined
  reuse = false
  /** IP_MTU_DISCOVER */
  discovery: PathMtuDiscovery = 'want'
  /** encap_rcv: a tunnel takes what arrives. */
  tunnel: ((skb: Skb, socket: number) => void) | undefined
  readonly #table: UdpTable<UdpSocket>
  readonly #queue: Datagram[] = []
  #queued = 0
  #error: SocketError | undefined
  /** sk_txhash: of a connected socket alone. */
  #txHash = 0

  constructor(host: SocketHost, table: UdpTable<UdpSocket>, owner: Owner | undefined, record?: SocketRecord) {
    super(host, 'udp', record)
    this.#table = table
    this.owner = owner
    if (record === undefined) return
    if (record.process !== undefined) this.owner = { id: record.process, ref: host.rec.ref(record.process) }
    this.local = record.local
    this.remote = record.remote
    table.add(this)
  }

  protected look(): SocketLook | undefined {
    if (this.local.port === 0) return undefined
    return {
      local: this.local,
      ...(this.remote === undefined ? {} : { remote: this.remote }),
      state: this.remote === undefined ? 'UNCONN' : 'ESTAB',
      receiveQueue: this.#queued,
      sendQueue: 0,
    }
  }

  /** Errors: EADDRINUSE, EADDRNOTAVAIL, EINVAL when bound already. Port 0 asks for any. */
  bind(address: Ipv4, port: number): Result<void, Errno> {
    if (this.local.port !== 0) return err('EINVAL')
    const { host } = this
    if (address !== 0) {
      const type = host.ns.fib.addressType(address)
      if (type !== 'LOCAL' && type !== 'BROADCAST' && type !== 'MULTICAST') return err('EADDRNOTAVAIL')
    }
    const conflicts = (p: number) => this.#table.conflicts({ address, port: p, reuse: this.reuse })
    const chosen = port !== 0 ? port : host.ports.forDatagram((p) => !conflicts(p))
    if (chosen === undefined || conflicts(chosen)) return err('EADDRINUSE')
    this.local = { address, port: chosen }
    this.#table.add(this)
    this.sync()
    return ok(undefined)
  }

  /** ip4_datagram_connect(): fixes the other end and the source address. Nothing is sent. Errors: the route's; EACCES for broadcast. */
  connect(address: Ipv4, port: number): Result<void, Errno> {
    const dst = address === 0 ? LOOPBACK : address
    const route = routeConnect(this.host, { dst, src: this.local.address, oif: this.device })
    if (route.error !== undefined) return err(route.error)
    if (route.result === 'broadcast') return err('EACCES')
    if (this.local.port === 0) {
      const bound = this.bind(IPV4_ANY, 0)
      if (!bound.ok) return bound
    }
    if (this.local.address === 0) this.local = { address: ipv4(route.source), port: this.local.port }
    this.remote = { address: dst, port }
    this.#txHash = this.host.nextTxHash()
    this.sync()
    return ok(undefined)
  }

  /** What connect() and getsockname() would tell of the way to `address`, without taking a port: the source address. */
  probe(address: Ipv4): Result<Ipv4, Errno> {
    const route = routeConnect(this.host, { dst: address, src: this.local.address, oif: this.device })
    if (route.error !== undefined) return err(route.error)
    return route.result === 'broadcast' ? err('EACCES') : ok(ipv4(route.source))
  }

  /**
   * udp_sendmsg(). `to` is needed while not connected. Errors: the pending one, those of the route and of netfilter (EPERM),
   * EMSGSIZE beyond 65507 bytes, EACCES for broadcast.
   */
  send(bytes: Uint8Array, to: Endpoint | undefined, cause: number): Result<number, SocketError> {
    const pending = this.takeError()
    if (pending !== undefined) return err(pending)
    const target = to ?? this.remote
    if (target === undefined) return err({ errno: 'ENOTCONN' })
    if (bytes.length > MAX_PAYLOAD) return err({ errno: 'EMSGSIZE' })
    const route = routeTo(this.host, { dst: target.address, src: this.local.address, oif: this.device })
    if (route.error !== undefined) return err({ errno: route.error })
    if (route.result === 'broadcast') return err({ errno: 'EACCES' })
    if (this.local.port === 0) {
      const bound = this.bind(IPV4_ANY, 0)
      if (!bound.ok) return err({ errno: bound.error })
    }
    const seq = this.host.step(STEP.socketData, cause, this.ref, SEND, bytes.length)
    return this.#transmit(bytes, target, this.#mtu(target.address, route.device), seq)
  }

  #mtu(dst: number, device: Device | undefined): number {
    return this.host.pmtu.lookup(dst, device?.mtu ?? 65535)
  }

  #transmit(bytes: Uint8Array, to: Endpoint, mtu: number, cause: number): Result<number, SocketError> {
    const p = new Packet()
    p.etherType = ETH_P.IP
    p.protocol = IPPROTO.UDP
    // Open, it is filled in from the route.
    p.src = this.local.address
    p.dst = to.address
    p.sport = this.local.port
    p.dport = to.port
    // IP_PMTUDISC_WANT: what fits is never fragmented on the way, what does not fit is fragmented here.
    p.ipFlags = this.discovery !== 'dont' && bytes.length + IP_UDP_HEADERS <= mtu ? IP_DF : 0
    p.payload = bytes
    const { path, ns } = this.host
    const sent = path.localOut(ns, p, {
      how: FROM_SOCKET,
      cause,
      socket: this,
      hash: this.#txHash,
      pathMtu: mtu,
      ...(this.owner === undefined ? {} : { process: this.owner.ref }),
      ...(this.device === undefined ? {} : { oif: this.device }),
    })
    return sent === 'OK' ? ok(bytes.length) : err({ errno: sent, decidedBy: this.host.rec.last })
  }

  /** recvfrom(2): the oldest datagram, undefined when there is none. */
  receive(): Datagram | undefined {
    const d = this.#queue.shift()
    if (d === undefined) return undefined
    this.#queued -= d.bytes.length
    this.sync()
    return d
  }

  takeError(): SocketError | undefined {
    const error = this.#error
    this.#error = undefined
    return error
  }

  /** udp_queue_rcv_skb() */
  enqueue(skb: Skb): void {
    const cause = this.host.deliver(skb, this.ref)
    const { pkt } = skb
    const seq = this.host.step(STEP.socketData, cause, this.ref, RECEIVE, pkt.payload.length)
    this.#queue.push({ bytes: pkt.payload, from: { address: ipv4(pkt.src), port: pkt.sport }, cause: seq })
    this.#queued += pkt.payload.length
    this.sync()
    this.wake(seq)
  }

  /** The end of __udp4_lib_err(): only a connected socket hears of hard errors. */
  report(error: SocketError, hard: boolean, cause: number): void {
    if (!hard || this.remote === undefined) return
    this.#error = error
    this.wake(cause)
  }

  close(): void {
    this.onWake = undefined
    if (this.local.port === 0) return
    this.#table.remove(this)
    this.local = { address: IPV4_ANY, port: 0 }
    this.sync()
  }
}

const LOOPBACK = ipv4(0x7f000001)
