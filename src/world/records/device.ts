import type { Ipv4, Mac } from '../../net/address.ts'
import type { DeviceId, FdbId, NetnsId } from '../ids.ts'
import type { Origin } from './origin.ts'

// Network devices, and what a bridge or a tunnel has learnt about the addresses behind its ports.

export type DeviceLink =
  | { readonly kind: 'loopback' }
  | { readonly kind: 'veth'; readonly peer: DeviceId }
  /** `ageing` in nanoseconds (brctl's 300 s by default). */
  | { readonly kind: 'bridge'; readonly ageing: number }
  /**
   * One end of a cable; `latency` in nanoseconds one way. A NIC without a peer is unplugged. `inside`: it ends on the same machine
   * as it does in a lab, so that what a kernel notes beside a frame gets through (skb->dst_pending_confirm).
   */
  | { readonly kind: 'physical'; readonly peer?: DeviceId; readonly latency: number; readonly inside?: true }
  | { readonly kind: 'dummy' }
  /** drivers/net/vxlan, one VNI. The tunnel's own forwarding entries are `fdb` records with a `remote`. */
  | {
      readonly kind: 'vxlan'
      readonly vni: number
      /** UDP port it listens on and sends to: 4789 (IANA), or 8472 as Linux had it first and flannel keeps it. */
      readonly port: number
      /** Source of the outer packets; the route's choice when absent. */
      readonly local?: Ipv4
      /** Underlying device that outer packets are bound to (`dev eth0`). */
      readonly device?: DeviceId
      /** Whether it learns from what arrives where a MAC lives; flannel turns that off. */
      readonly learning: boolean
      /** Of what was learned, nanoseconds. */
      readonly ageing: number
    }
  /** Kept from an import, not modelled: `type` as `ip -d link` says it. A packet that meets it is `undetermined`. */
  | { readonly kind: 'unknown'; readonly type: string }

export interface DeviceRecord {
  readonly kind: 'device'
  readonly id: DeviceId
  readonly netns: NetnsId
  readonly ifindex: number
  readonly name: string
  readonly mac: Mac
  readonly mtu: number
  readonly up: boolean
  readonly link: DeviceLink
  /** Set on a bridge port. `port` is the bridge's port number, from 1. */
  readonly master?: {
    readonly bridge: DeviceId
    readonly port: number
    readonly hairpin: boolean
    readonly learning: boolean
    readonly flood: boolean
  }
  readonly origin: Origin
}

export interface FdbRecord {
  readonly kind: 'fdb'
  readonly id: FdbId
  readonly netns: NetnsId
  readonly bridge: DeviceId
  readonly mac: Mac
  /** The port; the bridge device itself for its own addresses. */
  readonly port: DeviceId
  readonly local: boolean
  readonly static: boolean
  /**
   * Of a VXLAN device's own entry, whose `bridge` and `port` are both that device: the VTEP behind which the address lives.
   * The entry of 00:00:00:00:00:00 is for every address that has none; it may be there once for each remote.
   */
  readonly remote?: Ipv4
  readonly origin: Origin
}
