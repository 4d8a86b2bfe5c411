import type { Ipv4, Mac } from '../../net/address.ts'
import type { AddressId, DeviceId, NeighbourId, NetnsId, PolicyRuleId, RouteId } from '../ids.ts'
import type { Origin } from './origin.ts'

// IPv4: addresses, routes, policy rules, neighbours.

export type Scope = 'global' | 'site' | 'link' | 'host' | 'nowhere'

export interface AddressRecord {
  readonly kind: 'address'
  readonly id: AddressId
  readonly netns: NetnsId
  readonly device: DeviceId
  readonly address: Ipv4
  readonly prefixLength: number
  readonly scope: Scope
  readonly broadcast?: Ipv4
  readonly label?: string
  readonly secondary?: boolean
  readonly origin: Origin
}

export type RouteType = 'unicast' | 'local' | 'broadcast' | 'multicast' | 'blackhole' | 'unreachable' | 'prohibit' | 'throw'

export interface Nexthop {
  readonly via?: Ipv4
  readonly device?: DeviceId
  readonly onlink?: boolean
  readonly weight?: number
}

/** Routing tables 253 default, 254 main, 255 local, as in rt_tables. */
export const RT_TABLE = { default: 253, main: 254, local: 255 } as const

/** struct fib_nh_exception: what was learnt of the way to one address that lies behind a next hop. */
export interface RouteException {
  readonly address: Ipv4
  /** Index into the route's nexthops. */
  readonly nexthop: number
  /** fnhe_gw: the shorter way that an ICMP redirect told of. */
  readonly gateway: Ipv4
  /** Virtual ns. */
  readonly expires: number
}

export interface RouteRecord {
  readonly kind: 'route'
  readonly id: RouteId
  readonly netns: NetnsId
  readonly table: number
  readonly type: RouteType
  readonly dst: Ipv4
  readonly prefixLength: number
  readonly tos: number
  /** Empty for blackhole and its kin; more than one is ECMP. */
  readonly nexthops: readonly Nexthop[]
  readonly scope: Scope
  readonly protocol: string
  readonly prefSrc?: Ipv4
  readonly metric: number
  /** nhc_exceptions of its next hops: `ip route show` knows nothing of them, `ip route get` and `ip route show cache` do. */
  readonly exceptions?: readonly RouteException[]
  readonly origin: Origin
}

export interface PolicyRuleRecord {
  readonly kind: 'policy-rule'
  readonly id: PolicyRuleId
  readonly netns: NetnsId
  readonly priority: number
  readonly invert: boolean
  readonly from?: { readonly address: Ipv4; readonly length: number }
  readonly to?: { readonly address: Ipv4; readonly length: number }
  readonly iif?: string
  readonly oif?: string
  readonly fwmark?: { readonly value: number; readonly mask: number }
  readonly action:
    | { readonly kind: 'lookup'; readonly table: number }
    | { readonly kind: 'blackhole' | 'unreachable' | 'prohibit' }
  /** A lookup's result is passed over when its prefix is this long or shorter (`suppress_prefixlength`). */
  readonly suppressPrefixLength?: number
  readonly origin: Origin
}

/** include/net/neighbour.h NUD_*. */
export type NudState = 'NONE' | 'INCOMPLETE' | 'REACHABLE' | 'STALE' | 'DELAY' | 'PROBE' | 'FAILED' | 'NOARP' | 'PERMANENT'

export interface NeighbourRecord {
  readonly kind: 'neighbour'
  readonly id: NeighbourId
  readonly netns: NetnsId
  readonly device: DeviceId
  readonly address: Ipv4
  readonly mac?: Mac
  readonly state: NudState
  /** Solicits sent without an answer. */
  readonly probes: number
  /** Packets waiting in arp_queue. */
  readonly queued: number
  readonly origin: Origin
}
