import { get16, get48, set16, set48 } from '../base/bytes.ts'
import { ok, type Result } from '../base/result.ts'
import { formatMac, type Mac } from './address.ts'
import { type ParseError, parseError } from './parse-error.ts'

/** IEEE 802.3 with an EtherType (DIX), without preamble and frame check sequence: what a Linux capture holds. */
export interface EthernetHeader {
  readonly dst: Mac
  readonly src: Mac
  /** As on the wire, so values below 0x0600 are 802.3 lengths. */
  readonly etherType: number
}

export const ETHERNET = { DST: 0, SRC: 6, TYPE: 12, LENGTH: 14 } as const

/** Reads a header at `at`. Errors: fewer than 14 bytes. */
export function parseEthernet(bytes: Uint8Array, at = 0): Result<EthernetHeader, ParseError> {
  if (bytes.length - at < ETHERNET.LENGTH) return parseError('ethernet', bytes.length, '14 bytes of Ethernet header')
  return ok({
    dst: get48(bytes, at + ETHERNET.DST) as Mac,
    src: get48(bytes, at + ETHERNET.SRC) as Mac,
    etherType: get16(bytes, at + ETHERNET.TYPE),
  })
}

/** Writes 14 bytes at `at`. */
export function emitEthernet(h: EthernetHeader, out: Uint8Array, at = 0): void {
  set48(out, at + ETHERNET.DST, h.dst)
  set48(out, at + ETHERNET.SRC, h.src)
  set16(out, at + ETHERNET.TYPE, h.etherType)
}

export const summarizeEthernet = (h: EthernetHeader): string =>
  `${formatMac(h.src)} > ${formatMac(h.dst)} ethertype 0x${h.etherType.toString(16).padStart(4, '0')}`
