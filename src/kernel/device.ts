import type { Ipv4, Mac } from '../net/address.ts'
import type { DeviceRecord } from '../world/records.ts'
import type { Fdb } from './bridge/fdb.ts'
import type { VxlanDevice } from './devices/vxlan.ts'
import type { NetworkNamespace } from './namespace.ts'
import type { NeighbourTable } from './neighbour/table.ts'
import type { SkBuff } from './skb.ts'
import { type DeviceConf, deviceConf } from './sysctl.ts'
import type { Device } from './types.ts'

export interface DeviceAddress {
  readonly address: Ipv4
  readonly prefixLength: number
  readonly scope: string
}

/** struct net_device: a record brought to life, its peers and ports resolved to objects. */
export class NetDevice implements Device {
  readonly ns: NetworkNamespace
  record: DeviceRecord
  readonly ref: number
  readonly name: string
  readonly ifindex: number
  readonly mac: Mac
  readonly mtu: number
  up: boolean
  #conf: DeviceConf | undefined
  readonly neighbours: NeighbourTable
  readonly addresses: DeviceAddress[] = []
  /** Undefined until somebody asks; null when there is none (any more). */
  #peer: NetDevice | null | undefined = undefined
  /** The bridge this is a port of. */
  bridge: NetDevice | undefined = undefined
  /** A bridge's own: ports by port number, and the forwarding database. */
  readonly ports: NetDevice[] = []
  fdb: Fdb | undefined = undefined
  /** Packet sockets that want ARP frames which come in here (packet_rcv()). */
  arpTaps: Set<(skb: SkBuff) => void> | undefined = undefined
  /** A VXLAN device's own. */
  vxlan: VxlanDevice | undefined = undefined

  constructor(ns: NetworkNamespace, record: DeviceRecord, neighbours: (d: NetDevice) => NeighbourTable) {
    this.ns = ns
    this.record = record
    this.ref = ns.kernel.rec.ref(record.id)
    this.name = record.name
    this.ifindex = record.ifindex
    this.mac = record.mac
    this.mtu = record.mtu
    this.up = record.up
    this.neighbours = neighbours(this)
  }

  /** The other end of a veth pair or cable. */
  get peer(): NetDevice | undefined {
    if (this.#peer === undefined) {
      const { link } = this.record
      const id = link.kind === 'veth' || link.kind === 'physical' ? link.peer : undefined
      this.#peer = id === undefined ? null : (this.ns.kernel.devices.get(id) ?? null)
    }
    return this.#peer ?? undefined
  }

  /** The cable is gone, with its other end. */
  unplug(): void {
    this.#peer = null
  }

  /** Worked out when the first packet needs it. */
  get conf(): DeviceConf {
    this.#conf ??= deviceConf(this.name, (key) => (this.ns.sets(key) ? this.ns.sysctl(key) : undefined))
    return this.#conf
  }
}
