import { err, ok, type Result } from '../../base/result.ts'

/** One frame of a capture. */
export interface PcapFrame {
  /** Nanoseconds since 1970; exact to about 256 ns. */
  readonly time: number
  readonly bytes: Uint8Array
  /** Length on the wire; more than `bytes` when the capture cut it. */
  readonly length: number
}

export interface PcapError {
  readonly kind: 'pcap'
  readonly message: string
}

const MICRO = 0xa1b2c3d4
const NANO = 0xa1b23c4d
const HEADER = 24
const RECORD = 16
const LINKTYPE_ETHERNET = 1

/**
 * Frames of a classic pcap file, either byte order, micro- or nanoseconds (https://www.tcpdump.org, pcap-savefile(5)).
 * A record that the end of the file cuts is left out. Errors: not such a file, or not Ethernet.
 */
export function parsePcap(file: Uint8Array): Result<PcapFrame[], PcapError> {
  const bad = (message: string) => err<PcapError>({ kind: 'pcap', message })
  if (file.length < HEADER) return bad(`${file.length} bytes are no pcap file`)
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const little = [MICRO, NANO].includes(view.getUint32(0, true))
  const magic = view.getUint32(0, little)
  if (magic !== MICRO && magic !== NANO) return bad(`magic number 0x${magic.toString(16)} is no pcap file's`)
  const linkType = view.getUint32(20, little) & 0xffff
  if (linkType !== LINKTYPE_ETHERNET) return bad(`link type ${linkType}; expected 1, Ethernet`)
  const unit = magic === NANO ? 1 : 1000
  const frames: PcapFrame[] = []
  for (let at = HEADER; at + RECORD <= file.length; ) {
    const captured = view.getUint32(at + 8, little)
    const from = at + RECORD
    if (from + captured > file.length) break
    frames.push({
      time: view.getUint32(at, little) * 1e9 + view.getUint32(at + 4, little) * unit,
      length: view.getUint32(at + 12, little),
      bytes: file.subarray(from, from + captured),
    })
    at = from + captured
  }
  return ok(frames)
}
