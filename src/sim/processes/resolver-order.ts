import type { Ipv4 } from '../../net/address.ts'

/**
 * rfc3484_sort() as far as it moves IPv4 destinations: what cannot be reached comes last (rule 1), otherwise the order of the
 * answer stays. Rule 9, the longest prefix shared with the source, needs the list of interface addresses, which glibc keeps only
 * where one of them is IPv6 (sysdeps/unix/sysv/linux/check_pf.c). `source` is what connect(2) of a UDP socket would choose.
 */
export function sortDestinations(addresses: readonly Ipv4[], source: (to: Ipv4) => Ipv4 | undefined): Ipv4[] {
  const usable = addresses.filter((a) => source(a) !== undefined)
  return [...usable, ...addresses.filter((a) => !usable.includes(a))]
}
