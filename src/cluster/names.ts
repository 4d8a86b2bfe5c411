import { hash32 } from '../base/prng.ts'
import { type Ipv4, type Mac, macOf } from '../net/address.ts'

// Hardware addresses and device names: decided by what they belong to, so that the same input gives the same world.

/** CNI's PrivateMACPrefix with the interface's IPv4 address behind it (plugins/pkg/utils/hwaddr). */
export const cniMac = (address: Ipv4): Mac => macOf(0x0a58, address)

/** QEMU's and KVM's prefix, then the last three octets of the address. */
export const machineMac = (address: Ipv4): Mac => macOf(0x5254, address & 0xffffff)

/** Google Compute Engine: 42:01, then the instance's address. */
export const cloudMac = (address: Ipv4): Mac => macOf(0x4201, address)

/** A locally administered unicast address for what has no IPv4 address of its own (eth_random_addr's two bits). */
export function derivedMac(key: string): Mac {
  const first = (hash32(`${key}#mac`) & 0xfcff) | 0x0200
  return macOf(first, hash32(key))
}

/** `veth` and eight hexadecimal digits, as CNI's RandomVethName makes them; here the pod's place decides them. */
export const vethName = (place: string): string => `veth${hash32(place).toString(16).padStart(8, '0')}`

/** A device name for the port of a machine: its own name where the kernel would take it (dev_valid_name, 15 characters). */
export function portName(machine: string, index: number): string {
  return machine.length <= 15 && /^[^\s/:]+$/.test(machine) && machine !== '.' && machine !== '..' ? machine : `port${index + 1}`
}
