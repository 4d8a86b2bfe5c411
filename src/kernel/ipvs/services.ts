import { IPPROTO } from '../../net/packet.ts'
import type { TraceRecorder } from '../../trace/recorder.ts'
import type { IpvsDestinationRecord, IpvsServiceRecord } from '../../world/records.ts'
import { makeScheduler } from './schedulers/index.ts'
import { RealServer, VirtualService } from './service.ts'
import { zeroStats } from './stats.ts'

const PROTOCOLS: Readonly<Record<IpvsServiceRecord['protocol'], number>> = {
  tcp: IPPROTO.TCP,
  udp: IPPROTO.UDP,
  sctp: IPPROTO.SCTP,
}
const FTP_PORT = 21
const FTP_DATA_PORT = 20
/** inet_port_requires_bind_service() */
const PRIVILEGED_PORTS = 1024
/** IP_VS_DEST_TRASH_PERIOD */
const TRASH_PERIOD = 120_000_000_000

/** A removed real server, of which its connections keep hold. */
interface Trashed {
  readonly server: RealServer
  readonly service: VirtualService
  readonly at: number
}

/** Key of an address and port of a protocol; one number, so that a lookup allocates nothing. */
const keyOf = (protocol: number, address: number, port: number): number => (address * 65536 + port) * 4 + (protocol & 3)

/** ip_vs_ctl.c: the virtual servers of one namespace and their real servers. */
export class Services {
  readonly #rec: TraceRecorder
  readonly #byId = new Map<string, VirtualService>()
  readonly #byKey = new Map<number, VirtualService>()
  readonly #byRef = new Map<number, VirtualService>()
  readonly #servers = new Map<string, RealServer>()
  readonly #trash = new Map<string, Trashed>()
  /** Addresses of services, and addresses and ports of real servers, by protocol. */
  #addresses = new Set<number>()
  #reals = new Set<number>()
  #realAddresses = new Set<number>()
  #anyPort = false
  #ftp = false
  #enabled = false

  constructor(rec: TraceRecorder) {
    this.#rec = rec
  }

  /** Since the first service, and for good. */
  get enabled(): boolean {
    return this.#enabled
  }

  byRef(ref: number): VirtualService | undefined {
    return this.#byRef.get(ref)
  }

  /** ip_vs_service_find(): with the port, else the FTP service for its data, else one for every port. */
  find(protocol: number, address: number, port: number): VirtualService | undefined {
    const found = this.#byKey.get(keyOf(protocol, address, port))
    if (found !== undefined) return found
    if (this.#ftp && protocol === IPPROTO.TCP && (port === FTP_DATA_PORT || port >= PRIVILEGED_PORTS)) {
      const ftp = this.#byKey.get(keyOf(protocol, address, FTP_PORT))
      if (ftp !== undefined) return ftp
    }
    return this.#anyPort ? this.#byKey.get(keyOf(protocol, address, 0)) : undefined
  }

  /** ip_vs_has_real_service() */
  hasReal(protocol: number, address: number, port: number): boolean {
    return this.#reals.has(keyOf(protocol, address, port))
  }
  hasAddress(protocol: number, address: number): boolean {
    return this.#addresses.has(keyOf(protocol, address, 0))
  }
  hasRealAddress(protocol: number, address: number): boolean {
    return this.#realAddresses.has(keyOf(protocol, address, 0))
  }

  /**
   * ip_vs_add_service(), ip_vs_edit_service(), ip_vs_del_service() and the same for real servers, as far as the records differ.
   * `now` is the kernel's time in ns. True when a real server has gone.
   */
  replace(services: readonly IpvsServiceRecord[], destinations: readonly IpvsDestinationRecord[], now: number): boolean {
    const wanted = new Set<string>(services.map((s) => s.id))
    const kept = new Set<string>(destinations.map((d) => d.id))
    let removed = false
    for (const [id, service] of this.#byId) {
      for (const server of [...service.destinations]) {
        if (wanted.has(id) && kept.has(server.record.id)) continue
        removed = true
        service.remove(server)
        this.#servers.delete(server.record.id)
        this.#trash.set(server.record.id, { server, service, at: now })
      }
      if (!wanted.has(id)) this.#remove(service)
    }
    for (const record of services) this.#put(record)
    for (const record of destinations) this.#putServer(record, now)
    this.#enabled ||= services.length > 0
    this.#index()
    return removed
  }

  #put(record: IpvsServiceRecord): void {
    const known = this.#byId.get(record.id)
    const make = (service: VirtualService) => makeScheduler(record.scheduler, record.flags, service)
    if (known !== undefined) {
      const other = known.record.scheduler !== record.scheduler || known.record.flags.join() !== record.flags.join()
      known.record = record
      if (other) known.scheduler = make(known)
      return
    }
    const service = new VirtualService(record, this.#rec.ref(record.id), PROTOCOLS[record.protocol], make)
    this.#byId.set(record.id, service)
    this.#byRef.set(service.ref, service)
    this.#byKey.set(keyOf(service.protocol, service.address, service.port), service)
  }

  #putServer(record: IpvsDestinationRecord, now: number): void {
    const service = this.#byId.get(record.service)
    if (service === undefined) return
    const known = this.#servers.get(record.id)
    if (known !== undefined) {
      if (known.record !== record) service.update(known, record)
      return
    }
    const server = this.#fromTrash(record, service, now) ?? new RealServer(record, this.#rec.ref(record.id), service.ref)
    this.#servers.set(record.id, server)
    service.add(server)
  }

  /** ip_vs_trash_get_dest(): one that comes back while connections hold it, or soon, is the one that it was. */
  #fromTrash(record: IpvsDestinationRecord, service: VirtualService, now: number): RealServer | undefined {
    const found = this.#trash.get(record.id)
    if (found === undefined) return undefined
    this.#trash.delete(record.id)
    const { server } = found
    const held = server.activeConns + server.inactConns + server.persistConns > 0
    const lives = held || now - found.at < TRASH_PERIOD
    if (!lives || found.service !== service) zeroStats(this.#rec, server)
    return lives ? server.revive(record) : undefined
  }

  #remove(service: VirtualService): void {
    this.#byId.delete(service.record.id)
    this.#byRef.delete(service.ref)
    this.#byKey.delete(keyOf(service.protocol, service.address, service.port))
    zeroStats(this.#rec, service)
  }

  #index(): void {
    const all = [...this.#byId.values()]
    const servers = all.flatMap((s) => s.destinations.map((d) => ({ protocol: s.protocol, address: d.address, port: d.port })))
    this.#addresses = new Set(all.map((s) => keyOf(s.protocol, s.address, 0)))
    this.#reals = new Set(servers.map((d) => keyOf(d.protocol, d.address, d.port)))
    this.#realAddresses = new Set(servers.map((d) => keyOf(d.protocol, d.address, 0)))
    this.#anyPort = all.some((s) => s.port === 0)
    this.#ftp = all.some((s) => s.port === FTP_PORT)
  }
}
