import type { Ipv4, Mac } from '../net/address.ts'
import type { DeviceRecord } from '../world/records.ts'
import type { Fdb } from './bridge/fdb.ts'
import type { VxlanDevice } from './devices/vxlan.ts'
import type { NetworkNamespace } from './namespace.ts'
import type { NeighbourTable } from './neighbour/table.ts'
import type { DeviceConf } from './sysctl.ts'
import type { Device } from './types.ts'

export interface DeviceAddress {
  readonly address: Ipv4
  readonly prefixLength: number
  readonly scope: string
}

/** struct net_device: a record brought to life, its peers and ports resolved to objects. */
export class NetDevice implements Device {
  readonly ns: NetworkNamespace
  readonly record: DeviceRecord
  readonly ref: number
  readonly name: string
  readonly ifindex: number
  readonly mac: Mac
  readonly mtu: number
  up: boolean
  readonly conf: DeviceConf
  readonly neighbours: NeighbourTable
  readonly addresses: DeviceAddress[] = []
  /** The other end of a veth pair or cable. */
  peer: NetDevice | undefined = undefined
  /** The bridge this is a port of. */
  bridge: NetDevice | undefined = undefined
  /** A bridge's own: ports by port number, and the forwarding database. */
  readonly ports: NetDevice[] = []
  fdb: Fdb | undefined = undefined
  /** A VXLAN device's own. */
  vxlan: VxlanDevice | undefined = undefined

  constructor(ns: NetworkNamespace, record: DeviceRecord, conf: DeviceConf, neighbours: (d: NetDevice) => NeighbourTable) {
    this.ns = ns
    this.record = record
    this.ref = ns.kernel.rec.ref(record.id)
    this.name = record.name
    this.ifindex = record.ifindex
    this.mac = record.mac
    this.mtu = record.mtu
    this.up = record.up
    this.conf = conf
    this.neighbours = neighbours(this)
  }
}
