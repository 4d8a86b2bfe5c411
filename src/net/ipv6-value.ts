import { formatIpv6, type Ipv6 } from './ipv6.ts'

// IPv6 addresses without ip-num, for those whom the worker loads. As a text for lookups an address is its 32 hexadecimal digits: of
// one length, so that such texts are in the order of the addresses.

/** RFC 4291 section 2.2, all three text forms; no zone. A dotted quad's octets may have leading zeros, which count as decimal. */
export function ipv6Value(text: string): Ipv6 | undefined {
  const [head = '', tail, ...more] = text.split('::')
  if (more.length > 0) return undefined
  const groups = (part: string) => (part === '' ? [] : part.split(':').flatMap(groupsOf))
  const left = groups(head)
  const right = groups(tail ?? '')
  const missing = 8 - left.length - right.length
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  // A dotted quad stands last.
  if (/\.[^.]*:/.test(text)) return undefined
  const all = [...left, ...Array.from({ length: missing }, () => 0), ...right]
  if (all.some(Number.isNaN)) return undefined
  return all.reduce((sum, g) => (sum << 16n) | BigInt(g), 0n) as Ipv6
}

/** One group of hexadecimal digits, or a dotted quad as two; NaN for what is neither. */
function groupsOf(text: string): number[] {
  if (/^[0-9a-fA-F]{1,4}$/.test(text)) return [Number.parseInt(text, 16)]
  const octets = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text)?.slice(1).map(Number)
  if (octets === undefined || octets.some((o) => o > 255)) return [Number.NaN]
  const [a = 0, b = 0, c = 0, d = 0] = octets
  return [a * 256 + b, c * 256 + d]
}

export const ipv6Digits = (address: bigint): string => address.toString(16).padStart(32, '0')
export const ipv6OfDigits = (digits: string): string => formatIpv6(BigInt(`0x${digits}`) as Ipv6)

/** The addresses of a text, first and last as digits: one, `fd00::/64`, `fd00::1-fd00::9`. `text` is how they are written. */
export interface Ipv6Span {
  readonly from: string
  readonly to: string
  readonly text: string
}

export function ipv6Span(text: string): Ipv6Span | undefined {
  const prefix = /^(.+)\/(\d{1,3})$/.exec(text)
  const [first = '', last = first, ...more] = (prefix?.[1] ?? text).split('-')
  const from = ipv6Value(first)
  const to = ipv6Value(last)
  if (from === undefined || to === undefined || more.length > 0 || from > to) return undefined
  if (prefix === null) {
    const ends = { from: ipv6Digits(from), to: ipv6Digits(to) }
    return { ...ends, text: from === to ? formatIpv6(from) : `${formatIpv6(from)}-${formatIpv6(to)}` }
  }
  const length = Number(prefix[2])
  if (length > 128 || from !== to) return undefined
  const host = (1n << BigInt(128 - length)) - 1n
  const base = from & ~host
  const shown = formatIpv6(base as Ipv6)
  return { from: ipv6Digits(base), to: ipv6Digits(base | host), text: length === 128 ? shown : `${shown}/${length}` }
}
