import { formatMac, type Mac } from '../../net/address.ts'
import { STEP } from '../../trace/columns.ts'
import { fdbId } from '../../world/ids.ts'
import type { FdbRecord } from '../../world/records.ts'
import { CELL_FIELDS } from '../../world/world.ts'
import type { NetDevice } from '../device.ts'
import type { SkBuff } from '../skb.ts'

const UPDATED = CELL_FIELDS.indexOf('updated')

interface Entry {
  record: FdbRecord
  readonly ref: number
  port: NetDevice
  updated: number
}

/** A bridge's forwarding database: net/bridge/br_fdb.c, one VLAN. */
export class Fdb {
  readonly #bridge: NetDevice
  readonly #ageing: number
  readonly #entries = new Map<number, Entry>()

  constructor(bridge: NetDevice, ageing: number) {
    this.#bridge = bridge
    this.#ageing = ageing
  }

  load(record: FdbRecord, port: NetDevice): void {
    this.#entries.set(record.mac, {
      record,
      ref: this.#bridge.ns.kernel.rec.ref(record.id),
      port,
      updated: this.#bridge.ns.kernel.now,
    })
  }

  /** br_fdb_find_rcu() and has_expired(): the live entry for a destination. */
  find(mac: number): Readonly<Entry> | undefined {
    const e = this.#entries.get(mac)
    return e === undefined || this.#expired(e) ? undefined : e
  }

  /** br_fdb_update(): learns `skb`'s source on the port it came in through. */
  learn(skb: SkBuff, port: NetDevice): void {
    const kernel = this.#bridge.ns.kernel
    const mac = skb.pkt.ethSrc
    const e = this.#entries.get(mac)
    if (e === undefined || (this.#expired(e) && e.port !== port)) {
      if (e !== undefined) {
        // The garbage collector would have taken it by now; it is first missed here.
        kernel.rec.step(STEP.bridgeLearn, skb, e.ref, 1)
        kernel.rec.change({ id: e.record.id, from: e.record, to: undefined })
        this.#entries.delete(mac)
      }
      this.#add(skb, mac as Mac, port)
      return
    }
    // A frame that carries the bridge's own address as source is a loop or a spoof; the kernel warns and learns nothing.
    if (e.record.local) return
    if (e.port !== port && !e.record.static) {
      kernel.rec.step(STEP.bridgeLearn, skb, e.ref, 1)
      const moved: FdbRecord = { ...e.record, port: port.record.id }
      kernel.rec.change({ id: e.record.id, from: e.record, to: moved })
      e.record = moved
      e.port = port
    }
    e.updated = kernel.now
    kernel.rec.cell(e.ref, UPDATED, kernel.now)
  }

  /** br_fdb_add_local(): a port's own address, when it joins. Part of the step last written. */
  addLocal(port: NetDevice): void {
    const bridge = this.#bridge
    if (this.#entries.has(port.mac)) return
    const record: FdbRecord = {
      kind: 'fdb',
      id: fdbId(bridge.ns.name, bridge.name, formatMac(port.mac), port.name),
      netns: bridge.record.netns,
      bridge: bridge.record.id,
      mac: port.mac,
      port: port.record.id,
      local: true,
      static: true,
      origin: { component: 'kernel' },
    }
    bridge.ns.kernel.rec.change({ id: record.id, from: undefined, to: record })
    this.load(record, port)
  }

  /** br_fdb_delete_by_port(): what leads to a port which goes, or, learnt, to one which is down. Part of the step last written. */
  flush(port: NetDevice, learntOnly = false): void {
    for (const [mac, e] of this.#entries) {
      if (e.port !== port || (learntOnly && e.record.static)) continue
      this.#bridge.ns.kernel.rec.change({ id: e.record.id, from: e.record, to: undefined })
      this.#entries.delete(mac)
    }
  }

  #add(skb: SkBuff, mac: Mac, port: NetDevice): void {
    const bridge = this.#bridge
    const { rec, now } = bridge.ns.kernel
    const record: FdbRecord = {
      kind: 'fdb',
      id: fdbId(bridge.ns.name, bridge.name, formatMac(mac), port.name),
      netns: bridge.record.netns,
      bridge: bridge.record.id,
      mac,
      port: port.record.id,
      local: false,
      static: false,
      origin: { component: 'kernel' },
    }
    const ref = rec.ref(record.id)
    this.#entries.set(mac, { record, ref, port, updated: now })
    rec.step(STEP.bridgeLearn, skb, ref, 0)
    rec.change({ id: record.id, from: undefined, to: record })
    rec.cell(ref, UPDATED, now)
  }

  #expired(e: Entry): boolean {
    return !e.record.static && !e.record.local && e.updated + this.#ageing <= this.#bridge.ns.kernel.now
  }
}
