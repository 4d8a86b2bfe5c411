import { isLoopback, maskOf } from '../../net/address.ts'
import type { AddressRecord, Scope } from '../../world/records.ts'
import type { Device, Namespace } from '../types.ts'

/** enum rt_scope_t, include/uapi/linux/rtnetlink.h: the wider, the smaller. */
export const RT_SCOPE: Readonly<Record<Scope, number>> = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 }

interface Candidate {
  readonly address: number
  readonly mask: number
  readonly scope: number
}

/** The primary addresses of a namespace, device by device, as inet_select_addr() walks them. */
export class SourceAddresses {
  readonly #ns: Namespace
  readonly #byDevice = new Map<string, Candidate[]>()

  constructor(ns: Namespace, addresses: readonly AddressRecord[]) {
    this.#ns = ns
    for (const a of addresses) {
      if (a.secondary) continue
      const list = this.#byDevice.get(a.device)
      const candidate = { address: a.address, mask: maskOf(a.prefixLength) | 0, scope: RT_SCOPE[a.scope] }
      if (list === undefined) this.#byDevice.set(a.device, [candidate])
      else list.push(candidate)
    }
  }

  /**
   * inet_select_addr(), net/ipv4/devinet.c: on the device an address of the scope, in `dst`'s subnet if there is one (0: any),
   * else the first; then the first of any device, link scope excepted. 0 when there is none.
   */
  select(device: Device | undefined, dst: number, scope: number): number {
    const own = device === undefined ? 0 : this.#onDevice(device, dst, scope)
    if (own !== 0) return own
    for (const d of this.#ns.devices.values()) {
      for (const c of this.#byDevice.get(d.record.id) ?? NOTHING) {
        if (c.scope !== RT_SCOPE.link && c.scope <= scope) return c.address
      }
    }
    return 0
  }

  #onDevice(device: Device, dst: number, scope: number): number {
    let first = 0
    for (const c of this.#byDevice.get(device.record.id) ?? NOTHING) {
      const own = c.scope === RT_SCOPE.host && this.#routesLocalnet(device) ? RT_SCOPE.link : c.scope
      if (own > scope) continue
      if (dst === 0 || ((c.address ^ dst) & c.mask) === 0) return c.address
      if (first === 0) first = c.address
    }
    return first
  }

  /** route_localnet lends host scope addresses to the link. */
  #routesLocalnet(device: Device): boolean {
    const on = (name: string) => this.#ns.sysctl(`net.ipv4.conf.${name}.route_localnet`) !== 0
    return on('all') || on(device.name)
  }

  /** ip_dev_find(): the device that has an address, for what is sent from it to a group. */
  owner(address: number): Device | undefined {
    if (isLoopback(address)) return this.#ns.loopback
    for (const d of this.#ns.devices.values()) {
      if (this.#byDevice.get(d.record.id)?.some((c) => c.address === address)) return d
    }
    return undefined
  }
}

const NOTHING: readonly Candidate[] = []
