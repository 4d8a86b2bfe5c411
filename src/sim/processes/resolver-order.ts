import type { Namespace } from '../../kernel/types.ts'
import type { Ipv4 } from '../../net/address.ts'

/** Leading bits that two addresses share. */
const shared = (a: number, b: number): number => Math.clz32(a ^ b)

/**
 * rfc3484_sort() for IPv4 destinations: what cannot be reached comes last (rule 1), a link-local source or destination only
 * goes with its like (rule 2), and of destinations on the source's own subnet the one that shares more bits with the source
 * comes first (rule 9). Otherwise the order of the answer stays. `source` is what connect(2) of a UDP socket would choose.
 */
export function sortDestinations(ns: Namespace, addresses: readonly Ipv4[], source: (to: Ipv4) => Ipv4 | undefined): Ipv4[] {
  const found = addresses.map((address) => ({ address, from: source(address) }))
  const bits = ({ address, from }: (typeof found)[number]): number => {
    if (from === undefined) return -1
    const length = prefixLength(ns, from)
    return shared(address, from) >= length ? shared(address, from) : 0
  }
  return found.toSorted((a, b) => bits(b) - bits(a)).map((f) => f.address)
}

function prefixLength(ns: Namespace, address: Ipv4): number {
  for (const device of ns.devices.values()) {
    const own = device.addresses.find((a) => a.address === address)
    if (own !== undefined) return own.prefixLength
  }
  return 32
}
