import { formatPrefix, type Ipv4, type Ipv4Prefix, ipv4, maskOf, networkOf } from '../net/address.ts'

/** Addresses of one range, taken by request or in order. All state is this object's; nothing is random. */
export interface AddressPool {
  /** Marks an address as used. False when it is used already. */
  take(address: Ipv4): boolean
  /** The next free address, or undefined when the range is full. */
  next(): Ipv4 | undefined
}

/**
 * Hands out [first, last] in rising order, going on after the last address handed out and wrapping once, as the CNI
 * host-local plugin does (plugins/ipam/host-local/backend/allocator). Addresses outside the range can be marked too.
 */
export function addressPool(first: number, last: number): AddressPool {
  const used = new Set<number>()
  let cursor = first
  return {
    take(address) {
      if (used.has(address)) return false
      used.add(address)
      return true
    },
    next() {
      for (let tried = 0; tried <= last - first; tried++) {
        const a = cursor
        cursor = a === last ? first : a + 1
        if (!used.has(a)) {
          used.add(a)
          return ipv4(a)
        }
      }
      return undefined
    },
  }
}

/** A node's pods: host-local with the first address as gateway, so from .2 up to the last before the broadcast address. */
export function podPool(podCIDR: Ipv4Prefix): AddressPool {
  const network = networkOf(podCIDR)
  return addressPool(network + 2, network + 2 ** (32 - podCIDR.length) - 2)
}

/** The bridge's own address: the first of the node's range. */
export const gatewayOf = (podCIDR: Ipv4Prefix): Ipv4 => ipv4(networkOf(podCIDR) + 1)

/** Size of each node's slice of the cluster's pod range: kube-controller-manager's --node-cidr-mask-size default for IPv4. */
export const NODE_CIDR_MASK_SIZE = 24

/**
 * Node IPAM: slices of the cluster's range in rising order, passing over what overlaps a range that is already taken.
 * A cluster range as small as one slice or smaller is halved until every node can have one.
 * Source: pkg/controller/nodeipam/ipam/cidrset.
 */
export function nodeRanges(podCIDR: Ipv4Prefix, taken: readonly Ipv4Prefix[], count: number): Ipv4Prefix[] | undefined {
  const atLeast = podCIDR.length + Math.ceil(Math.log2(Math.max(1, count + taken.length)))
  const length = Math.max(Math.min(NODE_CIDR_MASK_SIZE, 30), Math.min(atLeast, 30), podCIDR.length)
  const size = 2 ** (32 - length)
  const end = networkOf(podCIDR) + 2 ** (32 - podCIDR.length)
  const out: Ipv4Prefix[] = []
  for (let a: number = networkOf(podCIDR); a < end && out.length < count; a += size) {
    const slice = { address: ipv4(a), length }
    if (!taken.some((t) => overlap(t, slice))) out.push(slice)
  }
  return out.length === count ? out : undefined
}

export const overlap = (a: Ipv4Prefix, b: Ipv4Prefix): boolean => {
  const mask = maskOf(Math.min(a.length, b.length))
  return ((a.address ^ b.address) & mask) === 0
}

export const prefixText = (p: Ipv4Prefix): string => formatPrefix({ address: networkOf(p), length: p.length })
