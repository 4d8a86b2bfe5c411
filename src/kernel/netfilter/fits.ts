import type { AddressMatch, InterfaceMatch, PortMatch } from '../../world/netfilter.ts'

export const fitsAddress = (m: AddressMatch, address: number): boolean => (((address ^ m.address) & m.mask) === 0) !== m.invert
export const fitsPort = (m: PortMatch, port: number): boolean => (port >= m.from && port <= m.to) !== m.invert
/** ifname_compare(): an absent device has the empty name. */
export const fitsInterface = (m: InterfaceMatch, name: string): boolean =>
  (m.prefix ? name.startsWith(m.name) : name === m.name) !== m.invert
