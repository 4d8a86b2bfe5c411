import { type Ipv4, ipv4, maskOf, parseIpv4 } from '../../net/address.ts'
import type { AddressMatch, InterfaceMatch, PortMatch, PortRange, ProtocolMatch } from '../../world/netfilter.ts'
import { PROTOCOL_NAMES, PROTOCOLS, portOfService } from './names.ts'

export type Draft<T> = T extends unknown ? { -readonly [K in keyof T]: T[K] } : never

/**
 * Walks over the words of one rule. The first refusal is kept in `expected` (what should have been there) and `found`;
 * readers then return harmless values, and the caller looks once, after the rule.
 * `unmodelled` is set by an option or a value that iptables knows and Hopscope does not model.
 */
export class RuleReader {
  words: string[] = []
  count = 0
  at = 0
  invert = false
  unmodelled = false
  expected: string | undefined
  found = ''
  /** Large rulesets say the same few ports and protocols over and over: one immutable object each. */
  readonly #ports = new Map<number, PortMatch>()
  readonly #protocols = new Map<string, ProtocolMatch>()

  start(words: string[], count: number, at: number): void {
    this.words = words
    this.count = count
    this.at = at
    this.invert = false
    this.unmodelled = false
    this.expected = undefined
  }

  fail(expected: string, found: string): void {
    if (this.expected !== undefined) return
    this.expected = expected
    this.found = found
  }

  /** The option's argument. A `!` before it is how iptables before 1.4 negated. */
  word(): string {
    if (this.at < this.count && this.words[this.at] === '!') {
      this.invert = true
      this.at++
    }
    if (this.at >= this.count) {
      this.fail(`an argument for ${this.words[this.at - 1] ?? 'the option'}`, '')
      return ''
    }
    return this.words[this.at++] as string
  }

  /** An argument that is free text: a `!` in it is a `!`. */
  text(): string {
    if (this.at >= this.count) return this.word()
    return this.words[this.at++] as string
  }

  /** Whether a `!` stood before this option; taking it says that the option can be inverted. */
  takeInvert(): boolean {
    const v = this.invert
    this.invert = false
    return v
  }

  /** A decimal, 0x or octal number as xtables_strtoui takes it. */
  number(max: number, what: string): number {
    const w = this.word()
    const n = parseNumber(w, max)
    if (n === undefined) this.fail(`${what} from 0 to ${max}`, w)
    return n ?? 0
  }

  port(): number {
    const w = this.word()
    return this.#port(w)
  }

