import { IPPROTO } from '../../net/packet.ts'
import type { FlowTuple } from './tuple.ts'

const u16 = (b: Uint8Array, at: number): number => ((b[at] as number) << 8) | (b[at + 1] as number)
const u32 = (b: Uint8Array, at: number): number => (u16(b, at) * 0x10000 + u16(b, at + 2)) >>> 0

/**
 * nf_ct_get_tuplepr() for the packet that an ICMP error quotes (RFC 792: its IP header and at least 8 bytes). `bytes` begin
 * at the quoted IP header. False when it is cut too short, is a later fragment, or is no IPv4.
 */
export function readQuoted(bytes: Uint8Array, into: FlowTuple): boolean {
  const at = headerLength(bytes)
  if (at < 0 || (u16(bytes, 6) & 0x1fff) !== 0) return false
  const protocol = bytes[9] as number
  let sport = 0
  let dport = 0
  if (protocol === IPPROTO.TCP || protocol === IPPROTO.UDP) {
    if (bytes.length < at + 8) return false
    sport = u16(bytes, at)
    dport = u16(bytes, at + 2)
  } else if (protocol === IPPROTO.ICMP) {
    if (bytes.length < at + 8) return false
    sport = u16(bytes, at + 4)
    dport = u16(bytes, at)
  }
  into.set(u32(bytes, 12), u32(bytes, 16), sport, dport, protocol)
  return true
}

/** Length of the quoted IPv4 header in bytes, -1 when there is no whole one. */
export function headerLength(bytes: Uint8Array): number {
  if (bytes.length < 20 || (bytes[0] as number) >>> 4 !== 4) return -1
  const length = ((bytes[0] as number) & 15) * 4
  return length < 20 || bytes.length < length ? -1 : length
}
