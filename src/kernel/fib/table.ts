import type { RouteRecord, RouteType } from '../../world/records.ts'
import type { Device, RouteLookup } from '../types.ts'
import { NONE, PrefixTrie } from './trie.ts'

/** struct fib_nh, its device found. */
export interface FibNexthop {
  readonly device: Device | undefined
  /** 0 when the destination is on-link. */
  readonly gateway: number
  /** rtnh_hops + 1. */
  readonly weight: number
  /** The answer that this nexthop last gave; shared as long as the same rule leads here. */
  answer: RouteLookup | undefined
}

/** struct fib_alias with its fib_info: one route of a table. */
export interface FibAlias {
  readonly route: RouteRecord
  readonly type: RouteType
  /** DSCP bits of the route's TOS; 0 takes any. */
  readonly tos: number
  readonly nexthops: readonly FibNexthop[]
}

/** fa_dscp covers the upper six bits of the TOS byte. */
const DSCP = 0xfc

/** One routing table: longest prefix first, then TOS, then metric, then the order routes were added in. */
export class FibTable {
  readonly #trie = new PrefixTrie<FibAlias>()

  add(alias: FibAlias): void {
    const { dst, prefixLength } = alias.route
    this.#trie.update(dst, prefixLength, (list) => {
      // fib_find_alias(): a TOS of its own before none, then ascending metric; equals are appended.
      const at = list.findIndex((a) => a.tos < alias.tos || (a.tos === alias.tos && a.route.metric > alias.route.metric))
      return at < 0 ? [...list, alias] : [...list.slice(0, at), alias, ...list.slice(at)]
    })
  }

  remove(route: RouteRecord): void {
    this.#trie.update(route.dst, route.prefixLength, (list) => list.filter((a) => a.route.id !== route.id))
  }

  /**
   * fib_table_lookup(): the first route that takes the destination, the TOS and, when asked for, the device; a route whose
   * nexthops are all dead is as if it were not there. `oif` undefined: any device.
   */
  lookup(dst: number, tos: number, oif: Device | undefined): FibAlias | undefined {
    const trie = this.#trie
    const dscp = tos & DSCP
    for (let n = trie.longest(dst); n !== NONE; n = trie.shorter(n)) {
      const list = trie.at(n)
      for (let i = 0; i < list.length; i++) {
        const a = list[i] as FibAlias
        if (a.tos !== 0 && a.tos !== dscp) continue
        if (isError(a.type) || aliveNexthop(a, oif) >= 0) return a
      }
    }
    return undefined
  }
}

export const dscpOf = (tos: number): number => tos & DSCP

/** fib_props[type].error is set: the route has no nexthop and ends the lookup (throw: in this table). */
export const isError = (type: RouteType): boolean =>
  type === 'blackhole' || type === 'unreachable' || type === 'prohibit' || type === 'throw'

/**
 * Index of the first nexthop that is not RTNH_F_DEAD and goes out through `oif`, -1 for none. A device that is down kills
 * its nexthops, those of local addresses excepted: fib_sync_down_dev() spares RT_SCOPE_NOWHERE.
 */
export function aliveNexthop(a: FibAlias, oif: Device | undefined): number {
  const list = a.nexthops
  for (let i = 0; i < list.length; i++) {
    const device = (list[i] as FibNexthop).device
    if (device !== undefined && (oif === undefined || oif === device) && isAlive(a, device)) return i
  }
  return -1
}

export const isAlive = (a: FibAlias, device: Device): boolean => device.record.up || a.type === 'local'
