import { formatIpv4, ipv4 } from '../../net/address.ts'

// The lines of iputils' ping_common.c, ping.c and ping_output.c.

/** Microseconds as ping prints a round trip: three digits that count. */
export function formatTime(us: number): string {
  const fixed = (n: number, digits: number) => n.toString().padStart(digits, '0')
  if (us >= 100_000 - 50) return `${Math.floor((us + 500) / 1000)}`
  if (us >= 10_000 - 5) return `${Math.floor((us + 50) / 1000)}.${Math.floor(((us + 50) % 1000) / 100)}`
  if (us >= 1000) return `${Math.floor((us + 5) / 1000)}.${fixed(Math.floor(((us + 5) % 1000) / 10), 2)}`
  return `${Math.floor(us / 1000)}.${fixed(us % 1000, 3)}`
}

export function replyLine(r: {
  readonly bytes: number
  /** As pr_addr() prints it: an address, or a name and the address. */
  readonly from: string
  readonly sequence: number
  readonly ttl: number
  readonly time: number | undefined
  readonly duplicate: boolean
  readonly wrongSource: boolean
}): string {
  const time = r.time === undefined ? '' : ` time=${formatTime(r.time)} ms`
  const notes = `${r.duplicate ? ' (DUP!)' : ''}${r.wrongSource ? ' (DIFFERENT ADDRESS!)' : ''}`
  return `${r.bytes} bytes from ${r.from}: icmp_seq=${r.sequence} ttl=${r.ttl}${time}${notes}`
}

const UNREACHABLE: readonly string[] = [
  'Destination Net Unreachable',
  'Destination Host Unreachable',
  'Destination Protocol Unreachable',
  'Destination Port Unreachable',
  '',
  'Source Route Failed',
  'Destination Net Unknown',
  'Destination Host Unknown',
  'Source Host Isolated',
  'Destination Net Prohibited',
  'Destination Host Prohibited',
  'Destination Net Unreachable for Type of Service',
  'Destination Host Unreachable for Type of Service',
  'Packet filtered',
  'Precedence Violation',
  'Precedence Cutoff',
]

const REDIRECT: readonly string[] = [
  'Redirect Network',
  'Redirect Host',
  'Redirect Type of Service and Network',
  'Redirect Type of Service and Host',
]

/** pr_icmph() */
export function icmpText(type: number, code: number, info: number): string {
  if (type === 3) {
    if (code === 4) return `Frag needed and DF set (mtu = ${info})`
    return UNREACHABLE[code] ?? `Dest Unreachable, Bad Code: ${code}`
  }
  if (type === 5) return `${REDIRECT[code] ?? `Redirect, Bad Code: ${code}`}(New nexthop: ${formatIpv4(ipv4(info))})`
  if (type === 11) {
    if (code === 0) return 'Time to live exceeded'
    return code === 1 ? 'Frag reassembly time exceeded' : `Time exceeded, Bad Code: ${code}`
  }
  if (type === 12) return `Parameter problem: pointer = ${info >>> 24}`
  return `Bad ICMP type: ${type}`
}

export interface PingStatistics {
  readonly transmitted: number
  readonly received: number
  readonly duplicates: number
  readonly errors: number
  /** Milliseconds from the first to the last probe. */
  readonly time: number
  /** Round trips, microseconds; none when the payload has no room for a timestamp. */
  readonly trips: readonly number[]
  /** Most probes that were ever in flight. */
  readonly pipe: number
}

/** ping_print_finish() */
export function statisticsLines(destination: string, s: PingStatistics): string[] {
  const extra = `${s.duplicates > 0 ? `, +${s.duplicates} duplicates` : ''}${s.errors > 0 ? `, +${s.errors} errors` : ''}`
  const loss = percent(((s.transmitted - s.received) * 100) / Math.max(1, s.transmitted))
  const sent = s.transmitted > 0 ? `, ${loss}% packet loss, time ${s.time}ms` : ''
  const lines = [
    '',
    `--- ${destination} ping statistics ---`,
    `${s.transmitted} packets transmitted, ${s.received} received${extra}${sent}`,
  ]
  const tail = [...(s.trips.length > 0 ? [roundTrips(s.trips)] : []), ...(s.pipe > 1 ? [`pipe ${s.pipe}`] : [])].join(', ')
  // ping always ends with this line, empty when there is nothing to say.
  return [...lines, tail]
}

/** C's %g of a percentage: six significant digits, no trailing zeros. */
const percent = (n: number): string => String(Number(n.toPrecision(6)))

function roundTrips(trips: readonly number[]): string {
  const total = trips.length
  const sum = trips.reduce((a, b) => a + b, 0)
  const squares = trips.reduce((a, b) => a + b * b, 0)
  const average = Math.floor(sum / total)
  const variance = Math.floor((squares - Math.floor((sum * sum) / total)) / total)
  const ms = (us: number) => `${Math.floor(us / 1000)}.${String(us % 1000).padStart(3, '0')}`
  const values = [Math.min(...trips), average, Math.max(...trips), Math.floor(Math.sqrt(Math.max(0, variance)))]
  return `rtt min/avg/max/mdev = ${values.map(ms).join('/')} ms`
}
