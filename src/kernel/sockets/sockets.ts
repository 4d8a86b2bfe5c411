import { ipv4 } from '../../net/address.ts'
import { ICMP, IPPROTO } from '../../net/packet.ts'
import { STEP } from '../../trace/columns.ts'
import type { NetnsId, ProcessId } from '../../world/ids.ts'
import type { SocketRecord } from '../../world/records.ts'
import type { World } from '../../world/world.ts'
import {
  type ArpSocket,
  type Device,
  type ErrorSocket,
  type Namespace,
  PACKET_HOST,
  type Path,
  type QuotedHeader,
  type Skb,
  type Sockets,
} from '../types.ts'
import { pingError, tcpError, udpError } from './errors.ts'
import { SocketHost } from './host.ts'
import { PingSocket } from './ping.ts'
import type { Owner } from './socket.ts'
import { TcpSocket } from './tcp/connection.ts'
import { tcpReceive } from './tcp/receive.ts'
import type { TcpSock } from './tcp/sock.ts'
import { TcpTable } from './tcp/table.ts'
import { UdpSocket } from './udp.ts'
import { UdpTable } from './udp-table.ts'

/** The socket layer of one namespace: what the path hands packets to, and what processes call. */
export interface SocketsApi extends Sockets {
  tcp(owner: Owner | undefined): TcpSocket
  udp(owner: Owner | undefined): UdpSocket
  ping(owner: Owner | undefined): PingSocket
  /** A packet socket for ARP on one device. Undefined where frames are of no concern (tests of sockets alone). */
  arp(owner: Owner, dev: Device, received: (skb: Skb) => void): ArpSocket | undefined
  /** The listening socket that the initial world gave to a process, for the program that plays it. Undefined when there is none. */
  adoptTcp(process: ProcessId, port: number): TcpSocket | undefined
  adoptUdp(process: ProcessId, port: number): UdpSocket | undefined
  /** setup_udp_tunnel_sock(): datagrams for the kernel's own socket on `port` go to `receive`, with the socket's ref. */
  takeTunnel(port: number, receive: (skb: Skb, socket: number) => void): void
  /** skb_dst_update_pmtu(): what is sent here to `dst` is at most `mtu` bytes from now on. */
  learnPathMtu(dst: number, mtu: number): void
  /** dst_mtu() where a way has been found to be narrower than its device: bytes, 0 where nothing is known. */
  pathMtu(dst: number): number
}

/** Sockets of the initial world (listeners, bound UDP) are there from the start; `path` carries what they send. */
export function createSockets(ns: Namespace, path: Path): SocketsApi {
  return new NamespaceSockets(ns, path)
}

class NamespaceSockets implements SocketsApi {
  readonly #host: SocketHost
  readonly #tcp = new TcpTable<TcpSock>()
  readonly #udp = new UdpTable<UdpSocket>()
  readonly #pings = new Map<number, PingSocket>()
  readonly #adopted: { readonly record: SocketRecord; readonly socket: TcpSocket | UdpSocket }[] = []
  #pingRover = 0

  constructor(ns: Namespace, path: Path) {
    this.#host = new SocketHost(ns, path)
    for (const record of initialSockets(ns)) {
      // A namespace that was made anew under an old name has none of these.
      if (ns.kernel.rec.world.get(record.id) !== record) continue
      if (record.protocol === 'tcp' && record.state === 'LISTEN') {
        this.#adopted.push({ record, socket: TcpSocket.adopt(this.#host, this.#tcp, record) })
      } else if (record.protocol === 'udp') {
        this.#adopted.push({ record, socket: new UdpSocket(this.#host, this.#udp, undefined, record) })
      }
    }
  }

