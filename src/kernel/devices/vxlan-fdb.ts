import { formatIpv4, formatMac, ipv4, type Mac } from '../../net/address.ts'
import { STEP } from '../../trace/columns.ts'
import { tunnelFdbId } from '../../world/ids.ts'
import type { FdbRecord } from '../../world/records.ts'
import { CELL_FIELDS } from '../../world/world.ts'
import type { NetDevice } from '../device.ts'
import type { SkBuff } from '../skb.ts'

const USED = CELL_FIELDS.indexOf('used')
const UPDATED = CELL_FIELDS.indexOf('updated')

/** struct vxlan_fdb with one struct vxlan_rdst: a MAC address and a remote end behind which it lives. */
export interface VxlanRemote {
  readonly record: FdbRecord
  readonly ref: number
  /** The remote VTEP's address. */
  readonly address: number
  used: number
}

/** Why a frame is not let in: an entry that somebody made for good says otherwise. */
export type SnoopResult = 'ok' | 'entry-exists'

/** A VXLAN device's own forwarding database: drivers/net/vxlan/vxlan_core.c. */
export class VxlanFdb {
  readonly #dev: NetDevice
  readonly #ageing: number
  readonly #entries = new Map<number, VxlanRemote[]>()

  constructor(dev: NetDevice, ageing: number) {
    this.#dev = dev
    this.#ageing = ageing
  }

  load(record: FdbRecord): void {
    if (record.remote === undefined) return
    this.#put({
      record,
      ref: this.#dev.ns.kernel.rec.ref(record.id),
      address: record.remote,
      used: this.#dev.ns.kernel.now,
    })
  }

  #put(remote: VxlanRemote): void {
    const list = this.#entries.get(remote.record.mac)
    if (list === undefined) this.#entries.set(remote.record.mac, [remote])
    else list.push(remote)
  }

  /** vxlan_find_mac(): the remote ends of an address, none when it has no entry. Use keeps an entry young. */
  find(mac: number): readonly VxlanRemote[] {
    const { now, rec } = this.#dev.ns.kernel
    const live = (this.#entries.get(mac) ?? []).filter((r) => !this.#expired(r))
    for (const r of live) {
      r.used = now
      rec.cell(r.ref, USED, now)
    }
    return live
  }

  /** vxlan_snoop(): what arrived from `remote` tells where its source address lives. */
  snoop(skb: SkBuff, mac: Mac, remote: number): SnoopResult {
    const { kernel } = this.#dev.ns
    const known = this.#entries.get(mac)?.[0]
    if (known !== undefined && !this.#expired(known)) {
      if (known.address === remote) return 'ok'
      if (known.record.static) return 'entry-exists'
    }
    if (known !== undefined) {
      // Another remote end, or an entry that the cleaner would have taken by now and that is first missed here.
      kernel.rec.step(STEP.bridgeLearn, skb, known.ref, 1)
      kernel.rec.change({ id: known.record.id, from: known.record, to: undefined })
      this.#entries.delete(mac)
    }
    this.#learn(skb, mac, remote)
    return 'ok'
  }

  #learn(skb: SkBuff, mac: Mac, remote: number): void {
    const { ns, record: device } = this.#dev
    const { rec, now } = ns.kernel
    const record: FdbRecord = {
      kind: 'fdb',
      id: tunnelFdbId(ns.name, device.name, formatMac(mac), formatIpv4(remote)),
      netns: device.netns,
      bridge: device.id,
      mac,
      port: device.id,
      local: false,
      static: false,
      remote: ipv4(remote),
      origin: { component: 'kernel' },
    }
    const ref = rec.ref(record.id)
    rec.step(STEP.bridgeLearn, skb, ref, 0)
    rec.change({ id: record.id, from: undefined, to: record })
    rec.cell(ref, UPDATED, now)
    rec.cell(ref, USED, now)
    this.#put({ record, ref, address: remote, used: now })
  }

  /** vxlan_cleanup(): by when it was last used, unlike a bridge's. */
  #expired(r: VxlanRemote): boolean {
    return !r.record.static && r.used + this.#ageing <= this.#dev.ns.kernel.now
  }
}
