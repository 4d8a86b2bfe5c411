import { IPv6 } from 'ip-num'
import { err, ok, type Result } from '../base/result.ts'
import type { AddressError } from './address.ts'
import type { Ipv6 } from './ipv6.ts'

/** RFC 4291 section 2.2, all three text forms; no zone and no prefix length. Apart from ipv6.ts, so that only edges load ip-num. */
export function parseIpv6(text: string): Result<Ipv6, AddressError> {
  // ip-num ignores a zone id and white space.
  if (/^[0-9a-fA-F:.]+$/.test(text)) {
    try {
      return ok(new IPv6(text).getValue() as Ipv6)
    } catch {
      // falls through: ip-num reports bad text by throwing
    }
  }
  return err({ kind: 'address', text, expected: 'an IPv6 address such as 2001:db8::1' })
}
