import { type FibAlias, type FibNexthop, isAlive } from './table.ts'

/**
 * fib_multipath_hash() with policy 0 (layer 3): source and destination address. The kernel keys its hash with a random secret, so
 * which nexthop a flow takes is not reproducible there; here it is a fixed mix, and stays with the flow as it does there.
 * Policy 1 (fib_multipath_hash_policy, layer 4 ports) is not modelled: a route lookup here carries no ports. 31 bits.
 */
export function multipathHash(src: number, dst: number): number {
  let h = Math.imul(src, 0x9e3779b1) ^ Math.imul(dst, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 16), 0x21f0aaad)
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97)
  return (h ^ (h >>> 15)) >>> 1
}

/** fib_select_multipath() over the bounds that fib_rebalance() sets: each live nexthop has a share of the hash by its weight. */
export function selectMultipath(alias: FibAlias, hash: number): number {
  const alive = (n: FibNexthop) => n.device !== undefined && isAlive(alias, n.device)
  let total = 0
  for (const n of alias.nexthops) if (alive(n)) total += n.weight
  let weight = 0
  for (let i = 0; i < alias.nexthops.length; i++) {
    const n = alias.nexthops[i] as FibNexthop
    if (!alive(n)) continue
    weight += n.weight
    const upperBound = Math.round((weight * 0x8000_0000) / total) - 1
    if (hash <= upperBound) return i
  }
  return -1
}