  tcp(owner: Owner | undefined): TcpSocket {
    return TcpSocket.create(this.#host, this.#tcp, owner)
  }

  udp(owner: Owner | undefined): UdpSocket {
    return new UdpSocket(this.#host, this.#udp, owner)
  }

  /** ping_get_port(): ids in order of birth. */
  ping(owner: Owner | undefined): PingSocket {
    do this.#pingRover = (this.#pingRover + 1) & 0xffff
    while (this.#pings.has(this.#pingRover) || this.#pingRover === 0)
    const id = this.#pingRover
    const socket = new PingSocket(this.#host, id, owner, () => this.#pings.delete(id))
    this.#pings.set(id, socket)
    socket.sync()
    return socket
  }

  arp(owner: Owner, dev: Device, received: (skb: Skb) => void): ArpSocket | undefined {
    return this.#host.path.openArp?.(dev, owner.ref, received)
  }

  adoptTcp(process: ProcessId, port: number): TcpSocket | undefined {
    const found = this.#find(process, port, 'tcp')
    return found instanceof TcpSocket ? found : undefined
  }

  adoptUdp(process: ProcessId, port: number): UdpSocket | undefined {
    const found = this.#find(process, port, 'udp')
    return found instanceof UdpSocket ? found : undefined
  }

  takeTunnel(port: number, receive: (skb: Skb, socket: number) => void): void {
    for (const { record, socket } of this.#adopted)
      if (record.encap !== undefined && record.local.port === port && socket instanceof UdpSocket) socket.tunnel = receive
  }

  learnPathMtu(dst: number, mtu: number): void {
    this.#host.pmtu.update(dst, mtu)
  }

  pathMtu(dst: number): number {
    const mtu = this.#host.pmtu.lookup(dst, UNKNOWN)
    return mtu === UNKNOWN ? 0 : mtu
  }

  #find(process: ProcessId, port: number, protocol: string): TcpSocket | UdpSocket | undefined {
    return this.#adopted.find(({ record: r }) => r.protocol === protocol && r.process === process && r.local.port === port)
      ?.socket
  }

  tcpReceive(skb: Skb): void {
    tcpReceive(this.#host, this.#tcp, skb)
  }

  /** __udp4_lib_rcv() */
  udpReceive(skb: Skb): void {
    const host = this.#host
    const { pkt } = skb
    const local = { address: ipv4(pkt.dst), port: pkt.dport }
    const sk = this.#udp.lookup(local, { address: ipv4(pkt.src), port: pkt.sport }, skb.inDev)
    host.rec.step(STEP.socketLookup, skb, sk?.ref ?? -1)
    if (sk === undefined) {
      host.drop(skb, 'SKB_DROP_REASON_NO_SOCKET')
      if (skb.packetType === PACKET_HOST) host.path.icmpSend(host.ns, skb, ICMP.UNREACHABLE, PORT_UNREACHABLE)
      return
    }
    if (sk.tunnel !== undefined) {
      sk.tunnel(skb, sk.ref)
      return
    }
    if (sk.onWake === undefined) {
      host.path.undetermined(skb, 'process', 'the process that listens here', sk.ref)
      return
    }
    sk.enqueue(skb)
  }

  /** ping_rcv(): an echo reply for the id of one of our sockets. Writes the lookup and the delivery when it takes the packet. */
  icmpReceive(skb: Skb): boolean {
    const { pkt } = skb
    if (pkt.icmpType !== ICMP.ECHO_REPLY) return false
    const sk = this.#pings.get(pkt.icmpRest >>> 16)
    if (sk === undefined || (sk.source !== 0 && sk.source !== pkt.dst)) return false
    this.#host.rec.step(STEP.socketLookup, skb, sk.ref)
    sk.enqueue(skb)
    return true
  }

  /** The caller has delivered the ICMP message (to `icmp`): `skb.cause` is that step, and what a socket does follows from it. */
  icmpError(skb: Skb, quoted: QuotedHeader, type: number, code: number, info: number): ErrorSocket | undefined {
    const report = { skb, quoted, type, code, info }
    if (quoted.protocol === IPPROTO.TCP) return tcpError(this.#host, this.#tcp, report)
    if (quoted.protocol === IPPROTO.UDP) return udpError(this.#host, this.#udp, report)
    if (quoted.protocol === IPPROTO.ICMP) return pingError(this.#host, this.#pings, report)
    return undefined
  }
}

const PORT_UNREACHABLE = 3
/** Longer than any IPv4 packet. */
const UNKNOWN = 0x10000

/** Socket records by namespace, gathered once for all namespaces of a run. */
const gathered = new WeakMap<World, ReadonlyMap<NetnsId, readonly SocketRecord[]>>()

function initialSockets(ns: Namespace): readonly SocketRecord[] {
  const world = ns.kernel.rec.initial
  let byNetns = gathered.get(world)
  if (byNetns === undefined) {
    const map = new Map<NetnsId, SocketRecord[]>()
    for (const r of world.values()) {
      if (r.kind !== 'socket') continue
      const list = map.get(r.netns)
      if (list === undefined) map.set(r.netns, [r])
      else list.push(r)
    }
    byNetns = map
    gathered.set(world, byNetns)
  }
  return byNetns.get(ns.record.id) ?? []
}
