import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatIpv6, type Ipv6 } from '../../net/ipv6.ts'
import { parseIpv6 } from '../../net/ipv6-text.ts'
import { cidrContains, joinHostPort, parseCidrSloppy, parseIpSloppy } from './ip.ts'

const text = (t: string) => parseIpSloppy(t)?.text

describe('addresses as kube-proxy reads them', () => {
  it('may have octets with leading zeros, which are decimal', () => {
    expect(text('192.0.002.010')).toBe('192.0.2.10')
    expect(parseCidrSloppy('203.0.113.000/025')?.text).toBe('203.0.113.0/25')
    for (const bad of ['192.0.2', '192.0.2.256', '192.0.2.1/24', '', 'web']) expect(text(bad), bad).toBeUndefined()
  })

  it('are written in canonical form, without host bits', () => {
    expect(text('2001:0DB8:0:0::1')).toBe('2001:db8::1')
    expect(text('::ffff:192.0.2.1')).toBe('192.0.2.1')
    expect(parseCidrSloppy('10.96.3.4/12')?.text).toBe('10.96.0.0/12')
    expect(parseCidrSloppy('2001:db8::5/64')?.text).toBe('2001:db8::/64')
    for (const bad of ['10.0.0.0/33', '10.0.0.0', '2001:db8::/129', '10.0.0.0/x'])
      expect(parseCidrSloppy(bad), bad).toBeUndefined()
  })

  it('read IPv6 as the rest of Hopscope does', () => {
    const address = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).filter((n) => n >> 32n !== 0xffffn)
    fc.assert(
      fc.property(address, (n) => {
        expect(parseIpSloppy(formatIpv6(n as Ipv6))).toMatchObject({ family: 'IPv6', value: n })
      }),
    )
    for (const t of [
      '::g',
      '1::2::3',
      '12345::',
      'fe80::1%eth0',
      ' ::1',
      '1:2:3',
      '::1.2.3.4:5',
      '1:2:3:4:5:6:7:8:9',
      '1:2:3:4:5:6:7::',
      '1::2:3:4:5:6:7:8',
      ':1:2:3:4:5:6:7',
    ]) {
      expect([t, parseIpSloppy(t) !== undefined]).toEqual([t, parseIpv6(t).ok])
    }
  })

  it('lie in blocks of their own family alone', () => {
    const contains = (block: string, ip: string) => {
      const [c, a] = [parseCidrSloppy(block), parseIpSloppy(ip)]
      return c !== undefined && a !== undefined && cidrContains(c, a)
    }
    expect(contains('10.0.0.0/8', '10.255.0.1')).toBe(true)
    expect(contains('10.0.0.0/8', '11.0.0.1')).toBe(false)
    expect(contains('0.0.0.0/0', '2001:db8::1')).toBe(false)
    expect(contains('2001:db8::/32', '2001:db8:ffff::1')).toBe(true)
  })

  it('are joined with ports as a URL has them', () => {
    const joined = (t: string) => {
      const a = parseIpSloppy(t)
      return a && joinHostPort(a, 80)
    }
    expect([joined('192.0.2.1'), joined('2001:db8::1')]).toEqual(['192.0.2.1:80', '[2001:db8::1]:80'])
  })
})
