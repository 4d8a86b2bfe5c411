import { formatIpv4, formatMac, maskOf } from '../net/address.ts'
import { RT_TABLE } from '../world/records.ts'
import type { WorldView } from '../world/world.ts'
import { routesOf } from './ip-route.ts'
import { deviceName } from './names.ts'

// route and arp of net-tools 2.10, which read /proc/net/route and /proc/net/arp.

/** `route -n`; without `numeric` the default destination has its name. Table main only, one line for a multipath route. */
export function printRouteN(view: WorldView, netns: string, numeric = true): string {
  let out = 'Kernel IP routing table\nDestination     Gateway         Genmask         Flags Metric Ref    Use Iface\n'
  for (const r of routesOf(view, netns)) {
    if (r.table !== RT_TABLE.main && r.table !== RT_TABLE.default) continue
    if (r.type === 'throw') continue
    const hop = r.nexthops[0]
    // fib_flag_trans(): unreachable and prohibit are RTF_REJECT, a blackhole is a route to nowhere.
    const reject = r.type === 'unreachable' || r.type === 'prohibit'
    const flags = `${reject ? '!' : 'U'}${hop?.via === undefined ? '' : 'G'}${r.prefixLength === 32 ? 'H' : ''}`
    const gateway = reject ? '-' : formatIpv4(hop?.via ?? 0)
    const destination = r.prefixLength === 0 && !numeric ? 'default' : formatIpv4(r.dst)
    const iface = reject ? '-' : hop?.device === undefined ? '*' : deviceName(view, hop.device)
    const columns = [destination, gateway, formatIpv4(maskOf(r.prefixLength))].map((c) => c.padEnd(15))
    out += `${columns.join(' ')} ${flags.padEnd(5)} ${String(r.metric).padEnd(6)} ${(reject ? '-' : '0').padEnd(2)} ${'0'.padStart(7)} ${iface}\n`
  }
  return out
}

export interface ArpOptions {
  /** -a: one line each, BSD style. */
  readonly bsd?: boolean
  readonly device?: string
  readonly address?: number
}

/** `arp -n`, `arp -an`. Entries that are not valid (INCOMPLETE, FAILED) have no address. NOARP ones are not shown. */
export function printArp(view: WorldView, netns: string, o: ArpOptions = {}): string {
  const entries = view
    .list('neighbour', netns)
    .filter((n) => n.state !== 'NOARP' && n.state !== 'NONE')
    .filter((n) => o.device === undefined || deviceName(view, n.device) === o.device)
    .filter((n) => o.address === undefined || n.address === o.address)
  if (entries.length === 0) {
    if (o.address !== undefined) return `${formatIpv4(o.address)} (${formatIpv4(o.address)}) -- no entry\n`
    return ''
  }
  let out = o.bsd ? '' : 'Address                  HWtype  HWaddress           Flags Mask            Iface\n'
  for (const n of entries) {
    const device = deviceName(view, n.device)
    const valid = n.mac !== undefined && n.state !== 'INCOMPLETE' && n.state !== 'FAILED'
    const permanent = n.state === 'PERMANENT'
    const address = formatIpv4(n.address)
    if (o.bsd) {
      const at = valid && n.mac !== undefined ? `${formatMac(n.mac)} [ether]${permanent ? ' PERM' : ''}` : '<incomplete>'
      out += `? (${address}) at ${at} on ${device}\n`
    } else {
      const mac = valid && n.mac !== undefined ? formatMac(n.mac) : '(incomplete)'
      const flags = valid ? `C${permanent ? 'M' : ''}` : ''
      out += `${address.padEnd(25)}${(valid ? 'ether' : '').padEnd(8)}${mac.padEnd(20)}${flags.padEnd(6)}${''.padEnd(16)}${device}\n`
    }
  }
  return out
}
