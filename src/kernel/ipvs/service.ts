import type { IpvsDestinationRecord, IpvsServiceRecord } from '../../world/records.ts'
import type { Scheduler } from './schedulers/scheduler.ts'

/** struct ip_vs_dest: a real server at run time. Connections hold it, also after it has been removed. */
export class RealServer {
  record: IpvsDestinationRecord
  /** recorder ref of the record's id */
  readonly ref: number
  /** The service's own ref, for its share of the counters. */
  readonly serviceRef: number
  weight: number
  /** The last weight that was not 0: what Maglev hashing spreads by. */
  lastWeight: number
  activeConns = 0
  inactConns = 0
  /** Templates. */
  persistConns = 0
  /** IP_VS_DEST_F_AVAILABLE: false once it has been removed. */
  available = true
  // ip_vs_stats: conns, inpkts, inbytes, outpkts, outbytes.
  conns = 0
  inPackets = 0
  inBytes = 0
  outPackets = 0
  outBytes = 0

  constructor(record: IpvsDestinationRecord, ref: number, serviceRef: number) {
    this.record = record
    this.ref = ref
    this.serviceRef = serviceRef
    this.weight = record.weight
    this.lastWeight = record.weight
  }

  /** Back in its service, with the connections that it still has. */
  revive(record: IpvsDestinationRecord): this {
    this.available = true
    this.take(record)
    return this
  }

  take(record: IpvsDestinationRecord): void {
    this.record = record
    this.weight = record.weight
    if (record.weight !== 0) this.lastWeight = record.weight
  }

  get address(): number {
    return this.record.address
  }
  get port(): number {
    return this.record.port
  }
}

/** struct ip_vs_service: a virtual server at run time. */
export class VirtualService {
  record: IpvsServiceRecord
  readonly ref: number
  readonly protocol: number
  /** svc->destinations: ip_vs_add_dest() puts a new one at the head, so the last one added comes first. */
  readonly destinations: RealServer[] = []
  /** Undefined: one that is not modelled. */
  scheduler: Scheduler | undefined
  conns = 0
  inPackets = 0
  inBytes = 0
  outPackets = 0
  outBytes = 0

  constructor(
    record: IpvsServiceRecord,
    ref: number,
    protocol: number,
    make: (service: VirtualService) => Scheduler | undefined,
  ) {
    this.record = record
    this.ref = ref
    this.protocol = protocol
    this.scheduler = make(this)
  }

  get address(): number {
    return this.record.address
  }
  get port(): number {
    return this.record.port
  }
  get persistent(): boolean {
    return this.record.persistence !== undefined
  }

  /** __ip_vs_update_dest() with IPVS_ADD. */
  add(server: RealServer): void {
    this.destinations.unshift(server)
    this.scheduler?.changed()
  }

  /** __ip_vs_update_dest() of a known one. */
  update(server: RealServer, record: IpvsDestinationRecord): void {
    server.take(record)
    this.scheduler?.changed()
  }

  /** __ip_vs_unlink_dest(): connections to it stay, and drop what comes. */
  remove(server: RealServer): void {
    const at = this.destinations.indexOf(server)
    if (at < 0) return
    server.available = false
    this.destinations.splice(at, 1)
    this.scheduler?.removed(at)
  }
}
