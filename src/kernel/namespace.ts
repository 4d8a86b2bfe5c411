import type { NetnsRecord, SysctlRecord } from '../world/records.ts'
import type { NetDevice } from './device.ts'
import type { MutableFib } from './fib/fib.ts'
import type { Ipvs } from './ipvs/index.ts'
import type { LocalKernel, NetKernel } from './kernel.ts'
import type { NamespaceNetfilter } from './netfilter/netfilter.ts'
import type { InetPeer } from './path/inet-peer.ts'
import { FragmentQueue } from './path/reassembly.ts'
import type { SocketsApi } from './sockets/sockets.ts'
import { sysctlDefault } from './sysctl.ts'
import type { Namespace } from './types.ts'

/** struct net: one namespace at run time. boot.ts wires its rooms. */
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
  /** icmp_xmit_lock(): an ICMP message is on its way out, and a second one that it gives cause for is not sent. */
  icmpSending = false
  loopback: NetDevice | undefined = undefined
  // Wired by boot.ts before anything runs.
  fib!: MutableFib
  netfilter!: NamespaceNetfilter
  sockets!: SocketsApi
  ipvs!: Ipvs
  #ipId: number

  constructor(kernel: NetKernel, record: NetnsRecord, sysctls: ReadonlyMap<string, SysctlRecord>) {
    this.kernel = kernel.local()
    this.record = record
    this.name = record.name
    this.ref = kernel.rec.ref(record.id)
    this.#sysctls = sysctls
    this.#ipId = kernel.rng.fork(`ip_id ${record.name}`).below(0x10000)
    this.fragments = new FragmentQueue(this)
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
