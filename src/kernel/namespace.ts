import type { NetnsRecord, SysctlRecord } from '../world/records.ts'
import type { NetDevice } from './device.ts'
import type { MutableFib } from './fib/fib.ts'
import type { Ipvs } from './ipvs/index.ts'
import type { LocalKernel, NetKernel } from './kernel.ts'
import type { NamespaceNetfilter } from './netfilter/netfilter.ts'
import type { InetPeer } from './path/inet-peer.ts'
import { FragmentQueue } from './path/reassembly.ts'
import { Stall } from './path/stall.ts'
import type { SocketsApi } from './sockets/sockets.ts'
import { sysctlDefault } from './sysctl.ts'
import type { Namespace } from './types.ts'

/** How a namespace's parts are made (boot.ts). Of a large cluster most namespaces never see a packet, and never have any. */
export interface Rooms {
  fib(ns: NetworkNamespace): MutableFib
  netfilter(ns: NetworkNamespace): NamespaceNetfilter
  ipvs(ns: NetworkNamespace, netfilter: NamespaceNetfilter): Ipvs
  sockets(ns: NetworkNamespace): SocketsApi
}

/** struct net: one namespace at run time. */
export class NetworkNamespace implements Namespace {
  readonly kernel: LocalKernel
  readonly record: NetnsRecord
  readonly name: string
  readonly ref: number
  readonly devices = new Map<string, NetDevice>()
  readonly #sysctls: ReadonlyMap<string, SysctlRecord>
  readonly #ids = new Map<string, number>()
  /** See path/inet-peer.ts. */
  readonly peers = new Map<number, InetPeer>()
  readonly fragments: FragmentQueue
  readonly stall: Stall
  /** icmp_xmit_lock(): an ICMP message is on its way out, and a second one that it gives cause for is not sent. */
  icmpSending = false
  /** dev_xmit_recursion(): how many devices and tunnels are sending, one inside the other. */
  xmitRecursion = 0
  loopback: NetDevice | undefined = undefined
  readonly #rooms: Rooms
  #fib: MutableFib | undefined
  #netfilter: NamespaceNetfilter | undefined
  #sockets: SocketsApi | undefined
  #ipvs: Ipvs | undefined
  readonly #onSockets: (() => void)[] = []
  #ipId: number

  constructor(kernel: NetKernel, record: NetnsRecord, sysctls: ReadonlyMap<string, SysctlRecord>, rooms: Rooms) {
    this.kernel = kernel.local()
    this.record = record
    this.name = record.name
    this.ref = kernel.rec.ref(record.id)
    this.#sysctls = sysctls
    this.#rooms = rooms
    this.#ipId = kernel.rng.fork(`ip_id ${record.name}`).below(0x10000)
    this.fragments = new FragmentQueue(this)
    this.stall = new Stall(this)
  }

  get fib(): MutableFib {
    this.#fib ??= this.#rooms.fib(this)
    return this.#fib
  }

  get netfilter(): NamespaceNetfilter {
    return this.#netfilter ?? this.#makeNetfilter()
  }

  get ipvs(): Ipvs {
    if (this.#netfilter === undefined) this.#makeNetfilter()
    return this.#ipvs as Ipvs
  }

  get sockets(): SocketsApi {
    return this.#sockets ?? this.#makeSockets()
  }

  /** Calls `fn` once there are sockets, now or when something first comes for one. */
  whenSockets(fn: () => void): void {
    if (this.#sockets === undefined) this.#onSockets.push(fn)
    else fn()
  }

  /** IPVS registers its hooks with netfilter: there is never one without the other. */
  #makeNetfilter(): NamespaceNetfilter {
    this.#netfilter = this.#rooms.netfilter(this)
    this.#ipvs = this.#rooms.ipvs(this, this.#netfilter)
    return this.#netfilter
  }

  #makeSockets(): SocketsApi {
    this.#sockets = this.#rooms.sockets(this)
    for (const fn of this.#onSockets.splice(0)) fn()
    return this.#sockets
  }

  /** Is the value a record's and not the default? */
  sets(key: string): boolean {
    return this.#sysctls.has(key)
  }

  sysctl(key: string): number {
    const record = this.#sysctls.get(key)
    if (record === undefined) return sysctlDefault(key)
    const n = Number.parseInt(record.value, 10)
    return Number.isNaN(n) ? 0 : n
  }

  sysctlRef(key: string): number {
    const record = this.#sysctls.get(key)
    return record === undefined ? -1 : this.kernel.rec.ref(record.id)
  }

  nextId(kind: string): number {
    const n = (this.#ids.get(kind) ?? 0) + 1
    this.#ids.set(kind, n)
    return n
  }

  nextIpId(): number {
    this.#ipId = (this.#ipId + 1) & 0xffff
    return this.#ipId
  }
}
