import { describe, expect, it } from 'vitest'
import { prng } from '../../base/prng.ts'
import { parseRule } from '../../linux/nft/parse-statement.ts'
import { NftReader } from '../../linux/nft/reader.ts'
import { ipv6Digits, ipv6Value } from '../../net/ipv6-value.ts'
import { IPPROTO, Packet } from '../../net/packet.ts'
import type { NftInput } from './expression.ts'
import type { Ip6Deps } from './ip6.ts'
import { compileMatch } from './match.ts'
import { isBits } from './rule.ts'
import { SetIndex } from './set.ts'

const digits = (text: string): string => ipv6Digits(ipv6Value(text) ?? 0n)

const ip6: Ip6Deps = {
  header: () => ({ src: digits('fd00:1::5'), dst: digits('2001:db8::80'), hopLimit: 63, length: 32 }),
  addressType: (a) => (a === digits('2001:db8::80') ? 'LOCAL' : 'UNICAST'),
  ctState: () => 8,
  nat: () => 1,
}
const pkt = new Packet()
pkt.protocol = IPPROTO.TCP
pkt.dport = 443
const place = { inDev: { name: 'eth0' }, outDev: undefined }
const skb = (p: Packet): NftInput => ({
  ...{ pkt: p, mark: 0x4000, ct: undefined, ctInfo: 0, socket: undefined, physIn: undefined, physOut: undefined },
})

/** Whether the packet fits all conditions of a rule's text, or which of them is not evaluated. */
function fits(text: string, p = pkt): boolean | string {
  const { statements } = parseRule(new NftReader(text), 'inet')
  for (const s of statements) {
    if (s.kind !== 'match') return s.kind
    const deps = { rng: prng(1), now: () => 0, addressType: () => 'UNICAST' as const, set: () => new SetIndex([], 1), ip6 }
    const c = compileMatch(s, deps, isBits(s.left))
    if ('unmodelled' in c) return c.unmodelled
    if (!c.test(skb(p), place)) return false
  }
  return true
}

describe('a condition, met by an IPv6 packet', () => {
  it.each([
    'ip6 saddr fd00:1::5',
    'ip6 saddr fd00:1::/64 ip6 daddr != fd00::/8',
    'ip6 daddr 2001:db8::1-2001:db8::ff',
    'ip6 saddr { fd00:1::/64, 2001:db8:5::1 } tcp dport { 80, 443 }',
    'ip6 saddr . tcp dport { fd00:1::5 . 443, fd00:1::6 . 80 }',
    'ip6 saddr . ip6 daddr { fd00:1::/64 . 2001:db8::/32 }',
    'ip6 hoplimit < 64 ip6 nexthdr tcp',
    'meta nfproto ipv6 meta protocol ip6 meta l4proto tcp meta length 72',
    'fib daddr type local fib saddr type unicast',
    'ct state new,untracked meta mark & 0x4000 != 0 iifname "eth*"',
  ])('%s fits', (text) => expect(fits(text)).toBe(true))

  it.each([
    'ip6 saddr fd00:1::6',
    'ip6 saddr fd00:2::/64',
    'ip6 saddr { fd00:2::/64, ::1 }',
    'meta nfproto ipv4',
    // It has no header of IPv4, so that not even `!=` fits.
    'ip saddr != 10.0.0.1',
    'icmpv6 type echo-request',
    'ct state established',
  ])('%s does not', (text) => expect(fits(text)).toBe(false))

  it('knows the types of ICMPv6', () => {
    const echo = new Packet()
    echo.protocol = 58
    echo.icmpType = 128
    expect(fits('icmpv6 type { nd-neighbor-solicit, echo-request } icmpv6 code 0', echo)).toBe(true)
    expect(fits('icmpv6 type echo-reply', echo)).toBe(false)
  })

  it('says what it does not evaluate', () => {
    expect(fits('ip6 flowlabel 7')).toBe('ip6 flowlabel')
    expect(fits('ct original ip saddr 10.0.0.1')).toBe('ct ip saddr of IPv6')
    expect(fits('fib saddr . iif oif exists')).toBe('fib of IPv6')
  })
})