  #port(w: string): number {
    const n = parseNumber(w, 65535) ?? portOfService(w)
    if (n === undefined) this.fail('a port or a service name', w)
    return n ?? 0
  }

  /** `80`, `http`, `1000:2000`, `:1023`, `1024:`. */
  ports(separator = ':'): PortRange {
    return this.portsIn(this.word(), separator)
  }

  portsIn(w: string, separator: string): PortRange {
    const mid = w.indexOf(separator)
    if (mid < 0) {
      const port = this.#port(w)
      return { from: port, to: port }
    }
    const from = mid === 0 ? 0 : this.#port(w.slice(0, mid))
    const to = mid === w.length - 1 ? 65535 : this.#port(w.slice(mid + 1))
    if (from > to) this.fail('a port range from low to high', w)
    return { from, to }
  }

  portMatch(): PortMatch {
    const w = this.word()
    const invert = this.takeInvert()
    const n = decimal(w)
    if (n >= 0 && n <= 65535) return invert ? { from: n, to: n, invert } : this.#plainPort(n)
    const { from, to } = this.portsIn(w, ':')
    return { from, to, invert }
  }

  #plainPort(n: number): PortMatch {
    let port = this.#ports.get(n)
    if (port === undefined) {
      port = { from: n, to: n, invert: false }
      this.#ports.set(n, port)
    }
    return port
  }

  /** `10.0.0.1`, `10.0.0.0/8`, `10.0.0.0/255.0.255.0`; host bits are masked away as the kernel's rule has them. */
  addressMatch(): AddressMatch {
    const w = this.word()
    return this.addressIn(w, this.takeInvert())
  }

  addressIn(w: string, invert: boolean): AddressMatch {
    const slash = w.indexOf('/')
    const a = parseIpv4(slash < 0 ? w : w.slice(0, slash))
    if (!a.ok) {
      const ipv6 = w.includes(':') ? ' (this looks like ip6tables-save, which is not read yet)' : ''
      this.fail(`an IPv4 address with or without a mask${ipv6}`, w)
      return { address: 0 as Ipv4, mask: 0 as Ipv4, invert }
    }
    const mask = slash < 0 ? maskOf(32) : this.#mask(w, slash + 1)
    return { address: ipv4(a.value & mask), mask, invert }
  }

  #mask(w: string, at: number): Ipv4 {
    const length = decimal(w, at)
    if (length >= 0 && length <= 32) return maskOf(length)
    const dotted = parseIpv4(w.slice(at))
    if (!dotted.ok) this.fail('a prefix length or a dotted mask after the slash', w)
    return dotted.ok ? dotted.value : maskOf(32)
  }

  address(): Ipv4 {
    const w = this.word()
    const a = parseIpv4(w)
    if (!a.ok) this.fail(a.error.expected, w)
    return a.ok ? a.value : (0 as Ipv4)
  }

  interfaceMatch(): InterfaceMatch {
    const w = this.word()
    const invert = this.takeInvert()
    if (w.length > 15) this.fail('an interface name of at most 15 characters', w)
    const prefix = w.charCodeAt(w.length - 1) === 43
    return { name: prefix ? w.slice(0, -1) : w, prefix, invert }
  }

  protocol(): ProtocolMatch {
    const w = this.word()
    const invert = this.takeInvert()
    const seen = invert ? undefined : this.#protocols.get(w)
    if (seen !== undefined) return seen
    const protocol = this.#protocol(w, invert)
    if (!invert && this.expected === undefined) this.#protocols.set(w, protocol)
    return protocol
  }

  #protocol(w: string, invert: boolean): ProtocolMatch {
    const known = PROTOCOLS.get(w) ?? PROTOCOLS.get(w.toLowerCase())
    if (known !== undefined) return { name: w.toLowerCase(), number: known, invert }
    const number = parseNumber(w, 255)
    if (number === undefined) this.fail('a protocol name or number', w)
    return { name: PROTOCOL_NAMES.get(number ?? 0) ?? String(number ?? 0), number: number ?? 0, invert }
  }

  /** `0x4000/0x4000`; without a mask, all bits. */
  markAndMask(): { value: number; mask: number } {
    const w = this.word()
    const slash = w.indexOf('/')
    const value = parseNumber(slash < 0 ? w : w.slice(0, slash), 0xffffffff)
    const mask = slash < 0 ? 0xffffffff : parseNumber(w.slice(slash + 1), 0xffffffff)
    if (value === undefined || mask === undefined) this.fail('a mark such as 0x4000 or 0x4000/0x4000', w)
    return { value: value ?? 0, mask: mask ?? 0 }
  }

  /** A comma list in which every member is one of `names`, returned in the order of `names`. */
  list<T extends string>(names: readonly T[]): T[] {
    const w = this.word()
    const members = w.toUpperCase().split(',')
    for (const m of members) if (!names.includes(m as T)) this.fail(`one or more of ${names.join(',')}`, w)
    return members.length === 1 ? (members as T[]) : names.filter((n) => members.includes(n))
  }
}

/** A run of decimal digits from `at` to the end, at most 10; -1 for anything else (and for octal's leading 0). */
export function decimal(w: string, at = 0): number {
  const n = w.length
  if (at >= n || n - at > 10 || (w.charCodeAt(at) === 48 && n - at > 1)) return -1
  let v = 0
  for (let i = at; i < n; i++) {
    const d = w.charCodeAt(i) - 48
    if (d < 0 || d > 9) return -1
    v = v * 10 + d
  }
  return v
}

/** strtoul with base 0: decimal, 0x hexadecimal, or octal after a leading 0. Undefined beyond `max` or for anything else. */
export function parseNumber(w: string, max: number): number | undefined {
  const d = decimal(w)
  const n =
    d >= 0
      ? d
      : /^0[xX][0-9a-fA-F]+$/.test(w)
        ? Number.parseInt(w.slice(2), 16)
        : /^0[0-7]+$/.test(w)
          ? Number.parseInt(w, 8)
          : Number.NaN
  return n <= max ? n : undefined
}
