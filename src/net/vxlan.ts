import { get8, get24, set24 } from '../base/bytes.ts'
import { ok, type Result } from '../base/result.ts'
import { IPPROTO, type Packet } from './packet.ts'
import { type ParseError, parseError } from './parse-error.ts'

/** RFC 7348 section 5. */
export interface VxlanHeader {
  readonly vni: number
}

export const VXLAN = { FLAGS: 0, VNI: 4, LENGTH: 8 } as const
/** The I flag: the VNI is valid. No other flag is defined, and Linux refuses a header that has one. */
const VNI_VALID = 0x08
/** UDP ports: IANA's, and the one that Linux had before there was one and that flannel keeps. */
export const VXLAN_PORTS: readonly number[] = [4789, 8472]

/** Reads a header at `at`. Errors: fewer than 8 bytes, the I flag not set, reserved bits set (vxlan_rcv()). */
export function parseVxlan(bytes: Uint8Array, at = 0): Result<VxlanHeader, ParseError> {
  if (bytes.length - at < VXLAN.LENGTH) return parseError('vxlan', bytes.length, '8 bytes of VXLAN header')
  if (get8(bytes, at) !== VNI_VALID || get24(bytes, at + 1) !== 0 || get8(bytes, at + 7) !== 0)
    return parseError('vxlan', at, 'the I flag alone')
  return ok({ vni: get24(bytes, at + VXLAN.VNI) })
}

/** The VXLAN header that a datagram to one of the ports begins with; undefined for any other packet. */
export function tunnelled(p: Packet): VxlanHeader | undefined {
  if (p.protocol !== IPPROTO.UDP || p.fragmentOffset !== 0 || !VXLAN_PORTS.includes(p.dport)) return undefined
  const header = parseVxlan(p.payload)
  return header.ok ? header.value : undefined
}

/** Writes 8 bytes at `at`. */
export function emitVxlan(h: VxlanHeader, out: Uint8Array, at = 0): void {
  out.fill(0, at, at + VXLAN.LENGTH)
  out[at + VXLAN.FLAGS] = VNI_VALID
  set24(out, at + VXLAN.VNI, h.vni)
}

export const summarizeVxlan = (h: VxlanHeader): string => `VXLAN vni ${h.vni}`
