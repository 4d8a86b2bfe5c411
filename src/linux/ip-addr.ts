import { formatIpv4 } from '../net/address.ts'
import type { AddressRecord, DeviceRecord } from '../world/records.ts'
import type { WorldView } from '../world/world.ts'
import { briefName, header, joined, type LinkOptions, linkLines, linkNetns } from './ip-link.ts'
import { devicesOf } from './names.ts'

export interface AddrOptions extends LinkOptions {
  /** -4: only devices that have an IPv4 address, without their link line. */
  readonly ipv4Only?: boolean
}

/** `ip [-d] [-br] [-o] [-4] addr` (iproute2 6.1, ip/ipaddress.c print_addrinfo). IPv6 addresses are not modelled and not printed. */
export function printIpAddr(view: WorldView, netns: string, options: AddrOptions = {}): string {
  let out = ''
  for (const d of devicesOf(view, netns)) {
    if (options.select && !options.select(d)) continue
    const addresses = addressesOf(view, d)
    if (options.ipv4Only && addresses.length === 0) continue
    if (options.brief)
      out += `${briefName(view, d)}${addresses.map((a) => `${formatIpv4(a.address)}/${a.prefixLength} `).join('')}\n`
    else if (options.oneline) {
      for (const a of addresses) out += joined([`${d.ifindex}: ${d.name}    ${inetLine(d, a)}`, LIFETIME], true)
    } else {
      const link = options.ipv4Only ? [] : linkLines(view, d, options.details ?? false)
      const inet = addresses.flatMap((a) => [`    ${inetLine(d, a)}`, LIFETIME])
      const head = `${header(view, d)}${options.ipv4Only ? linkNetns(view, d) : ''}`
      out += joined([head, ...link, ...inet], false)
    }
  }
  return out
}

const LIFETIME = '       valid_lft forever preferred_lft forever'

/** Primaries before secondaries, as the kernel's ifa_list keeps them (inet_insert_ifa). */
export const addressesOf = (view: WorldView, d: DeviceRecord): AddressRecord[] => {
  const all = view.list('address', d.netns).filter((a) => a.device === d.id)
  return [...all.filter((a) => !a.secondary), ...all.filter((a) => a.secondary)]
}

function inetLine(d: DeviceRecord, a: AddressRecord): string {
  const brd = a.broadcast === undefined ? '' : ` brd ${formatIpv4(a.broadcast)}`
  const secondary = a.secondary ? ' secondary' : ''
  return `inet ${formatIpv4(a.address)}/${a.prefixLength}${brd} scope ${a.scope}${secondary} ${a.label ?? d.name}`
}
